"""Two spellings of one address were two subscribers: they become one that hears what either chose.

The one that goes on is active if either is, else the older. Links of the other go on working (FormerKey).
"""

import contextlib

import django.db.models.deletion
from django.db import migrations, models

from components import encryption
from subscribers import address_identity

CHUNK = 500
WANTS = ("is_all", "wants_incident", "wants_maintenance", "wants_postmortem", "wants_component")
CHOSEN = ("components", "groups", "follows")


def spell(apps, _):
    Subscriber = apps.get_model("subscribers", "Subscriber")
    rows = Subscriber.objects.filter(channel__in=("email", *WEB)).order_by("pk")
    for pk in list(rows.values_list("pk", flat=True).iterator(chunk_size=CHUNK)):
        one = Subscriber.objects.filter(pk=pk).first()
        if one is None:  # merged into an earlier one
            continue
        with contextlib.suppress(encryption.DecryptionError):
            _spell(apps, one)


WEB = ("webhook", "slack", "discord", "teams", "google_chat", "telegram", "mattermost")


def _spell(apps, one):
    Subscriber = apps.get_model("subscribers", "Subscriber")
    was = encryption.unseal(one.address)
    address = address_identity.normal(one.channel, was)
    mark = address_identity.fingerprint(one.channel, was)
    if mark != one.fingerprint:
        other = Subscriber.objects.filter(channel=one.channel, fingerprint=mark).exclude(pk=one.pk).first()
        if other is not None:
            first, second = sorted(
                (one, other), key=lambda row: (row.state != "active", row.created_at, row.pk)
            )
            _merge(apps, first, second)
            one = first
    if (one.fingerprint, address) != (mark, was):
        one.fingerprint, one.address = mark, encryption.seal(address)
        one.shown, one.host = (
            address_identity.masked(one.channel, address),
            address_identity.host_of(one.channel, address),
        )
        one.save(update_fields=["fingerprint", "address", "shown", "host"])


def _merge(apps, kept, gone):
    if gone.state == kept.state:
        for name in WANTS:
            setattr(kept, name, getattr(kept, name) or getattr(gone, name))
        kept.least_impact = min(kept.least_impact, gone.least_impact)
        kept.is_digest = kept.is_digest and gone.is_digest
        for name in CHOSEN:
            getattr(kept, name).add(*getattr(gone, name).all())
    kept.owner_id = kept.owner_id or gone.owner_id
    kept.signing = kept.signing or gone.signing
    kept.next_at = min(filter(None, (kept.next_at, gone.next_at)), default=None)
    apps.get_model("subscribers", "Subscriber").objects.filter(owner_id=gone.pk).update(owner_id=kept.pk)
    both = set(kept.deliveries.exclude(notice=None).values_list("notice", flat=True))
    told = set(gone.deliveries.filter(notice__in=both, state="sent").values_list("notice", flat=True))
    # what the other was told already is not told again
    kept.deliveries.filter(notice__in=told, state="owed").update(state="cancelled")
    gone.deliveries.filter(notice__in=both).delete()
    gone.deliveries.update(subscriber_id=kept.pk)
    apps.get_model("subscribers", "FormerKey").objects.create(key=gone.key, subscriber_id=kept.pk)
    gone.delete()
    kept.save()


class Migration(migrations.Migration):
    dependencies = [("subscribers", "0004_staff_alerts")]
    operations = [
        migrations.CreateModel(
            name="FormerKey",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("key", models.CharField(max_length=43, unique=True)),
                (
                    "subscriber",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="former_keys",
                        to="subscribers.subscriber",
                    ),
                ),
            ],
        ),
        migrations.RunPython(spell, migrations.RunPython.noop, elidable=True),
    ]
