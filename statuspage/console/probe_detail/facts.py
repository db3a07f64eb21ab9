"""Everything a probe's page shows beside the chart."""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from components import identity, uptime
from components.models import Check, DayTally, Probe
from components.outcomes import Outcome
from components.shown_addresses import without_secrets
from incidents import probe_facts
from incidents.generated_text import met
from incidents.times import clock
from statuspage.console.latency_chart import share
from statuspage.console.probe_detail import vendor
from statuspage.console.probe_detail.causes import find
from statuspage.console.probe_detail.reports import Reported, reported
from statuspage.console.probe_detail.results import ladder, measured
from statuspage.console.probe_detail.words import VERDICTS, length, ms

DAY = timedelta(days=1)
MAX_CHECKS = 500
TARGETS_WORDS = frozenset({"reason", "via", "proxy_status", "failing_parts"})


def with_last(probes: QuerySet[Probe]) -> QuerySet[Probe]:
    """Each with its newest response time, `last_ms`, and whether it is made from several regions."""
    others = Exists(Probe.objects.filter(main=OuterRef("pk")))
    return probes.annotate(last_ms=Check.objects.last_ms(), is_regional=others | Q(main__isnull=False))


@dataclass(frozen=True, slots=True)
class Fact:
    """A cell of the row of facts."""

    name: str
    value: str
    beside: str


def verdict(probe: Probe, now: datetime) -> str:
    """ "Failing for 5 min 19 s"."""
    if probe.is_paused:
        return "Paused"
    is_on_and_off = probe.fails_on_and_off and probe.outcome == Outcome.DEGRADED
    word = "Failing on and off" if is_on_and_off else VERDICTS[Outcome(probe.outcome)]
    return f"{word} for {length((now - probe.since).total_seconds())}" if probe.since else word


def is_looking(probe: Probe, now: datetime) -> bool:
    """Whether a check is under way, or due this second."""
    return not probe.is_paused and (probe.claimed_slot is not None or probe.next_slot <= now.timestamp())


def page(probe: Probe, now: datetime, *, is_whole: bool) -> dict[str, Any]:
    """The context of the probe's page, without the chart. Not `is_whole`: without text from the target."""
    alike = Probe.objects.filter(component=probe.component_id, kind=probe.kind, target=probe.target)
    # two jobs on one schedule are not one thing seen from two regions
    siblings = [probe] if probe.is_passive else list(alike)
    checks = Check.objects.newest(probe, MAX_CHECKS)
    bad = _newest_bad(checks)
    bad = bad if is_whole or bad is None else _without_target_text(bad)
    trouble = _trouble_since(probe, checks)
    good = probe_facts.good_before(probe, int((trouble or now).timestamp()))
    days = DayTally.objects.filter(component=probe.component_id, day__gt=identity.day_of(now) - 30 * DAY)
    seconds = sum((day.seconds for day in days), uptime.Seconds())
    is_bad = probe.outcome in (Outcome.DOWN, Outcome.DEGRADED)
    report = reported(probe, now, is_whole=is_whole)
    value = _value(checks) if len(siblings) == 1 else None
    cells = _facts(probe, siblings, good, seconds, now, value=value)
    return {
        "reported": report,
        "verdict": verdict(probe, now),
        "looking": is_looking(probe, now),
        "facts": cells if report is None else _of_reports(cells, report, probe),
        "siblings": siblings if len(siblings) > 1 else [],
        "checks": checks,
        "bad": bad,
        "vitals": _vitals(bad, is_whole=is_whole) if bad else {},
        "newline": "\n",
        "ladder": ladder(bad or checks[0], probe.kind) if checks else (),
        "note": (checks[0].facts or {}).get("note", "") if checks else "",
        "vendor": vendor.spoke(probe, bad) if bad else "",
        "certificate": probe.certificate_summary(now),
        "found": find(probe, bad, good, checks, may_quote=is_whole) if is_bad and bad else None,
    }


def _without_target_text(check: Check) -> Check:
    """A copy for staff who may not edit probes. Its excerpt stays, but only for the diagnosis."""
    shown = copy(check)
    shown.detail = met(check.failure, check.detail)
    facts = check.facts or {}
    if "location" in facts:
        shown.facts = {**facts, "location": without_secrets(str(facts["location"]))}
    return shown


def _facts(
    probe: Probe,
    siblings: list[Probe],
    good: list[int],
    seconds: uptime.Seconds,
    now: datetime,
    *,
    value: Fact | None,
) -> tuple[Fact, ...]:
    failing = sum(sibling.outcome == Outcome.DOWN for sibling in siblings)
    heard = f"{length((now - probe.heard_at).total_seconds())} ago" if probe.heard_at else "none yet"
    due = "paused" if probe.is_paused else f"next in {length(max(0, probe.next_slot - now.timestamp()))}"
    if is_looking(probe, now):
        due = "checking now"
    is_bad = probe.outcome in (Outcome.DOWN, Outcome.DEGRADED) and probe.since is not None
    since = clock(probe.since, now, seconds=True) if probe.since else "–"
    regions = "region" if len(siblings) == 1 else "regions"
    return (
        Fact("Last check", heard, due),
        value or Fact("Failing from", f"{failing} of {len(siblings)}", regions),
        Fact("First failure" if is_bad else "Unchanged since", since, probe.region),
        Fact("Median before" if is_bad else "Median, last hour", ms(share(good, 0.5)),
             f"p95 {ms(share(good, 0.95))}"),
        Fact("Uptime 30 days", uptime.percent(seconds) or "–", f"{length(seconds.down)} down"),
        Fact("Every", length(probe.interval_s), f"timeout {probe.timeout_s} s"),
    )  # fmt: skip


def _vitals(bad: Check, *, is_whole: bool) -> dict[str, Any]:
    """The facts that are listed. The target's own words are for those who may edit probes."""
    facts = bad.facts or {}
    return facts if is_whole else {name: fact for name, fact in facts.items() if name not in TARGETS_WORDS}


def _value(checks: Sequence[Check]) -> Fact | None:
    """The newest number of a probe that measures one."""
    if not checks or not (value := measured(checks[0])):
        return None
    return Fact("Value", value, str((checks[0].facts or {}).get("parts", "")))


def _of_reports(cells: Sequence[Fact], report: Reported, probe: Probe) -> tuple[Fact, ...]:
    """The same row where nothing is dialled or timed."""
    check, _, since, _, up, _ = cells
    every = Fact("Evaluated every", length(probe.interval_s), "and with each report")
    return (Fact("Last report", *report.last), Fact(*report.next), since, check, up, every)


def _newest_bad(checks: Sequence[Check]) -> Check | None:
    return next((check for check in checks if check.outcome in (Outcome.DOWN, Outcome.DEGRADED)), None)


def _trouble_since(probe: Probe, checks: Sequence[Check]) -> datetime | None:
    """When the current problem began; None if there is none."""
    if probe.outcome in (Outcome.DOWN, Outcome.DEGRADED):
        return probe.since
    if probe.run and checks and checks[0].outcome != Outcome.UP:
        return datetime.fromtimestamp(probe.run[0][1], UTC)
    return None
