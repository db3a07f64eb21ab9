"""When a probe first passed; a component that is to be judged again."""

from django.db import migrations, models
from django.db.models import Exists, OuterRef, Q

SEEN = ("up", "degraded")


def note_passed(apps, schema_editor):
    """Probes that have passed before do not have to prove themselves anew."""
    probes, flips = apps.get_model("components", "Probe"), apps.get_model("components", "Flip")
    passed = flips.objects.filter(probe=OuterRef("pk")).filter(Q(new__in=SEEN) | Q(old__in=SEEN))
    probes.objects.filter(Q(outcome__in=SEEN) | Exists(passed)).update(passed_at=models.F("created_at"))


class Migration(migrations.Migration):
    dependencies = [("components", "0006_joining")]

    operations = [
        migrations.AddField(
            model_name="probe",
            name="passed_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="component",
            name="judge_at",
            field=models.DateTimeField(db_index=True, editable=False, null=True),
        ),
        migrations.RunPython(note_passed, migrations.RunPython.noop),
    ]
