from typing import Any

from django.conf import settings
from django.db import migrations, models


def keep_their_zone(apps: Any, schema_editor: Any) -> None:
    """Series go by the page's zone until now, which only the environment could set."""
    apps.get_model("incidents", "Maintenance").objects.exclude(rule="").update(zone=settings.PAGE_TIME_ZONE)


class Migration(migrations.Migration):
    dependencies = [
        ("incidents", "0012_well_before_a_relapse"),
    ]

    operations = [
        migrations.AddField(
            model_name="maintenance",
            name="zone",
            field=models.CharField(db_default="", default="", editable=False, max_length=64),
        ),
        migrations.RunPython(keep_their_zone, migrations.RunPython.noop),
    ]
