"""`Component.hand_status` is `manual_status` in the code. The column keeps its name, so that the version before
can go on serving the same database while this one starts."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("components", "0013_client_certificates")]
    operations = [
        migrations.AlterField(
            "component",
            "hand_status",
            models.CharField(
                "status set by staff",
                db_column="hand_status",
                max_length=25,
                choices=[
                    ("operational", "Operational"),
                    ("under_maintenance", "Maintenance"),
                    ("unknown", "Unknown"),
                    ("degraded_performance", "Degraded"),
                    ("partial_outage", "Partial outage"),
                    ("major_outage", "Major outage"),
                ],
                blank=True,
                help_text="Overrides the probes until it is cleared.",
            ),
        ),
        migrations.RenameField("component", "hand_status", "manual_status"),
    ]
