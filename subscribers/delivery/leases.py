"""Claims due subscribers under a lease: one message in flight each, two per host."""

import os
import platform
import secrets
from collections import Counter
from datetime import datetime, timedelta

from django.db import models, transaction
from django.db.models import Count, F, Q, Window
from django.db.models.functions import RowNumber

from incidents.models import Notice
from subscribers.models import Delivery, DeliveryState, Host, Sorter, Subscriber
from subscribers.states import Channel

DEADLINE_S = 20.0  # the longest an attempt may take
LEASE = timedelta(seconds=DEADLINE_S + 20)  # and the time to write its result
CRASHES_BEFORE_SUSPECT = 3
CRASHES_BEFORE_QUARANTINE = 10
MAIL_SERVER = "(mail server)"  # stands for our mail server in the table of hosts
PER_HOST: dict[Channel, int] = {Channel.EMAIL: 8, Channel.WEBHOOK: 2}
PER_CHAT_HOST = 8  # one vendor serves all its customers from one name
MAILS_AT_ONCE = 24
LOOKED_AT = 2  # rows read for each free place: some have a busy or resting host
MIN_LOOKED_AT = 200
LOOKED_FOR = ("pk", "channel", "host", "crashes")


def claim(now: datetime, room: int, holder: str) -> tuple[str, list[int]]:
    """Lease up to `room` due subscribers. Returns (lease token, their ids, longest due first).

    One claim at a time: the limits by host hold over all workers together.
    `holder` names the process ("host:pid:start").
    """
    token = f"{holder}:{secrets.token_urlsafe(9)}"
    with transaction.atomic():
        Sorter.objects.get_or_create(pk=2)
        Sorter.objects.select_for_update().get(pk=2)
        is_free = Q(lease_until=None) | Q(lease_until__lte=now)
        due = Subscriber.objects.filter(is_free, next_at__lte=now)
        chosen = _choose(due, now, room)
        due.filter(pk__in=chosen).update(lease_token=token, lease_until=now + LEASE, crashes=F("crashes") + 1)
    return token, chosen


def holder_name() -> str:
    """The name of this process in leases: "host:pid:random"."""
    return f"{platform.node()[:60]}:{os.getpid()}:{secrets.token_urlsafe(6)}"


def release_dead(holder: str) -> int:
    """Release leases of dead processes of this machine. Returns how many."""
    node, pid, _ = holder.rsplit(":", 2)
    leased = Subscriber.objects.filter(lease_token__startswith=f"{node}:").exclude(lease_until=None)
    dead = []
    for token in leased.values_list("lease_token", flat=True).distinct():
        owner = token.removeprefix(f"{node}:").split(":")[0]
        if not token.startswith(f"{holder}:") and (owner == pid or not _is_alive(int(owner))):
            dead.append(token)
    return leased.filter(lease_token__in=dead).update(lease_until=None)


def set_back(now: datetime, back: timedelta) -> None:
    """After the clock was put back by `back`: move all due times back as well.

    Digests stay: they are sent at a local hour.
    """
    Notice.objects.set_back(now, back)
    owed = Delivery.objects.filter(state=DeliveryState.OWED, subscriber__is_digest=False)
    owed.filter(due_at__gt=now).update(due_at=F("due_at") - back)
    Subscriber.objects.filter(next_at__gt=now, is_digest=False).update(next_at=F("next_at") - back)
    Subscriber.objects.filter(lease_until__gt=now).update(lease_until=F("lease_until") - back)
    Host.objects.filter(rests_until__gt=now).update(rests_until=F("rests_until") - back)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _choose(due: "models.QuerySet[Subscriber]", now: datetime, room: int) -> list[int]:
    """As many of each host as it has places left. Mail is counted apart, so neither waits for the other."""
    resting = set(Host.objects.filter(rests_until__gt=now).values_list("name", flat=True))
    leased = Subscriber.objects.filter(lease_until__gt=now)
    busy: Counter[tuple[bool, str]] = Counter()
    for channel, host, number in leased.values_list("channel", "host").annotate(number=Count("pk")):
        busy[channel == Channel.EMAIL, host] += number
    mails = MAILS_AT_ONCE - sum(number for (is_mail, _), number in busy.items() if is_mail)
    others = due.exclude(channel=Channel.EMAIL).exclude(host__in=resting)
    chosen = _by_host(others, room, busy, now)
    if MAIL_SERVER not in resting:
        chosen += _by_host(due.filter(channel=Channel.EMAIL), min(mails, room - len(chosen)), busy, now)
    return chosen


def _by_host(
    due: "models.QuerySet[Subscriber]", room: int, busy: Counter[tuple[bool, str]], now: datetime
) -> list[int]:
    """The longest due, within the limit of each host."""
    if room <= 0:
        return []
    limit = max(room * LOOKED_AT, MIN_LOOKED_AT)
    rows = list(due.order_by("next_at", "pk").values_list(*LOOKED_FOR)[:limit])
    chosen = _within(rows, room, busy.copy(), now)
    if len(chosen) < room and len(rows) == limit:  # a few busy hosts come before all others
        chosen = _within(_spread(due, limit), room, busy, now)
    return chosen


def _within(
    rows: list[tuple[int, str, str, int]], room: int, busy: Counter[tuple[bool, str]], now: datetime
) -> list[int]:
    chosen: list[int] = []
    suspects: list[int] = []
    for pk, name, host, crashes in rows:
        channel = Channel(name)
        place = (channel is Channel.EMAIL, host)
        if len(chosen) >= room or busy[place] >= PER_HOST.get(channel, PER_CHAT_HOST):
            continue
        if crashes >= CRASHES_BEFORE_QUARANTINE:
            Subscriber.objects.get(pk=pk).quarantine(now, "Its messages crashed our worker ten times.")
        elif crashes >= CRASHES_BEFORE_SUSPECT:
            suspects.append(pk)
        else:
            busy[place] += 1
            chosen.append(pk)
    return chosen or suspects[:1]  # one that may have crashed a worker is sent alone


def _spread(due: "models.QuerySet[Subscriber]", limit: int) -> list[tuple[int, str, str, int]]:
    """The first few of each host, so that none hides the others. Slower: it sorts everything due."""
    place = Window(RowNumber(), partition_by=[F("host")], order_by=[F("next_at"), F("pk")])
    first = due.annotate(place=place).filter(place__lte=PER_CHAT_HOST).order_by("next_at", "pk")
    return list(first.values_list(*LOOKED_FOR)[:limit])
