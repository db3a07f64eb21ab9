"""All data held about one subscriber, for that subscriber."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from components.status import Impact
from incidents.api_shapes import moment
from subscribers.models import Delivery, DeliveryState, Purpose, Subscriber

LOG = timedelta(days=30)
# Longer than one attempt may last: before that, how soon it failed would say why
QUIET = timedelta(seconds=30)
MAX_SHOWN = 50


@dataclass(frozen=True, slots=True)
class Line:
    """One message of the log. `what`: of what it told; `answer`: the code, or why there was none."""

    message_id: str
    at: datetime
    what: str
    state: str
    answer: str
    attempts: int
    is_sent: bool
    is_owed: bool
    may_replay: bool


def lately(one: Subscriber) -> list[Line]:
    """The newest messages of the last 30 days, newest first."""
    return [line(delivery) for delivery in _log(one)[:MAX_SHOWN]]


def last_answer(one: Subscriber) -> str:
    """Why the newest attempt failed; empty when it did not, or has only just begun to."""
    is_fresh = one.failing_since is not None and timezone.now() - one.failing_since < QUIET
    return "" if is_fresh else one.last_error


def everything(one: Subscriber) -> dict[str, Any]:
    """The whole of it in plain values, without the keys that sign."""
    choice = one.choice
    return {
        "channel": one.channel,
        "address": one.open_address,
        "state": one.state,
        "source": one.source,
        "note": one.note,
        "created_at": moment(one.created_at),
        "confirmed_at": _moment(one.confirmed_at),
        "left_at": _moment(one.left_at),
        "stopped_at": _moment(one.quarantined_at),
        "all_components": choice.is_all,
        "components": [part.name for part in choice.components],
        "groups": [group.name for group in choice.groups],
        "incidents_followed": [incident.title for incident in choice.follows],
        "kinds": list(choice.kinds),
        "least_impact": list(Impact)[choice.least_impact],
        "one_mail_a_day": choice.is_digest,
        "owner": one.owner.shown if one.owner else None,
        "messages": [
            {
                "id": row.message_id,
                "at": moment(row.at),
                "about": row.what,
                "state": row.state,
                "answer": row.answer,
            }
            for row in map(line, _log(one))
        ],
    }


def _log(one: Subscriber) -> Any:
    rows = Delivery.objects.filter(subscriber=one, created_at__gte=timezone.now() - LOG)
    return rows.select_related(
        "notice__incident", "notice__maintenance", "notice__component", "notice__postmortem"
    ).order_by("-pk")


def line(delivery: Delivery) -> Line:
    """One message, as its receiver may read of it."""
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
    thing = notice.postmortem or notice.incident or notice.maintenance or notice.component
    return str(getattr(thing, "title", "") or getattr(thing, "name", "") or notice)


def _moment(at: datetime | None) -> str | None:
    return moment(at) if at else None
