"""Why a host was not reached is for staff: what its owner reads becomes one sentence, also of the past."""

from django.db import migrations, models
from django.db.models import F

UNREACHED = "We can’t reach this address. Check that it is right and answers on the public internet."
STOPPED = "Five days without a successful delivery. "


def say_one_sentence(apps, _):
    Delivery = apps.get_model("subscribers", "Delivery")
    Subscriber = apps.get_model("subscribers", "Subscriber")
    unanswered = Delivery.objects.filter(answer=None, state__in=("owed", "failed")).exclude(last_error="")
    reasons = set(unanswered.values_list("last_error", flat=True))
    notes = [f"{STOPPED}{reason}"[:250] for reason in reasons]
    Subscriber.objects.filter(last_error__in=reasons).update(last_error=UNREACHED)
    Subscriber.objects.filter(state="quarantined", note__in=notes).update(note=f"{STOPPED}{UNREACHED}")
    unanswered.update(detail=F("last_error"), last_error=UNREACHED)


class Migration(migrations.Migration):
    dependencies = [("subscribers", "0002_imports")]
    operations = [
        migrations.AddField(
            model_name="delivery",
            name="detail",
            field=models.CharField(blank=True, db_default="", default="", max_length=250),
        ),
        migrations.RunPython(say_one_sentence, migrations.RunPython.noop, elidable=True),
    ]
