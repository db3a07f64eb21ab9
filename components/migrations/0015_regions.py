import django.core.validators
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("components", "0014_manual_status"),
    ]

    operations = [
        migrations.AddField(
            model_name="probe",
            name="main",
            field=models.ForeignKey(
                blank=True,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="others",
                to="components.probe",
            ),
        ),
        migrations.AddField(
            model_name="probe",
            name="quorum",
            field=models.PositiveSmallIntegerField(
                blank=True,
                help_text="How many regions must fail before it counts as down. Empty: more than half of those "
                "that report.",
                null=True,
                validators=[
                    django.core.validators.MinValueValidator(1, "Use at least 1 region."),
                    django.core.validators.MaxValueValidator(12, "Use at most 12 regions."),
                ],
                verbose_name="failing regions needed",
            ),
        ),
    ]
