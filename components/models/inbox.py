"""The secret address of a passive probe, and what was reported there so far.

The key is found by its hash and kept sealed, so that staff can see the address again and a copy of the
database cannot be used to report.
"""

import hashlib
import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import models, transaction

from components import encryption
from components.models.heartbeat import Heartbeat
from components.models.page import Page
from components.models.public_id import ALPHABET
from components.passive import alerts
from components.passive.hearing import Heard
from components.passive.reports import Kind
from components.probers import is_passive

if TYPE_CHECKING:
    from components.models.probe import Probe

KEY_LENGTH = 32  # of 31 characters: 158 bits
KEY = re.compile(f"[{ALPHABET}]{{{KEY_LENGTH}}}")
UNREADABLE = "The address cannot be decrypted because SECRET_KEY has changed. Make a new address."
# Rows of Heartbeat: that web processes take reports, and from when on without a gap
LISTENING, NOW, SINCE = "listening", "now", "since"
GAP = timedelta(seconds=60)  # shorter ones (a restart) lose nothing that is sent again


def new_key() -> str:
    """A fresh random key."""
    return "".join(secrets.choice(ALPHABET) for _ in range(KEY_LENGTH))


def hash_of(key: str) -> str:
    """What a key is found by: it is random enough to need no salt, and outlives SECRET_KEY."""
    return hashlib.sha256(key.encode()).hexdigest()


class InboxManager(models.Manager["Inbox"]):
    def ensure(self, probe: "Probe") -> None:
        """An address for a probe that has none."""
        if not self.filter(probe=probe).exists():
            key = new_key()
            self.get_or_create(
                probe=probe, defaults={"key_hash": hash_of(key), "sealed_key": encryption.seal(key)}
            )

    def heard(self, probes: Iterable["Probe"], now: datetime) -> Mapping[int, Heard]:
        """What the passive ones of these are judged by, by probe id: one query, none without any."""
        wanted = [probe.pk for probe in probes if is_passive(probe.kind)]
        if not wanted:
            return {}
        beats = Heartbeat.objects.filter(role=LISTENING)
        newest = {name: beats.filter(name=name).values("at")[:1] for name in (NOW, SINCE)}
        rows = self.filter(probe__in=wanted).annotate(
            listening_at=models.Subquery(newest[NOW]),
            listening_since=models.Subquery(newest[SINCE]),
            page_zone=models.Subquery(Page.objects.filter(pk=1).values("time_zone")[:1]),
        )
        columns = ("probe_id", "state", "listening_at", "listening_since", "page_zone")
        return {
            probe_id: Heard(state, now, _zone(zone), at, since)
            for probe_id, state, at, since, zone in rows.values_list(*columns)
        }

    def keep_listening(self, now: datetime, since: datetime) -> None:
        """A web process has taken reports from `since` until now, and has stored them all."""
        with transaction.atomic():
            Heartbeat.objects.get_or_create(role=LISTENING, name=SINCE, defaults={"at": since})
            newest, is_new = Heartbeat.objects.select_for_update().get_or_create(
                role=LISTENING, name=NOW, defaults={"at": now}
            )
            if not is_new and since - newest.at > GAP:
                Heartbeat.objects.filter(role=LISTENING, name=SINCE).update(at=since)
            if not is_new:
                Heartbeat.objects.filter(pk=newest.pk).update(at=now)


def _zone(name: str | None) -> ZoneInfo:
    """The page's zone, as staff or the environment set it; UTC for one that is none."""
    for zone in (name, settings.PAGE_TIME_ZONE):
        try:
            return ZoneInfo(zone or "")
        except (KeyError, ValueError, OSError):
            continue
    return ZoneInfo("UTC")


class Inbox(models.Model):
    """One per passive probe. `state` is that of `components.passive.heartbeats` or `alerts`.

    `newest`: when something was last said (`components.receiving`), so that repeats within a second are one.
    """

    probe = models.OneToOneField("components.Probe", on_delete=models.CASCADE, related_name="inbox")
    key_hash = models.CharField(max_length=64, unique=True)
    sealed_key = models.TextField()
    # The address before the last renewal: what came to it until then, and waits on disk, still counts
    old_key_hash = models.CharField(max_length=64, default="", db_default="", db_index=True)
    renewed_at = models.DateTimeField(null=True)
    state = models.JSONField(default=dict)
    newest = models.JSONField(default=dict)

    objects = InboxManager()

    def __str__(self) -> str:
        return f"inbox of {self.probe_id}"

    @property
    def key(self) -> str:
        """The key in its address; empty when it cannot be decrypted any more."""
        try:
            return encryption.unseal(self.sealed_key)
        except encryption.DecryptionError:
            return ""

    def change_key(self, now: datetime) -> None:
        """A new address. What comes to the old one from `now` on is not taken any more."""
        key = new_key()
        self.old_key_hash, self.renewed_at = self.key_hash, now
        self.key_hash, self.sealed_key = hash_of(key), encryption.seal(key)
        self.save(update_fields=["key_hash", "sealed_key", "old_key_hash", "renewed_at"])

    def takes(self, key_hash: str, at: datetime) -> bool:
        """Whether a report that came at this moment to the address with this hash is for this probe."""
        if key_hash == self.key_hash:
            return True
        return key_hash == self.old_key_hash and self.renewed_at is not None and at < self.renewed_at

    def forget_alert(self, source: str, now: datetime) -> alerts.Alert | None:
        """Take an alert that fires, or has no data, for resolved, and have its probe judged at once.

        Returns it as it was; None if it was not open. The caller has locked the row.
        """
        state = alerts.AlertState.from_json(self.state)
        alert = state.alerts.get(source)
        if alert is None or alert.state == Kind.RESOLVED:
            return None
        self.state = alerts.forgotten(state, source, now).as_json
        self.save(update_fields=["state"])
        due = int(now.timestamp())
        type(self.probe).objects.filter(pk=self.probe_id, next_slot__gt=due).update(next_slot=due)
        return alert


def known(hashes: Sequence[str] | None = None) -> list[tuple[str, str, str, dict[str, Any]]]:
    """Hash, kind, target and options of the addresses that take reports: of all, or of these hashes."""
    rows = Inbox.objects.all() if hashes is None else Inbox.objects.filter(key_hash__in=hashes)
    columns = ("key_hash", "probe__kind", "probe__target", "probe__options")
    return [
        (key_hash, kind, target, options if isinstance(options, dict) else {})
        for key_hash, kind, target, options in rows.values_list(*columns)
        if is_passive(kind)
    ]
