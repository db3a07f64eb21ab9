import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("incidents", "0018_old_hook_secrets")]

    operations = [
        migrations.CreateModel(
            name="MonthlyReport",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("month", models.DateField(unique=True)),
                ("ended_at", models.DateTimeField()),
                ("made_at", models.DateTimeField()),
                ("body", models.JSONField()),
            ],
            options={"ordering": ("month",)},
        ),
        migrations.AddField(
            model_name="notice",
            name="report",
            field=models.OneToOneField(
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="notice",
                to="incidents.monthlyreport",
            ),
        ),
        migrations.AlterField(
            model_name="notice",
            name="kind",
            field=models.CharField(
                choices=[
                    ("incident", "Incidents"),
                    ("maintenance", "Maintenance"),
                    ("postmortem", "Postmortems"),
                    ("component", "Changes of a component"),
                    ("report", "Monthly reports"),
                ],
                max_length=12,
            ),
        ),
    ]
