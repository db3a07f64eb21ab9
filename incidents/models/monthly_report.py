"""The report of a month as it is mailed: its figures as they were when it was made, once and for all."""

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from django.db import models, transaction

from components.models import Component
from incidents.models.notice import Notice

Body = dict[str, Any]


class MonthlyReportManager(models.Manager["MonthlyReport"]):
    def keep(self, month: date, body: Body, *, ended_at: datetime, now: datetime) -> "MonthlyReport":
        """Keep the report of a month, and owe it to subscribers if it has any figures.

        Safe to call twice and at once: the first one counts.
        """
        with transaction.atomic():
            report, is_new = self.get_or_create(
                month=month, defaults={"body": body, "ended_at": ended_at, "made_at": now}
            )
            if is_new and report.measured:
                Notice.objects.of_report(report, now)
        return report


class MonthlyReport(models.Model):
    """`month`: its first day. `ended_at`: when it was over, in the page's zone. `body`: the page's values.

    The body is `{"title", "url", "csv_url", "average", "groups", "incidents", "first_word",
    "first_word_basis"}`, as `statuspage.public.monthly_report` writes and `subscribers.delivery.month`
    reads it.
    """

    month = models.DateField(unique=True)
    ended_at = models.DateTimeField()
    made_at = models.DateTimeField()
    body = models.JSONField()

    objects = MonthlyReportManager()

    class Meta:
        ordering = ("month",)

    def __str__(self) -> str:
        return self.title

    @property
    def title(self) -> str:
        """ "Report for November 2026"."""
        return f"Report for {self.month:%B %Y}"

    @property
    def measured(self) -> set[str]:
        """The public ids of components with figures."""
        return {row["id"] for row in self._rows() if row["uptime"]}

    def components(self) -> list[Component]:
        """The components with figures that are shown now. One query."""
        return list(Component.objects.filter(is_shown=True, public_id__in=self.measured))

    def _rows(self) -> Iterator[Body]:
        for group in self.body["groups"]:
            yield from group["rows"]
