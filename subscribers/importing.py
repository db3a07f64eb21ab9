"""From lines of a file to subscribers, in chunks; existing subscribers are not changed."""

import itertools
import json
import secrets
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import transaction

from components import encryption, webhook_signature
from components.models import Component, Group
from components.models.public_id import LENGTH
from incidents.models import NoticeKind
from subscribers import address_identity, addresses, csv_format
from subscribers.csv_format import CSVError, Line, Wish, one_form, read, split
from subscribers.models import Delivery, Import, Purpose, State, Subscriber
from subscribers.states import Channel

BATCH = 500
LINES_A_PART = 500
MAX_LISTED = 1_000  # refused lines that are listed; the rest is only counted
MAX_PARTS = 40  # of a name that contains separators


@dataclass(slots=True)
class Tally:
    """The result of importing lines. `known`: already subscribed; `refused`: (line, sentence) each."""

    added: int = 0
    known: int = 0
    refused: list[tuple[int, str]] = field(default_factory=list)


@dataclass(slots=True)
class Places:
    """Ids of components and groups by public id and by name; `doubtful`: names that two share."""

    components: dict[str, int]
    groups: dict[str, int]
    doubtful: frozenset[str]

    @classmethod
    def now(cls) -> "Places":
        """Read from the database, once for a whole file."""
        components = list(Component.objects.values_list("pk", "public_id", "name"))
        groups = list(Group.objects.values_list("pk", "public_id", "name"))
        doubtful = {
            name
            for rows in (components, groups)
            for name, number in Counter(one_form(name) for _, _, name in rows).items()
            if number > 1
        }
        return cls(_by_word(components), _by_word(groups), frozenset(doubtful))

    def find(self, kind: str, names: Sequence[str]) -> list[int]:
        """Ids of these names. `kind`: "components" or "groups". Raises CSVError for an unknown name."""
        ids_by_name: dict[str, int] = getattr(self, kind)
        ids, parts = [], [part for name in names for part in split(name)]
        while parts:
            name, taken = _longest(ids_by_name, parts)
            if name in self.doubtful and len(name) != LENGTH:
                written = "; ".join(parts[:taken])[:60]
                raise CSVError(f"more than one of the {kind} is named “{written}”: use its id instead.")
            if name not in ids_by_name:
                raise CSVError(
                    f"none of the {kind} is named “{parts[0][:60]}”: use its name as shown on the page."
                )
            ids.append(ids_by_name[name])
            parts = parts[taken:]
        return ids


def _longest(ids_by_name: Mapping[str, int], parts: Sequence[str]) -> tuple[str, int]:
    """The longest known name that the first parts make together, and its number of parts."""
    most = min(len(parts), MAX_PARTS)
    tries = ((one_form(";".join(parts[:many])), many) for many in range(most, 0, -1))
    return next(((name, many) for name, many in tries if name in ids_by_name), (one_form(parts[0]), 1))


def _by_word(rows: Sequence[tuple[int, str, str]]) -> dict[str, int]:
    return {one_form(word): pk for pk, public_id, name in rows for word in (name, public_id)}


def take_in(lines: Sequence[Line], places: Places, now: datetime, *, asks: bool = False) -> Tally:
    """Add these in one transaction. `asks`: each must confirm first; otherwise no one is mailed.

    Existing subscribers, also unsubscribed ones, stay unchanged, so a file can be imported twice.
    """
    tally, wishes = Tally(), []
    for line in lines:
        try:
            wish = read(line)
            ids = {kind: places.find(kind, getattr(wish, kind)) for kind in ("components", "groups")}
            wishes.append((wish, _new(wish, ids, now, asks=asks), ids))
        except CSVError as fault:
            tally.refused.append((line.number, str(fault)))
        except ValidationError as refused:
            tally.refused.append((line.number, " ".join(refused.messages)))
    with transaction.atomic():
        fresh = _save([subscriber for _, subscriber, _ in wishes])
        _choose([(fresh[subscriber.key], ids) for _, subscriber, ids in wishes if subscriber.key in fresh])
        if asks:
            _ask(list(fresh.values()), now)
    tally.added = len(fresh)
    tally.known = len(wishes) - len(fresh)
    return tally


def _new(wish: Wish, ids: dict[str, list[int]], now: datetime, *, asks: bool) -> Subscriber:
    """The unsaved row for a line. Raises ValidationError for an address that is not accepted."""
    address = addresses.checked(wish.channel, wish.address, for_staff=True)
    state = State.UNCONFIRMED if asks and wish.state == State.ACTIVE else State(wish.state)
    subscriber = Subscriber(
        channel=wish.channel,
        state=state,
        source="import",
        created_at=now,
        key=secrets.token_urlsafe(24),
        confirmed_at=now if state == State.ACTIVE else None,
        left_at=now if state == State.LEFT else None,
        quarantined_at=now if state == State.QUARANTINED else None,
        is_all=not (ids["components"] or ids["groups"]),
        least_impact=wish.least_impact,
        is_digest=wish.is_digest,
        **{f"wants_{kind}": kind in wish.kinds for kind in NoticeKind.values},
        report_asked_at=now if NoticeKind.REPORT in wish.kinds else None,
    )
    subscriber.point_to(address)
    if wish.channel is Channel.WEBHOOK:
        subscriber.signing = encryption.seal(json.dumps([[webhook_signature.new_secret(), None]]))
    return subscriber


def _save(rows: Sequence[Subscriber]) -> dict[str, int]:
    """Save the new ones; returns their ids by `key`. Of two with one address the first is kept."""
    prints = {
        subscriber.key: address_identity.fingerprints(subscriber.channel, subscriber.open_address)
        for subscriber in rows
    }
    asked = {mark for marks in prints.values() for mark in marks}
    existing = set(Subscriber.objects.filter(fingerprint__in=asked).values_list("channel", "fingerprint"))
    fresh = [
        subscriber
        for subscriber in rows
        if not any((str(subscriber.channel), mark) in existing for mark in prints[subscriber.key])
    ]
    Subscriber.objects.bulk_create(fresh, ignore_conflicts=True)
    created = Subscriber.objects.filter(key__in=[subscriber.key for subscriber in fresh])
    return dict(created.values_list("key", "pk"))


def _choose(made: Sequence[tuple[int, dict[str, list[int]]]]) -> None:
    for name, column in (("components", "component_id"), ("groups", "group_id")):
        through = getattr(Subscriber, name).through
        through.objects.bulk_create(
            [
                through(**{"subscriber_id": pk, column: other})
                for pk, ids in made
                for other in dict.fromkeys(ids[name])
            ]
        )


def _ask(ids: Sequence[int], now: datetime) -> None:
    """Owe a confirmation to each that is unconfirmed."""
    unsure = list(Subscriber.objects.filter(pk__in=ids, state=State.UNCONFIRMED).values_list("pk", flat=True))
    Delivery.objects.bulk_create(
        [Delivery(subscriber_id=pk, purpose=Purpose.CONFIRM, created_at=now, due_at=now) for pk in unsure]
    )
    Subscriber.objects.filter(pk__in=unsure).update(next_at=now)


def begin(name: str, text: Iterable[str], now: datetime, *, author: str, asks: bool = False) -> Import:
    """Store a file in parts; no one is added yet. Raises csv_format.CSVError, storing nothing."""
    with transaction.atomic():
        made = Import.objects.create(name=name[:200], author=author[:150], created_at=now, asks=asks)
        all_lines = csv_format.lines(text)
        while chunk := list(itertools.islice(all_lines, LINES_A_PART)):
            raw = json.dumps([[line.number, line.cells] for line in chunk])
            made.parts.create(lines=encryption.seal(raw))
            made.total += len(chunk)
        made.finished_at = None if made.total else now
        made.save(update_fields=["total", "finished_at"])
    return made


def import_next_part(whole: Import, now: datetime) -> bool:
    """Import the next part in one transaction. False when the import is finished."""
    with transaction.atomic():
        sheet = Import.objects.select_for_update().get(pk=whole.pk)
        part = sheet.parts.order_by("pk").first()
        if part is None:
            return False
        chunk = [Line(number, cells) for number, cells in json.loads(encryption.unseal(part.lines))]
        tally = take_in(chunk, Places.now(), now, asks=sheet.asks)
        sheet.done += len(chunk)
        sheet.added, sheet.known = sheet.added + tally.added, sheet.known + tally.known
        sheet.refused += len(tally.refused)
        sheet.report = [*sheet.report, *map(list, tally.refused)][:MAX_LISTED]
        part.delete()
        sheet.finished_at = None if sheet.parts.exists() else now
        sheet.save()
    whole.refresh_from_db()
    return whole.finished_at is None
