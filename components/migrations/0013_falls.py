from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("components", "0012_identity"),
    ]

    operations = [
        migrations.AddField(
            model_name="probe",
            name="falls",
            field=models.JSONField(default=list, editable=False),
        ),
    ]
