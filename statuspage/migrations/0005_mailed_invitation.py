"""An invitation remembers that it was mailed: only then does its link prove the address."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("statuspage", "0004_audit_append_only")]

    operations = [
        migrations.AddField(
            model_name="invitation",
            name="is_mailed",
            field=models.BooleanField(default=False, db_default=False),
        ),
    ]
