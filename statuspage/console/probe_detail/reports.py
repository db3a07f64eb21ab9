"""A probe that is reported to: its address, how to use it, and what was reported last."""

from dataclasses import dataclass
from datetime import UTC, datetime

from django.conf import settings

from components.inbound import SOURCES
from components.models import Inbox, Probe, Signal
from components.models.inbox import UNREADABLE
from components.passive import heartbeats
from components.passive.alerts import NAMELESS, AlertState
from components.passive.reports import Kind
from components.probers import PROBERS, InvalidProbeError
from components.probers.heartbeat import Heartbeat
from components.status import Status
from incidents.times import clock
from statuspage.console.probe_detail.words import length

MAX_SIGNALS = 40
MAX_OPEN = 20
RETRY = "curl -fsS -m 10 --retry 5"
WORDS = {
    Kind.START: (Status.UNKNOWN, "Started"),
    Kind.SUCCESS: (Status.OPERATIONAL, "Success"),
    Kind.FAIL: (Status.MAJOR_OUTAGE, "Failed"),
    Kind.LOG: (Status.UNKNOWN, "Log"),
    Kind.FIRING: (Status.MAJOR_OUTAGE, "Firing"),
    Kind.RESOLVED: (Status.OPERATIONAL, "Resolved"),
    Kind.NO_DATA: (Status.UNKNOWN, "No data"),
}


@dataclass(frozen=True, slots=True)
class SignalLine:
    """One signal, ready to print. `text` is empty for those who may not edit probes."""

    at: datetime
    status: Status
    result: str
    about: str
    text: str


@dataclass(frozen=True, slots=True)
class Example:
    """A way to use the address."""

    title: str
    code: str


@dataclass(frozen=True, slots=True)
class OpenAlert:
    """An alert that fires, or of which its source has no data. `source` is the sender's id of it."""

    name: str
    source: str
    status: Status
    since: datetime


@dataclass(frozen=True, slots=True)
class Reported:
    """`address` and `examples` are empty for those who may not edit probes; `lost` says why there is none.

    `last` and `next` are pairs of a time in words and what is beside it; `open` are alerts.
    """

    address: str
    lost: str
    help: str
    examples: tuple[Example, ...]
    signals: tuple[SignalLine, ...]
    open: tuple[OpenAlert, ...]
    last: tuple[str, str]
    next: tuple[str, str, str]


def reported(probe: Probe, now: datetime, *, is_whole: bool) -> Reported | None:
    """What the page of a passive probe shows; None for every other probe."""
    inbox = Inbox.objects.filter(probe=probe).first() if probe.is_passive else None
    if inbox is None:
        return None
    rows = list(Signal.objects.filter(probe=probe)[:MAX_SIGNALS])
    signals = tuple(_line(row, is_whole=is_whole) for row in rows)
    is_heartbeat = isinstance(PROBERS[probe.kind], Heartbeat)
    state = AlertState() if is_heartbeat else AlertState.from_json(inbox.state)
    heard_at = rows[0].received_at if rows else None
    if state.heard_at:
        heard_at = datetime.fromtimestamp(state.heard_at, UTC)
    key = inbox.key if is_whole else ""
    address = f"{settings.PUBLIC_URL}/{'ping' if is_heartbeat else 'in'}/{key}" if key else ""
    source = SOURCES.get(probe.target)
    return Reported(
        address=address,
        lost=UNREADABLE if is_whole and not key else "",
        help="" if is_heartbeat or source is None else source.help,
        examples=_examples(address, probe, is_heartbeat=is_heartbeat) if address else (),
        signals=signals,
        open=_open_alerts(state, is_whole=is_whole),
        last=_last(heard_at, signals, now),
        next=_next(probe, now) if is_heartbeat else _open(state),
    )


def _open_alerts(state: AlertState, *, is_whole: bool) -> tuple[OpenAlert, ...]:
    """The newest that fire, then those without data. Their text is for those who may edit probes."""
    sources = {id(alert): source for source, alert in state.alerts.items()}
    rows = [*state.of(Kind.FIRING), *state.of(Kind.NO_DATA)][:MAX_OPEN]
    return tuple(
        OpenAlert(
            alert.name or (alert.text if is_whole else "") or NAMELESS,
            sources[id(alert)],
            WORDS[Kind(alert.state)][0],
            datetime.fromtimestamp(alert.since, UTC),
        )
        for alert in rows
    )


def _line(row: Signal, *, is_whole: bool) -> SignalLine:
    if row.kind == Kind.EXIT:
        status = Status.OPERATIONAL if row.exit_status == 0 else Status.MAJOR_OUTAGE
        result = f"Exit status {row.exit_status}"
    else:
        status, result = WORDS.get(Kind(row.kind), (Status.UNKNOWN, row.kind))
    about = row.name or (f"run {row.run}" if row.run else "")
    return SignalLine(row.received_at, status, result, about, row.text if is_whole else "")


def _last(at: datetime | None, signals: tuple[SignalLine, ...], now: datetime) -> tuple[str, str]:
    if at is None:
        return "none yet", "send one to its address"
    ago = f"{length((now - at).total_seconds())} ago"
    return ago, signals[0].result.lower() if signals else ""


def _next(probe: Probe, now: datetime) -> tuple[str, str, str]:
    """When the next report of a job is due."""
    prober = PROBERS[probe.kind]
    try:
        heard = Inbox.objects.heard([probe], now)[probe.pk]
        order = probe.order(heard)
    except InvalidProbeError:
        return "Next due", "–", "see below"
    assert isinstance(prober, Heartbeat)
    due = heartbeats.next_expected(order.schedule, prober.local(order, heard))
    if due is not None:
        return "Next due", clock(due, now, seconds=True), f"plus {length(order.grace.total_seconds())} grace"
    return "Next due", "–", "its schedule is over" if heard.state else "after the first report"


def _open(state: AlertState) -> tuple[str, str, str]:
    firing, blind = len(state.of(Kind.FIRING)), len(state.of(Kind.NO_DATA))
    return "Alerts", f"{firing} firing", f"{blind} without data" if blind else "by the source’s id"


def _examples(address: str, probe: Probe, *, is_heartbeat: bool) -> tuple[Example, ...]:
    if is_heartbeat:
        return (
            Example("At the end of a job", f"job.sh && {RETRY} -o /dev/null {address}"),
            Example("With its exit status, whatever it is", f"job.sh; {RETRY} -o /dev/null {address}/$?"),
            Example(
                "With start, exit status and the end of its output",
                f'rid=$(uuidgen)\n{RETRY} -o /dev/null "{address}/start?rid=$rid"\n'
                f"out=$(job.sh 2>&1); status=$?\n"
                f'printf %s "$out" | tail -c 10000 |\n'
                f'  {RETRY} -o /dev/null --data-binary @- "{address}/$status?rid=$rid"',
            ),
        )
    if probe.target == "alertmanager":
        return (
            Example(
                "In alertmanager.yml",
                f"receivers:\n  - name: status-page\n    webhook_configs:\n      - url: {address}",
            ),
        )
    if probe.target == "generic":
        body = '{"id": "disk", "status": "firing", "message": "The disk is full."}'
        return (Example("A first alert", f"{RETRY} --json '{body}' {address}"),)
    return ()
