"""Figures over incidents: time to detect, to the first update, to resolve, and what the incidents were.

Only measured times count. An incident that was recorded afterwards says nothing
about how fast it was announced; one that people reported says nothing about how
fast our monitoring is. Fewer than two incidents give no figure.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from statistics import mean, median

from django.db.models import Prefetch
from django.urls import reverse

from components import uptime
from components.status import SEVERITY, Status
from incidents.generated_text import duration
from incidents.models import Affected, Incident
from statuspage.public import days, history, incident_cards, page_model
from statuspage.public.values.figures import CountRow, FiguresPage, Measure, MeasureRow
from statuspage.public.world import World

MONTHS = 12
MIN_COUNT = 2
NOT_GIVEN = "not given"


def gather(last: date) -> list[Incident]:
    """The public incidents that began in the twelve months that end with this one's."""
    zone = page_model.zone()
    start = uptime.day_bounds(history.months_before(last, MONTHS - 1), zone)[0]
    end = uptime.day_bounds(history.months_before(last, -1), zone)[0]
    affected = Affected.objects.select_related("component")
    return list(
        Incident.objects.public()
        .filter(started_at__gte=start, started_at__lt=end)
        .prefetch_related(Prefetch("affected", affected, to_attr="all_affected"))
    )


def resolved_after(incident: Incident) -> timedelta | None:
    """The time from its start to its end; None while it is open."""
    return incident.lasted(incident.resolved_at) if incident.resolved_at else None


def detected_after(incident: Incident) -> timedelta | None:
    """The time from the first failed check to the one that confirmed it; None if people detected it."""
    after = incident.created_at - incident.started_at
    return after if incident.is_by_machine and after >= timedelta() else None


def announced_after(incident: Incident) -> timedelta | None:
    """The time from its start to the first public update; None if it was recorded after it was over."""
    if incident.published_at is None or (
        incident.resolved_at and incident.created_at >= incident.resolved_at
    ):
        return None
    after = incident.published_at - incident.started_at
    return after if after >= timedelta() else None


MEASURES: tuple[tuple[str, str, Callable[[Incident], timedelta | None]], ...] = (
    (
        "Time to detect",
        "From the first failed check to the one that confirmed it, unless people detected the incident.",
        detected_after,
    ),
    (
        "Time to first public update",
        "From the start to our first update here. Incidents recorded after they were over are excluded.",
        announced_after,
    ),
    (
        "Time to resolve",
        "From the start until everything had recovered. Open incidents are excluded.",
        resolved_after,
    ),
)


def measure(lengths: Iterable[timedelta | None]) -> Measure:
    """Mean and median of the known lengths, in words."""
    every = list(lengths)
    seconds = [length.total_seconds() for length in every if length is not None]
    basis = f"of {len(seconds)} incident{'' if len(seconds) == 1 else 's'}"
    if len(seconds) < len(every):
        basis += f", {len(every) - len(seconds)} excluded"
    if len(seconds) < MIN_COUNT:
        few = "not enough data" if every else "no incidents"
        return Measure(few, "", basis if every else "")
    return Measure(duration(mean(seconds)), duration(median(seconds)), basis)


def figures_page(world: World, last: date, year: list[Incident], at: datetime) -> FiguresPage:
    """Three months and twelve, side by side."""
    first = history.first_day(last)
    recent = [incident for incident in year if incident.started_at.astimezone(world.zone).date() >= first]
    periods = (recent, year)
    this_month = world.today.replace(day=1)
    return FiguresPage(
        head=page_model.head_of(world, page_model.freshness(world, at), section="history"),
        columns=(history.period_of(first, last), f"12 months to {last:%b %Y}"),
        totals=tuple(len(period) for period in periods),
        measures=tuple(
            MeasureRow(name, how, tuple(measure(map(take, period)) for period in periods))
            for name, how, take in MEASURES
        ),
        impacts=tuple(_impacts(periods)),
        causes=tuple(_causes(periods)),
        report_url=reverse("report", args=[f"{last:%Y-%m}"]),
        history_url=reverse("history_month", args=[f"{last:%Y-%m}"]),
        earlier=_address(history.months_before(first, 1)) if days.watched_since(world) < first else "",
        later=_address(min(history.months_before(last, -history.MONTHS), this_month))
        if last < this_month
        else "",
    )


def _address(last: date) -> str:
    return reverse("figures_month", args=[f"{last:%Y-%m}"])


def _impacts(periods: tuple[list[Incident], ...]) -> list[CountRow]:
    """By impact, worst first."""
    counts = [
        Counter(incident.past_state(incident_cards.affected(incident)).status for incident in period)
        for period in periods
    ]
    states = sorted(counts[-1], key=SEVERITY.__getitem__, reverse=True)
    return [
        CountRow(_impact_words(status), tuple(count[status] for count in counts), status) for status in states
    ]


def _impact_words(status: Status) -> str:
    return "No impact" if status is Status.OPERATIONAL else status.label


def _causes(periods: tuple[list[Incident], ...]) -> list[CountRow]:
    """By cause as staff named it, most frequent first; regardless of case."""
    counts = [Counter(_cause(incident) for incident in period) for period in periods]
    names = sorted(counts[-1], key=lambda name: (name == NOT_GIVEN, -counts[-1][name], name))
    return [CountRow(name.capitalize(), tuple(count[name] for count in counts)) for name in names]


def _cause(incident: Incident) -> str:
    return " ".join(incident.cause.split()).lower() or NOT_GIVEN
