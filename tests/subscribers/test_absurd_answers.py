"""What a receiver asks of us is data from outside: it may be anything, and holds up nobody else."""

import datetime as dt

import pytest
from django.utils import timezone

from incidents.models import Incident
from subscribers.delivery import backoff, fan_out, results
from subscribers.models import Delivery
from subscribers.states import Channel
from tests.making import component
from tests.subscribers.making import somebody, webhook
from tests.whole import wait_for

ABSURD = ["9" * 15, "9" * 400, "Fri, 31 Dec 9999 23:59:59 GMT"]


def opened():
    Incident.objects.open("Chat is slow", "We look.", components=[component()], now=timezone.now())


@pytest.mark.parametrize("asked", ABSURD)
def test_an_absurd_retry_after_is_a_day_at_most_and_the_others_are_told_once(post, sink, asked):
    for name in "ab":
        webhook(f"{sink.url}/{name}", wants_component=False)
    sink.answers["/a"] = (429, {"retry-after": asked}, b"")
    opened()
    post.deliver()
    owed, sent = Delivery.objects.order_by("subscriber")
    assert (owed.state, owed.attempts, sent.state, len(sink.of("/b"))) == ("owed", 1, "sent", 1)
    assert owed.subscriber.next_at - timezone.now() <= dt.timedelta(days=1)


@pytest.mark.parametrize("asked", [b"1e999", b"9" * 400, b"NaN"])
def test_an_absurd_pause_of_a_chat_is_no_fault_of_ours(post, sink, asked):
    somebody(Channel.DISCORD, f"{sink.url}/discord")
    sink.answers["/discord"] = (429, {}, b'{"retry_after": ' + asked + b"}")
    opened()
    post.deliver()
    owed = Delivery.objects.get()
    assert (owed.state, owed.attempts, owed.last_error) == ("owed", 1, "Discord is rate-limiting us.")


@pytest.mark.parametrize("asked", [10.0**300, float("inf"), float("nan"), -(10.0**300), None])
def test_no_number_that_is_asked_for_breaks_the_schedule(asked):
    assert dt.timedelta(0) < backoff.wait_after(1, asked_s=asked) <= dt.timedelta(days=1)


def test_a_result_that_cannot_be_written_holds_up_no_other(post, sink, monkeypatch):
    def fails(*_, **__):
        raise OverflowError

    for name in "ab":
        webhook(f"{sink.url}/{name}", wants_component=False)
    sink.answers["/a"] = 500
    monkeypatch.setattr(results.backoff, "wait_after", fails)
    opened()
    fan_out.sort(timezone.now())
    post.postman.wake()
    wait_for(lambda: Delivery.objects.filter(state="sent").exists(), 10, 0.05)
    wait_for(lambda: not post.postman.unwritten, 10, 0.05)
    assert sorted(Delivery.objects.values_list("state", flat=True)) == ["owed", "sent"]
    assert len(sink.of("/b")) == 1
