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

from components import encryption
from components.models import Component, Group
from components.models.public_id import LENGTH
from incidents.models import NoticeKind
from subscribers import address_identity, addresses, csv_format, webhook_signature
from subscribers.csv_format import CSVError, Line, Wish, one_form, read, split
from subscribers.models import Delivery, Import, Purpose, State, Subscriber
from subscribers.states import Channel

BATCH = 500
LINES_A_PART = 500
MAX_TOLD = 1_000  # faults that are told line by line; the rest is counted
MAX_PARTS = 40  # of a name that holds what stands between names


@dataclass(slots=True)
class Tally:
    """What came of lines. `refused`: (line, sentence) each."""

    added: int = 0
    known: int = 0
    refused: list[tuple[int, str]] = field(default_factory=list)


@dataclass(slots=True)
class Places:
    """What can be chosen, by id and by name; a name that two share is no name."""

    components: dict[str, int]
    groups: dict[str, int]
    doubtful: frozenset[str]

    @classmethod
    def now(cls) -> "Places":
        """Read once for a whole file."""
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
        """Their keys. Raises CSVError, naming the first that is none."""
        known: dict[str, int] = getattr(self, kind)
        found, parts = [], [part for name in names for part in split(name)]
        while parts:
            name, taken = _longest(known, parts)
            if name in self.doubtful and len(name) != LENGTH:
                told = "; ".join(parts[:taken])[:60]
                raise CSVError(f"more than one of the {kind} is named “{told}”: use its id instead.")
            if name not in known:
                raise CSVError(
                    f"none of the {kind} is named “{parts[0][:60]}”: use its name as shown on the page."
                )
            found.append(known[name])
            parts = parts[taken:]
        return found


def _longest(known: Mapping[str, int], parts: Sequence[str]) -> tuple[str, int]:
    """The longest name that the first of these make together, and of how many parts it is."""
    most = min(len(parts), MAX_PARTS)
    tries = ((one_form(";".join(parts[:many])), many) for many in range(most, 0, -1))
    return next(((name, many) for name, many in tries if name in known), (one_form(parts[0]), 1))


def _by_word(rows: Sequence[tuple[int, str, str]]) -> dict[str, int]:
    return {one_form(word): pk for pk, public_id, name in rows for word in (name, public_id)}


def take_in(lines: Sequence[Line], places: Places, now: datetime, *, asks: bool = False) -> Tally:
    """Add these, in one transaction. `asks`: each is sent a confirmation first; otherwise nobody is mailed.

    Whoever is here already, and whoever left, is not touched: taking in the same file twice is once.
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
        fresh = _save([one for _, one, _ in wishes])
        _choose([(fresh[one.key], ids) for _, one, ids in wishes if one.key in fresh])
        if asks:
            _ask(list(fresh.values()), now)
    tally.added = len(fresh)
    tally.known = len(wishes) - len(fresh)
    return tally


def _new(wish: Wish, ids: dict[str, list[int]], now: datetime, *, asks: bool) -> Subscriber:
    """The row for a line, not saved yet. Raises ValidationError for an address we do not take."""
    address = addresses.checked(wish.channel, wish.address, for_staff=True)
    state = State.UNCONFIRMED if asks and wish.state == State.ACTIVE else State(wish.state)
    one = Subscriber(
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
    )
    one.point_to(address)
    if wish.channel is Channel.WEBHOOK:
        one.signing = encryption.seal(json.dumps([[webhook_signature.new_secret(), None]]))
    return one


def _save(rows: Sequence[Subscriber]) -> dict[str, int]:
    """Those that are new, by their links' key. The database settles who came first."""
    prints = {one.key: address_identity.fingerprints(one.channel, one.open_address) for one in rows}
    asked = {mark for marks in prints.values() for mark in marks}
    here = set(Subscriber.objects.filter(fingerprint__in=asked).values_list("channel", "fingerprint"))
    fresh = [one for one in rows if not any((str(one.channel), mark) in here for mark in prints[one.key])]
    Subscriber.objects.bulk_create(fresh, ignore_conflicts=True)
    found = Subscriber.objects.filter(key__in=[one.key for one in fresh])
    return dict(found.values_list("key", "pk"))


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
    """A confirmation for each that has not said yes elsewhere."""
    unsure = list(Subscriber.objects.filter(pk__in=ids, state=State.UNCONFIRMED).values_list("pk", flat=True))
    Delivery.objects.bulk_create(
        [Delivery(subscriber_id=pk, purpose=Purpose.CONFIRM, created_at=now, due_at=now) for pk in unsure]
    )
    Subscriber.objects.filter(pk__in=unsure).update(next_at=now)


def begin(name: str, text: Iterable[str], now: datetime, *, author: str, asks: bool = False) -> Import:
    """Read a file into parts; nobody is added yet. Raises subscribers.csv_format.Fault, keeping nothing."""
    with transaction.atomic():
        made = Import.objects.create(name=name[:200], author=author[:150], created_at=now, asks=asks)
        found = csv_format.lines(text)
        while chunk := list(itertools.islice(found, LINES_A_PART)):
            told = json.dumps([[line.number, line.cells] for line in chunk])
            made.parts.create(lines=encryption.seal(told))
            made.total += len(chunk)
        made.finished_at = None if made.total else now
        made.save(update_fields=["total", "finished_at"])
    return made


def import_next_part(whole: Import, now: datetime) -> bool:
    """Take in the next part, all of it or nothing. False when none is left."""
    with transaction.atomic():
        mine = Import.objects.select_for_update().get(pk=whole.pk)
        part = mine.parts.order_by("pk").first()
        if part is None:
            return False
        chunk = [Line(number, cells) for number, cells in json.loads(encryption.unseal(part.lines))]
        tally = take_in(chunk, Places.now(), now, asks=mine.asks)
        mine.done += len(chunk)
        mine.added, mine.known = mine.added + tally.added, mine.known + tally.known
        mine.refused += len(tally.refused)
        mine.report = [*mine.report, *map(list, tally.refused)][:MAX_TOLD]
        part.delete()
        mine.finished_at = None if mine.parts.exists() else now
        mine.save()
    whole.refresh_from_db()
    return whole.finished_at is None
