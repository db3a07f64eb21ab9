"""Alerts of other monitors: which are firing, by the sender's own id, and what that makes of the probe."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

from components.outcomes import Failure, Outcome, Reading
from components.passive.hearing import NOT_LISTENING, Heard, set_back
from components.passive.lengths import in_words
from components.passive.reports import Kind, Report
from components.texts import first_of

MAX_ALERTS = 500  # ids remembered; resolved ones are forgotten first
MAX_WORDS = 300  # of an alert's text, beside its name; all of it is in its signal
MAX_NAMED = 3
NAMELESS = "an alert without a name"
NEVER_HEARD = "Nothing has been received yet: let the source send a test notification."


CLOSE_S = 1.0  # reports that come within this may have overtaken each other on the way


class Alert(NamedTuple):
    """The newest report about one alert, at `at`; in this `state` (a `Kind`) `since`. Seconds since 1970.

    `changed_at`: since when by the sender's clock; None where it did not say.
    """

    state: str
    since: float
    at: float
    name: str
    text: str
    changed_at: float | None = None


@dataclass(frozen=True, slots=True)
class AlertState:
    """`heard_at` (seconds since 1970; 0: never): the newest report of any kind, repeats included.

    `note`: what the sender said it left out of its newest message.
    """

    heard_at: float = 0.0
    alerts: dict[str, Alert] = field(default_factory=dict)
    note: str = ""

    @property
    def as_json(self) -> dict[str, Any]:
        """For the database."""
        alerts = {source: list(alert) for source, alert in self.alerts.items()}
        return {"heard_at": self.heard_at, "alerts": alerts, "note": self.note}

    @classmethod
    def from_json(cls, row: dict[str, Any]) -> "AlertState":
        """The state again; an empty one for a row that holds none."""
        try:
            alerts = {str(source): Alert(*alert) for source, alert in row.get("alerts", {}).items()}
            return cls(float(row.get("heard_at", 0.0)), alerts, str(row.get("note", "")))
        except (TypeError, ValueError, AttributeError):
            return cls()

    def set_back(self, now_s: float, back_s: float) -> "AlertState":
        """The same after the clock was set back: what lies in the future was so much earlier."""
        moved = partial(set_back, now_s=now_s, back_s=back_s)
        alerts = {
            source: alert._replace(since=moved(alert.since), at=moved(alert.at))
            for source, alert in self.alerts.items()
        }
        return replace(self, heard_at=moved(self.heard_at), alerts=alerts)

    def of(self, kind: Kind) -> list[Alert]:
        """Those in this state, newest first."""
        alerts = (alert for alert in self.alerts.values() if alert.state == kind)
        return sorted(alerts, key=lambda alert: -alert.since)


def after(state: AlertState, report: Report) -> tuple[AlertState, bool]:
    """The state with this report in it, and whether the report was news; a repeat is none."""
    at = report.at.timestamp()
    note = report.note if at >= state.heard_at else state.note
    state = replace(state, heard_at=max(at, state.heard_at), note=note)
    if report.kind in (Kind.CONTACT, Kind.LOG):
        return state, report.kind is Kind.LOG
    known = state.alerts.get(report.source)
    if known is not None and _is_older(report, known):
        return state, False
    is_news = known is None or known.state != report.kind
    since = at if known is None or is_news else known.since
    changed_at = None if report.changed_at is None else min(report.changed_at, at)
    alert = Alert(report.kind.value, since, at, report.name, report.text[:MAX_WORDS], changed_at)
    return replace(state, alerts=_bounded({**state.alerts, report.source: alert})), is_news


def _is_older(report: Report, known: Alert) -> bool:
    """Whether something newer is known of its alert.

    By the sender's clock where its times are in order, or where both reports came at about the same time:
    Alertmanager may go on with an alert that it has called resolved, under its first time. By arrival else.
    """
    at = report.at.timestamp()
    if report.changed_at is None or known.changed_at is None:
        return at < known.at
    is_decided = report.is_ordered or abs(at - known.at) < CLOSE_S
    if is_decided and report.changed_at != known.changed_at:
        return report.changed_at < known.changed_at
    return at < known.at


def forgotten(state: AlertState, source: str, at: datetime) -> AlertState:
    """The state once staff have said that this alert is over. What its source reports later counts again."""
    known = state.alerts[source]
    second = at.timestamp()
    over = known._replace(state=Kind.RESOLVED.value, since=second, at=second, changed_at=None)
    return replace(state, alerts={**state.alerts, source: over})


def _bounded(alerts: dict[str, Alert]) -> dict[str, Alert]:
    """At most MAX_ALERTS: the oldest resolved ones go first."""
    if len(alerts) <= MAX_ALERTS:
        return alerts
    order = sorted(alerts.items(), key=lambda pair: (pair[1].state != Kind.RESOLVED, pair[1].at))
    return dict(order[-MAX_ALERTS:])


def judge(when_firing: Outcome, silence: timedelta | None, heard: Heard) -> Reading:
    """What the source says now, as a check would have found it."""
    state = AlertState.from_json(heard.state)
    if not state.heard_at:
        return Reading(0.0, Failure.NO_DATA, NEVER_HEARD)
    if not heard.is_listening:
        return Reading(0.0, Failure.OWN_FAULT, NOT_LISTENING)
    heard_at = datetime.fromtimestamp(state.heard_at, UTC)
    if silence is not None and heard.now - heard_at > silence:
        length = in_words(int(silence.total_seconds()))
        detail = f"The source has been silent since {heard_at:%-d %b %H:%M:%S} UTC; the limit is {length}."
        return Reading(0.0, Failure.NO_DATA, detail)
    facts = {"note": state.note} if state.note else {}
    firing, blind = state.of(Kind.FIRING), state.of(Kind.NO_DATA)
    if firing:
        words = f"{_count(firing)} firing: {_names(firing)}."
        if when_firing is Outcome.DEGRADED:
            return Reading(0.0, degraded=words, facts=facts, excerpt=_texts(firing))
        return Reading(0.0, Failure.REPORTED, words, facts=facts, excerpt=_texts(firing))
    if blind:
        return Reading(0.0, Failure.NO_DATA, f"The source has no data for {_names(blind)}.", facts=facts)
    return Reading(0.0, facts=facts)


def _count(alerts: list[Alert]) -> str:
    return "1 alert is" if len(alerts) == 1 else f"{len(alerts)} alerts are"


def _names(alerts: list[Alert]) -> str:
    """ "HighLatency, DiskFull, Watch and 4 more"."""
    return first_of([alert.name or NAMELESS for alert in alerts], MAX_NAMED)


def _texts(alerts: list[Alert]) -> str:
    return "\n".join(alert.text for alert in alerts[:MAX_NAMED] if alert.text)
