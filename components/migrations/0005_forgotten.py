"""Since which version nothing was taken off the public pages."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("components", "0004_count_again")]

    operations = [
        migrations.AddField(
            "page",
            "forgotten",
            models.BigIntegerField(
                db_default=0,
                default=0,
                editable=False,
                help_text="Copies of earlier versions show what was removed since.",
            ),
        ),
    ]
