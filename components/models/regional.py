"""A probe that is made from several regions: one row for each, judged alone, and what they say together.

The first row is the one that staff edit (`main` is None); the others follow it in everything but their
region and what they see (`FOLLOWED`).
"""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction

from components.outcomes import Outcome
from components.quorum import agreed
from components.status import Status

if TYPE_CHECKING:
    from components.models.probe import Probe

MAX_REGIONS = 12
MAX_REGION_LENGTH = 40
FOLLOWED = (
    "component_id", "name", "kind", "target", "options", "client_certificate", "sealed_client_key",
    "interval_s", "timeout_s", "retry_s", "latency_limit_ms", "least_days_left", "confirm_down",
    "confirm_up", "unsteady_count", "unsteady_window", "down_status", "is_paused", "quorum",
)  # fmt: skip
LOOKS_APART_S = 2  # how often a check may be asked for at once


class Regional(models.Model):
    """The part of `Probe` that knows the same check in other regions."""

    pk: Any
    region: Any
    others: Any
    objects: Any

    main = models.ForeignKey(
        "self", null=True, blank=True, editable=False, on_delete=models.CASCADE, related_name="others"
    )
    quorum = models.PositiveSmallIntegerField(
        "failing regions needed", null=True, blank=True,
        validators=[
            MinValueValidator(1, "Use at least 1 region."),
            MaxValueValidator(MAX_REGIONS, f"Use at most {MAX_REGIONS} regions."),
        ],
        help_text="How many regions must fail before it counts as down. Empty: more than half of those that "
        "report.",
    )  # fmt: skip

    class Meta:
        abstract = True

    @property
    def main_id_or_own(self) -> int:
        """The same number for all rows of one check."""
        key: int = self.main_id or self.pk  # type: ignore[attr-defined]
        return key

    @property
    def everywhere(self) -> "models.QuerySet[Probe]":
        """This check in all its regions, the one that staff edit first."""
        key = self.main_id_or_own
        rows: models.QuerySet[Probe] = type(self).objects.filter(models.Q(pk=key) | models.Q(main=key))
        return rows.order_by(models.F("main").asc(nulls_first=True), "pk")

    @property
    def name_with_region(self) -> str:
        """Its name, and where it is checked from if there are several regions."""
        return f"{self} ({self.region})" if self.everywhere.count() > 1 else str(self)

    def set_regions(self, names: Sequence[str]) -> None:
        """Be checked from these regions as well, and from no others. Raises ValidationError.

        A region that goes loses its results; one that stays keeps them.
        """
        wanted = checked_regions(names, self.region)
        with transaction.atomic():
            known = {row.region: row for row in self.others.all()}
            for name, row in known.items():
                if name not in wanted:
                    row.delete()
            for name in wanted:
                if name not in known:
                    self._copy_to(name)

    def _copy_to(self, region: str) -> None:
        columns = {name: getattr(self, name) for name in FOLLOWED}
        self.others.model(main=self, region=region, **columns).save()

    def lead_others(self, columns: Iterable[str] | None) -> None:
        """Give what was saved here (`columns`; None: all) to the same check elsewhere."""
        names = set(FOLLOWED) if columns is None else set(FOLLOWED) & {*columns, *_keys(columns)}
        if not names or self.main_id is not None:  # type: ignore[attr-defined]
            return
        for row in self.others.all():
            changed = [name for name in names if getattr(row, name) != getattr(self, name)]
            for name in changed:
                setattr(row, name, getattr(self, name))
            if changed:
                row.save(update_fields=[name.removesuffix("_id") for name in changed])

    def look_elsewhere(self, now: int) -> None:
        """The other regions look at once: a second opinion. `now` is seconds since 1970."""
        rows = self.everywhere.exclude(pk=self.pk)
        rested = models.Q(heard_s=None) | models.Q(heard_s__lte=now - LOOKS_APART_S)
        idle = rows.filter(rested, is_paused=False, claimed_slot=None, next_slot__gt=now)
        with transaction.atomic():
            # rows that somebody has in hand are about to say something anyway
            free = [row.pk for row in idle.select_for_update(skip_locked=True, of=("self",))]
            type(self).objects.filter(pk__in=free).update(next_slot=now)


def _keys(columns: Iterable[str]) -> set[str]:
    return {f"{name}_id" for name in columns}


def checked_regions(names: Sequence[str], own: str) -> list[str]:
    """Names of regions beside `own`, each once, in order. Raises ValidationError with a sentence."""
    wanted = [name for name in dict.fromkeys(name.strip() for name in names) if name and name != own]
    if len(wanted) >= MAX_REGIONS:
        raise ValidationError(f"Use at most {MAX_REGIONS} regions for one probe.")
    for name in wanted:
        if len(name) > MAX_REGION_LENGTH or not all(char.isalnum() or char in "-_." for char in name):
            raise ValidationError(
                f"“{name[:MAX_REGION_LENGTH]}” is no name of a region: use letters, digits, “-”, “_” and “.”,"
                f" at most {MAX_REGION_LENGTH}."
            )
    return wanted


def groups(probes: "Iterable[Probe]") -> "list[list[Probe]]":
    """Those that are not paused, the regions of one check together, in order."""
    found: dict[int, list[Probe]] = {}
    for probe in probes:
        if not probe.is_paused:
            found.setdefault(probe.main_id_or_own, []).append(probe)
    return list(found.values())


def status_of_group(group: "Sequence[Probe]", is_unseen: "Callable[[Probe], bool] | None" = None) -> Status:
    """What one check says in all its regions together; a region that `is_unseen` says nothing."""
    unseen = {probe.pk for probe in group if is_unseen is not None and is_unseen(probe)}
    outcomes = [
        Outcome.UNKNOWN if probe.pk in unseen or probe.is_unproven else Outcome(probe.outcome)
        for probe in group
    ]
    return group[0].said(outcomes[0] if len(group) == 1 else agreed(outcomes, group[0].quorum))
