"""One reader whom our mail server refuses in words about us, while it takes mail to all others."""

from datetime import timedelta

import pytest
from django.utils import timezone

from components.egress import Egress
from subscribers.alerts.kinds import KINDS
from subscribers.alerts.owed import World
from subscribers.channels import email
from subscribers.delivery import leases
from subscribers.delivery.dispatcher import Attempt
from subscribers.delivery.message_builder import pack
from subscribers.delivery.results import finish
from subscribers.models import Host, Purpose, State, Subscriber
from tests.subscribers.making import mail as reader
from tests.subscribers.test_mail import box, run  # noqa: F401 - a fixture

MINUTE = timedelta(minutes=1)
REFUSED = "550 relay not permitted"
ALONE, ALL = "mail_refused", "mail_server"


def deliver(now):
    """One round: what is due at this moment is sent to the real server, and written down."""
    token, ids = leases.claim(now, 100, leases.holder_name())
    packed = pack(ids, now)

    async def each():
        return [await email.send(one.envelope, Egress()) for one in packed]

    results = run(each())
    finish([Attempt(one, token, result) for one, result in zip(packed, results, strict=True)], now)
    return len(ids)


def rounds(start, length, *, every=timedelta(seconds=5)):
    """A round every few seconds for so long; when the readers were tried, in seconds."""
    tried = []
    for number in range(int(length / every)):
        now = start + number * every
        if Subscriber.objects.filter(next_at__lte=now).exists() and deliver(now):
            tried.append(int((now - start).total_seconds()))
    return tried


def alerts(now):
    """What staff are told of now."""
    return {name: list(KINDS[name].find(World(now, {}))) for name in (ALONE, ALL)}


def tell(now, *names):
    for name in names:
        (Subscriber.objects.filter(shown__startswith=name).get()).owe(Purpose.TEST, now)


@pytest.fixture
def refused(box, db):  # noqa: F811
    box.faults = {"alone": [REFUSED] * 1_000}
    for name in ("alone", "well", "other"):
        reader(f"{name}@{name}.example")
    return box


def test_it_is_tried_ever_more_seldom_and_at_least_every_quarter_of_an_hour(refused):
    now = timezone.now()
    tell(now, "alone", "well")
    tried = rounds(now, 65 * MINUTE)
    assert tried == [0, 30, 90, 210, 450, 930, 1830, 2730, 3630]
    assert Subscriber.objects.get(shown__startswith="alone").state == State.ACTIVE
    del refused.faults["alone"]
    assert rounds(now + 65 * MINUTE, 20 * MINUTE)
    assert [one.to for one in refused.got] == ["well@well.example", "alone@alone.example"]


def test_staff_hear_of_it_once_and_not_that_no_mail_is_taken(refused):
    now = timezone.now()
    tell(now, "alone", "well")
    seen = []
    for quarter in range(8):
        rounds(now + quarter * 15 * MINUTE, 15 * MINUTE, every=timedelta(seconds=30))
        seen.append(alerts(now + (quarter + 1) * 15 * MINUTE))
    assert [len(one[ALL]) for one in seen] == [0] * 8
    assert [len(one[ALONE]) for one in seen] == [0] + [1] * 7
    assert len({one.subject for told in seen for one in told[ALONE]}) == 1
    (owed,) = seen[-1][ALONE]
    assert owed.title == "The mail server rejects our mail to some subscribers and accepts it for others."
    assert owed.body.startswith("At alone.example. ")
    assert owed.url.endswith("?q=alone.example")
    assert not KINDS[ALONE].repeat
    assert not KINDS[ALONE].reminders
    del refused.faults["alone"]
    rounds(now + 120 * MINUTE, 16 * MINUTE, every=timedelta(seconds=30))
    assert alerts(now + 136 * MINUTE) == {ALONE: [], ALL: []}


def test_it_keeps_nobody_else_waiting(refused):
    now = timezone.now()
    tell(now, "alone", "well")
    rounds(now, 62 * MINUTE)
    assert not Host.objects.filter(rests_until__gt=now).exists()
    tell(now + 62 * MINUTE, "other")
    assert rounds(now + 62 * MINUTE, MINUTE)[0] == 0
    assert refused.got[-1].to == "other@other.example"


def test_a_server_that_refuses_everybody_rests_and_all_are_told_soon_after_it_is_mended(refused):
    names = ("alone", "well", "other")
    refused.faults = {name: [REFUSED] * 1_000 for name in names}
    now = timezone.now()
    tell(now, *names)
    rounds(now, 60 * MINUTE)
    told = alerts(now + 60 * MINUTE)
    assert (len(told[ALONE]), len(told[ALL])) == (0, 1)
    assert Subscriber.objects.filter(state=State.ACTIVE).count() == 3
    between = [alerts(now + 60 * MINUTE + second * timedelta(seconds=10))[ALL] for second in range(90)]
    assert all(between)  # it has not been mended between two tries
    refused.faults = {}
    tried = rounds(now + 60 * MINUTE, 20 * MINUTE)
    assert len(refused.got) == 3
    assert tried[-1] - tried[0] <= 10  # the first that is taken wakes the others
    assert alerts(now + 80 * MINUTE) == {ALONE: [], ALL: []}


def test_a_line_that_is_never_answered_is_tried_as_before(refused, settings, free_port):
    settings.EMAIL_PORT = free_port
    now = timezone.now()
    tell(now, "alone")
    assert rounds(now, 3 * MINUTE) == [0, 30, 60, 90, 120]  # and then the server rests
