import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("incidents", "0015_plain_names"),
    ]

    operations = [
        migrations.AddField(
            model_name="affected",
            name="continued_in",
            field=models.ForeignKey(
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="continues",
                to="incidents.incident",
            ),
        ),
    ]
