"""What was reported to a passive probe, as a log for staff; kept for SIGNAL_RETENTION_DAYS."""

from django.db import models

from components.models.probe import Probe
from components.passive.reports import Report


class Signal(models.Model):
    """One report. The probe is judged by its `Inbox.state`, so pruning these rows changes no verdict.

    Repeats of an alert that is known already are no rows. `text` is at most 10 kB.
    """

    probe = models.ForeignKey(Probe, on_delete=models.CASCADE, related_name="signals", db_index=False)
    received_at = models.DateTimeField()  # when it arrived, even if it waited on disk after that
    kind = models.CharField(max_length=10)  # components.passive.reports.Kind
    run = models.CharField(max_length=64, blank=True)
    source = models.CharField(max_length=200, blank=True)
    name = models.CharField(max_length=200, blank=True)
    exit_status = models.PositiveSmallIntegerField(null=True)
    text = models.TextField(blank=True)

    class Meta:
        ordering = ("-received_at", "-id")
        indexes = (models.Index(fields=("probe", "-received_at"), name="signal_newest_of_probe"),)

    def __str__(self) -> str:
        return f"{self.probe_id} at {self.received_at:%Y-%m-%d %H:%M:%S}: {self.kind}"

    @classmethod
    def of(cls, probe_id: int, report: Report) -> "Signal":
        """The row of a report, not saved."""
        return cls(
            probe_id=probe_id,
            received_at=report.at,
            kind=report.kind.value,
            run=report.run,
            source=report.source,
            name=report.name,
            exit_status=report.exit_status,
            text=report.text,
        )
