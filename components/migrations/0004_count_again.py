"""How far the tallies are right, and how long a result holds when its interval was changed.

The marks begin empty: everything that is still in the log of what was shown is counted once more,
a little a minute, so that hours and days an older version counted as up while it was off are mended.
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("components", "0003_excused")]

    operations = [
        migrations.AddField("page", "days_upto", models.DateTimeField(editable=False, null=True)),
        migrations.AddField("page", "excused_upto", models.DateTimeField(editable=False, null=True)),
        migrations.AddField("page", "hours_upto", models.DateTimeField(editable=False, null=True)),
        migrations.AddField("probe", "heard_for_s", models.BigIntegerField(editable=False, null=True)),
    ]
