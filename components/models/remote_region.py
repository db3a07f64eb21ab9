"""A region that cannot reach the database: it pulls work and pushes results over HTTPS, signed with its key.

While a row is active, its probes are claimed by the region itself (`claims.py`) and by no worker.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction

from components import encryption, webhook_signature
from components.models.heartbeat import MAX_AHEAD
from components.models.regional import MAX_REGION_LENGTH, checked_regions
from components.region_signature import MAX_SKEW_S

OVERLAP = timedelta(hours=24)  # how long a rotated key stays valid
SEEN_FOR = timedelta(seconds=60)  # a region asks every second
MAX_REGIONS = 50
RUN_LENGTH, MAX_RUNS = 15, 4  # of hashes that are kept: agents of one region at once


@dataclass(frozen=True, slots=True)
class Hello:
    """What a region says of itself with a request."""

    skew_s: float  # how far its clock is ahead of ours
    run: str  # this start of its agent
    lost: int  # results it had to drop since it started
    waiting: int  # results on its disk


class RemoteRegionManager(models.Manager["RemoteRegion"]):
    def add(self, name: str, *, own: str) -> tuple["RemoteRegion", str]:
        """A new region and its key, which is shown this once. Raises ValidationError.

        `own` is the region that the workers here check from.
        """
        name = name.strip()
        if not name:
            raise ValidationError("Enter a name for the region.")
        if name == own:
            raise ValidationError(f"“{name}” is the region of the workers here (REGION): use another name.")
        checked_regions([name], "")
        if self.filter(name=name).exists():
            raise ValidationError(f"There is a region “{name}” already: rotate its key, or use another name.")
        if self.count() >= MAX_REGIONS:
            raise ValidationError(f"There are {MAX_REGIONS} regions already: remove one first.")
        key = webhook_signature.new_secret()
        return self.create(name=name, sealed_key=encryption.seal(key)), key

    def names(self) -> set[str]:
        """The names of those that are active."""
        return set(self.filter(is_active=True).values_list("name", flat=True))


class RemoteRegion(models.Model):
    """One region, its keys, and when it last asked for work."""

    name = models.CharField(max_length=MAX_REGION_LENGTH, unique=True)
    sealed_key = models.TextField(editable=False)
    sealed_old_key = models.TextField(default="", blank=True, editable=False)
    old_key_until = models.DateTimeField(null=True, editable=False)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    last_seen_at = models.DateTimeField(null=True, editable=False)
    skew_s = models.FloatField(default=0, editable=False)
    # starts of its agents that asked last, each as a short hash, the newest first: several may share the work
    run = models.CharField(max_length=64, default="", editable=False)
    lost = models.PositiveIntegerField(default=0, editable=False)
    waiting = models.PositiveIntegerField(default=0, editable=False)

    objects = RemoteRegionManager()

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name

    def keys(self, now: datetime) -> list[str]:
        """The keys that are valid now, the current one first. Raises DecryptionError."""
        sealed = [self.sealed_key]
        if self.sealed_old_key and self.old_key_until is not None and now < self.old_key_until:
            sealed.append(self.sealed_old_key)
        return [encryption.unseal(text) for text in sealed]

    def rotate(self, now: datetime, *, at_once: bool = False) -> str:
        """A new key; the one before it is valid for a day more, or ends `at_once`. Returns the new one."""
        key = webhook_signature.new_secret()
        self.sealed_old_key = "" if at_once else self.sealed_key
        self.old_key_until = None if at_once else now + OVERLAP
        self.sealed_key = encryption.seal(key)
        self.save(update_fields=["sealed_key", "sealed_old_key", "old_key_until"])
        return key

    def take_once(self, message_id: str, now: datetime) -> bool:
        """Whether this id was never used before; it is from now on. Ids too old to be valid are deleted."""
        old = now - timedelta(seconds=2 * MAX_SKEW_S + 60)
        try:
            with transaction.atomic():
                RegionRequest.objects.create(region=self, message_id=message_id, at=now)
        except IntegrityError:
            return False
        RegionRequest.objects.filter(region=self, at__lt=old).delete()
        return True

    def note_seen(self, hello: Hello, now: datetime) -> bool:
        """Record that it asked for work at `now`. True when another start of its agent asks."""
        mark, known = hashlib.sha256(hello.run.encode()).hexdigest()[:RUN_LENGTH], self.run.split()
        is_new = mark not in known
        runs = [mark, *(other for other in known if other != mark)][:MAX_RUNS]
        columns = {
            "skew_s": hello.skew_s, "run": " ".join(runs), "lost": hello.lost, "waiting": hello.waiting
        }  # fmt: skip
        type(self).objects.filter(pk=self.pk).update(last_seen_at=now, **columns)
        return is_new

    def is_seen(self, now: datetime) -> bool:
        """Whether it has asked for work within the last minute; a time in the future says nothing."""
        return self.last_seen_at is not None and was_seen(self.last_seen_at, now)


def was_seen(last_seen_at: datetime, now: datetime) -> bool:
    """`RemoteRegion.is_seen` of a time that was read by itself."""
    return -MAX_AHEAD <= now - last_seen_at <= SEEN_FOR


class RegionRequest(models.Model):
    """The id of a request that was taken, so that a copy of it is refused."""

    region = models.ForeignKey(
        RemoteRegion, on_delete=models.CASCADE, related_name="requests", db_index=False
    )
    message_id = models.CharField(max_length=64)
    at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("region", "message_id"), name="region_request_once"),)
        indexes = (models.Index(fields=("region", "at"), name="region_request_age"),)

    def __str__(self) -> str:
        return self.message_id
