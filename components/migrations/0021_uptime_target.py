import django.core.validators
from django.db import migrations, models

TARGET = {
    "verbose_name": "uptime target (%)",
    "null": True,
    "blank": True,
    "validators": [
        django.core.validators.MinValueValidator(50, "Use at least 50."),
        django.core.validators.MaxValueValidator(100, "Use at most 100."),
    ],
}


class Migration(migrations.Migration):
    dependencies = [
        ("components", "0020_self_test"),
    ]

    operations = [
        migrations.AddField(
            model_name="component",
            name="uptime_target",
            field=models.FloatField(
                help_text="What you promise for a month, such as 99.9. Its error budget is then shown in public.",
                **TARGET,
            ),
        ),
        migrations.AddField(
            model_name="page",
            name="uptime_target",
            field=models.FloatField(
                help_text="What you promise for a month, as the average of all components.", **TARGET
            ),
        ),
    ]
