"""All data held about one subscriber, for that subscriber."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from components.status import Impact
from incidents.api_shapes import moment
from subscribers.models import Delivery, DeliveryState, Purpose, Subscriber

LOG = timedelta(days=30)
# Longer than one attempt may last: before that, how soon it failed would reveal why
QUIET = timedelta(seconds=30)
MAX_SHOWN = 50


@dataclass(frozen=True, slots=True)
class Line:
    """One message of the log. `what`: its subject; `answer`: the code, or why there was none."""

    message_id: str
    at: datetime
    what: str
    state: str
    answer: str
    attempts: int
    is_sent: bool
    is_owed: bool
    may_replay: bool


def lately(subscriber: Subscriber) -> list[Line]:
    """The newest messages of the last 30 days, newest first."""
    return [line(delivery) for delivery in _log(subscriber)[:MAX_SHOWN]]


def last_answer(subscriber: Subscriber) -> str:
    """Why the newest attempt failed; empty if it did not, or began failing less than QUIET ago."""
    is_fresh = subscriber.failing_since is not None and timezone.now() - subscriber.failing_since < QUIET
    return "" if is_fresh else subscriber.last_error


def everything(subscriber: Subscriber) -> dict[str, Any]:
    """All data as plain values for JSON, without signing secrets."""
    choice = subscriber.choice
    return {
        "channel": subscriber.channel,
        "address": subscriber.open_address,
        "state": subscriber.state,
        "source": subscriber.source,
        "note": subscriber.note,
        "created_at": moment(subscriber.created_at),
        "confirmed_at": _moment(subscriber.confirmed_at),
        "left_at": _moment(subscriber.left_at),
        "stopped_at": _moment(subscriber.quarantined_at),
        "all_components": choice.is_all,
        "components": [part.name for part in choice.components],
        "groups": [group.name for group in choice.groups],
        "incidents_followed": [incident.title for incident in choice.follows],
        "kinds": list(choice.kinds),
        "least_impact": list(Impact)[choice.least_impact],
        "one_mail_a_day": choice.is_digest,
        "monthly_report_since": _moment(subscriber.report_asked_at),
        "owner": subscriber.owner.shown if subscriber.owner else None,
        "messages": [
            {
                "id": row.message_id,
                "at": moment(row.at),
                "about": row.what,
                "state": row.state,
                "answer": row.answer,
            }
            for row in map(line, _log(subscriber))
        ],
    }


def _log(subscriber: Subscriber) -> Any:
    rows = Delivery.objects.filter(subscriber=subscriber, created_at__gte=timezone.now() - LOG)
    return rows.select_related(
        "notice__incident",
        "notice__maintenance",
        "notice__component",
        "notice__postmortem",
        "notice__report",
    ).order_by("-pk")


def line(delivery: Delivery) -> Line:
    """One message of the log, as its receiver may see it."""
    code = str(delivery.answer) if delivery.answer else ""
    is_owed = delivery.state == DeliveryState.OWED
    is_fresh = is_owed and not delivery.answer and timezone.now() - delivery.created_at < QUIET
    return Line(
        message_id=delivery.message_id,
        at=delivery.finished_at or delivery.created_at,
        what=_about(delivery),
        state=DeliveryState(delivery.state).label,
        answer="" if is_fresh else delivery.last_error or code,
        attempts=0 if is_fresh else delivery.attempts,
        is_sent=delivery.state == DeliveryState.SENT,
        is_owed=is_owed,
        may_replay=delivery.state in (DeliveryState.SENT, DeliveryState.FAILED),
    )


def _about(delivery: Delivery) -> str:
    notice = delivery.notice
    if notice is None:
        return Purpose(delivery.purpose).label
    thing = notice.postmortem or notice.incident or notice.maintenance or notice.component or notice.report
    return str(getattr(thing, "title", "") or getattr(thing, "name", "") or notice)


def _moment(at: datetime | None) -> str | None:
    return moment(at) if at else None
