"""From one notice to a delivery for each subscriber, in chunks that can be interrupted anywhere."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Max, Min, OuterRef, Q, Subquery

from components import identity
from components.models import StatusSpan
from incidents.models import Maintenance, Notice, NoticeKind
from subscribers.delivery import known_stories
from subscribers.models import Delivery, DeliveryState, Import, Purpose, Sorter, State, Subscriber
from subscribers.states import Channel

CHUNK = 500
DIGEST_HOUR = 8  # of the page's zone


def sort(now: datetime) -> int:
    """Create deliveries for every notice that is due. Returns how many."""
    made = 0
    for notice_id in Notice.objects.due(now).values_list("pk", flat=True):
        while (some := _sort_chunk(notice_id, now)) is not None:
            made += some
    return made


def _sort_chunk(notice_id: int, now: datetime) -> int | None:
    """The next CHUNK subscribers of a notice, in one transaction; None when none is left.

    The notice's row is locked, so that another sorter or an undo waits.
    """
    with transaction.atomic():
        notice = Notice.objects.select_for_update().filter(pk=notice_id, sorted_at=None).first()
        if notice is None:
            return None
        if _is_overtaken(notice) or known_stories.is_held(notice):
            Notice.objects.filter(pk=notice.pk).update(sorted_at=now)
            return None
        chunk = list(
            Subscriber.objects.told_of(notice)
            .filter(pk__gt=notice.cursor)
            .order_by("pk")
            .values_list("pk", "channel", "is_digest")[:CHUNK]
        )
        rows = [(pk, _due_at(notice, Channel(channel), is_digest, now)) for pk, channel, is_digest in chunk]
        spaced = _spaced([pk for pk, channel, _ in chunk if Channel(channel).spacing_s], notice)
        rows = [(pk, max(due_at, spaced.get(pk, due_at))) for pk, due_at in rows]
        Delivery.objects.bulk_create(
            [
                Delivery(subscriber_id=pk, notice=notice, purpose=Purpose.NEWS, created_at=now, due_at=due_at)
                for pk, due_at in rows
            ],
            ignore_conflicts=True,
        )
        wake([pk for pk, _ in rows])
        notice.cursor = chunk[-1][0] if chunk else notice.cursor
        notice.sorted_at = now if len(chunk) < CHUNK else None
        notice.save(update_fields=["cursor", "sorted_at"])
    return len(chunk)


def _is_overtaken(notice: Notice) -> bool:
    """Whether a later update of the incident was sent while this one waited: it included this one."""
    if notice.update is None or not notice.update.is_by_machine or notice.cursor:
        return False
    later = Notice.objects.filter(incident=notice.incident, update__number__gt=notice.update.number)
    return later.exclude(sorted_at=None).exists()


def _due_at(notice: Notice, channel: Channel, is_digest: bool, now: datetime) -> datetime:
    # a report is a mail of its own: it is made at the hour of digests, and would wait for the next day's
    if not is_digest or channel is not Channel.EMAIL or notice.kind == NoticeKind.REPORT:
        return now
    local = now.astimezone(identity.current().zone)
    at = local.replace(hour=DIGEST_HOUR, minute=0, second=0, microsecond=0)
    return at if at > local else at + timedelta(days=1)


def _spaced(ids: list[int], notice: Notice) -> dict[int, datetime]:
    """By subscriber: when those just notified of the same story may be notified again."""
    if not ids or notice.kind in (NoticeKind.COMPONENT, NoticeKind.REPORT):
        return {}
    of_story = {f"notice__{name}": getattr(notice, f"{name}_id") for name in ("incident", "maintenance")}
    rows = (
        Delivery.objects.filter(subscriber__in=ids, state=DeliveryState.SENT, **of_story)
        .values("subscriber_id", "subscriber__channel")
        .annotate(last=Max("finished_at"))
    )
    return {
        row["subscriber_id"]: row["last"] + timedelta(seconds=Channel(row["subscriber__channel"]).spacing_s)
        for row in rows
        if row["last"]
    }


def wake(ids: list[int], *, even_failing: bool = False) -> None:
    """Set these subscribers' due time to that of their first pending delivery.

    Those in a pause after a failure stay in it, unless `even_failing`.
    """
    owed = Delivery.objects.filter(subscriber=OuterRef("pk"), state=DeliveryState.OWED)
    first = Subquery(owed.order_by().values("subscriber").annotate(first=Min("due_at")).values("first"))
    subscribers = Subscriber.objects.filter(pk__in=ids)
    if not even_failing:
        subscribers = subscribers.filter(Q(failing_since=None) | Q(next_at=None))
    subscribers.update(next_at=first)


def sweep() -> int:
    """Wake subscribers with pending deliveries but no due time, as a crash leaves them. How many."""
    owed = Delivery.objects.filter(state=DeliveryState.OWED, subscriber__next_at=None)
    ids = list(owed.values_list("subscriber_id", flat=True).distinct()[:CHUNK])
    if ids:
        wake(ids)
    return len(ids)


def note_changes(now: datetime) -> None:
    """Create notices for component changes since the last call, if a subscriber wants them."""
    with transaction.atomic():
        sorter = Sorter.objects.select_for_update().filter(pk=1).first()
        newest = StatusSpan.objects.aggregate(newest=Max("pk"))["newest"] or 0
        if sorter is None:  # first call: earlier changes are not sent
            Sorter.objects.get_or_create(pk=1, defaults={"spans_upto": newest})
            return
        if newest <= sorter.spans_upto:
            return
        if Subscriber.objects.filter(state=State.ACTIVE, wants_component=True).exists():
            spans = StatusSpan.objects.filter(pk__gt=sorter.spans_upto, pk__lte=newest)
            for span in spans.filter(component__is_shown=True).select_related("component").order_by("pk"):
                _note_change(span, now)
        Sorter.objects.filter(pk=1).update(spans_upto=newest)


def _note_change(span: StatusSpan, now: datetime) -> None:
    before = StatusSpan.objects.filter(component=span.component, pk__lt=span.pk).order_by("-pk").first()
    if before is None or before.status == span.status:
        return
    if Maintenance.objects.is_active_for(span.component) and not span.component.is_set_to_trouble:
        return  # hidden by maintenance, which sends its own start and end
    change = {"at": span.started_at, "now": now}
    Notice.objects.of_component(span.component, before.status, span.status, **change)


def forget_old(now: datetime) -> None:
    """Delete the log after 30 days, and former subscribers after 90."""
    old = Delivery.objects.filter(finished_at__lt=now - timedelta(days=30)).exclude(state=DeliveryState.OWED)
    ids = list(old.order_by("pk").values_list("pk", flat=True)[:5_000])
    Delivery.objects.filter(pk__in=ids).delete()
    long_ago = now - timedelta(days=90)
    ended = Q(state=State.LEFT, left_at__lt=long_ago) | Q(
        state=State.QUARANTINED, quarantined_at__lt=long_ago
    )
    unsure = Q(state=State.UNCONFIRMED, created_at__lt=now - timedelta(days=7))
    Subscriber.objects.filter(ended | unsure).filter(owned=None).delete()
    Import.objects.filter(created_at__lt=now - timedelta(days=30)).delete()  # with its remaining parts
    # those of postmortems stay, so that one published again is not sent again
    bare = Notice.objects.filter(deliveries=None, created_at__lt=now - timedelta(days=30), postmortem=None)
    ids = list(bare.exclude(sorted_at=None).values_list("pk", flat=True)[:5_000])
    Notice.objects.filter(pk__in=ids).delete()
