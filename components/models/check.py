"""One run of a probe in one slot: the raw row, kept for CHECK_RETENTION_DAYS."""

from django.db import models

from components.models.probe import Probe
from components.outcomes import Outcome


class Check(models.Model):
    """Lean on purpose, there are millions: the key is (probe, slot, region), times are whole numbers.

    Text (`detail`, `excerpt`, `facts`) is stored only for checks that were not up, except for the note about
    an answer not read to its end, the protocol where HTTP/2 was offered, and a measured number.
    """

    pk = models.CompositePrimaryKey("probe_id", "slot", "region")
    probe = models.ForeignKey(Probe, on_delete=models.CASCADE, related_name="checks", db_index=False)
    slot = models.BigIntegerField(db_index=True)  # seconds since 1970, UTC
    region = models.CharField(max_length=40)
    outcome = models.CharField(max_length=10, choices=[(o.value, o.value) for o in Outcome])
    lag_ms = models.IntegerField(default=0)  # how late it began
    total_ms = models.IntegerField()
    dns_ms = models.IntegerField(null=True)
    connect_ms = models.IntegerField(null=True)
    tls_ms = models.IntegerField(null=True)
    first_byte_ms = models.IntegerField(null=True)
    transfer_ms = models.IntegerField(null=True)
    status_code = models.IntegerField(null=True)
    family = models.SmallIntegerField(null=True)
    address = models.CharField(max_length=64, blank=True)
    days_left = models.IntegerField(null=True)
    failure = models.CharField(max_length=24, blank=True)
    detail = models.CharField(max_length=300, blank=True)
    excerpt = models.TextField(blank=True)
    facts = models.JSONField(null=True)

    def __str__(self) -> str:
        return f"{self.probe_id} at {self.slot}: {self.outcome}"
