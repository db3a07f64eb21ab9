"""Apprise: the operator's own addresses, told of everything like everybody else."""

import asyncio
from dataclasses import replace

import pytest
from django.utils import timezone

from components.egress import Egress
from subscribers import addresses, operator_subscribers
from subscribers.channels import apprise
from subscribers.delivery.envelope import End
from subscribers.models import State, Subscriber
from subscribers.states import Channel
from tests.subscribers.test_formats import envelope


def attempt(sink, path="/room"):
    url = f"{sink.url.replace('http', 'json')}{path}"
    return asyncio.run(apprise.send(replace(envelope(Channel.APPRISE), address=url), Egress()))


def test_a_message_goes_out_by_apprise(sink):
    assert attempt(sink).end is End.SENT
    told = sink.got[0].json
    assert told["title"] == "🔴 Major outage · Identified: Chat refuses new connections"
    assert told["message"].startswith("We found a full pool.")
    assert told["message"].endswith("https://status.widgetify.example/incidents/abc")
    assert told["type"] == "failure"


@pytest.mark.parametrize("answer", [500, 404, "rst"])
def test_what_apprise_cannot_deliver_is_tried_again_later(sink, answer, caplog):
    sink.answers["/room"] = answer
    result = attempt(sink)
    assert (result.end, result.why) == (End.LATER, "Apprise could not deliver it.")
    assert caplog.text == "" or "/room" not in caplog.text


def test_an_address_apprise_cannot_read_is_told_without_it():
    sent = replace(envelope(Channel.APPRISE), address="nothing://secret")
    result = asyncio.run(apprise.send(sent, Egress()))
    assert result.end is End.LATER
    assert "secret" not in result.why


def states():
    return dict(Subscriber.objects.values_list("shown", "state"))


def test_the_environment_decides_who_is_told_by_apprise(db):
    now = timezone.now()
    urls = ["json://127.0.0.1/one1", "slack://TokenA1234/TokenB/TokenC/two2"]
    operator_subscribers.keep(urls, now)
    operator_subscribers.keep(urls, now)
    assert states() == {"json://…one1": State.ACTIVE, "slack://…two2": State.ACTIVE}
    assert not Subscriber.objects.filter(host__icontains="token").exists()
    operator_subscribers.keep(urls[:1], now)
    assert states()["slack://…two2"] == State.LEFT
    operator_subscribers.keep(urls, now)
    assert states()["slack://…two2"] == State.ACTIVE
    operator_subscribers.keep([], now)
    assert set(states().values()) == {State.LEFT}


def test_a_stranger_cannot_subscribe_an_apprise_address():
    with pytest.raises(addresses.ValidationError, match="operator"):
        addresses.checked(Channel.APPRISE, "json://127.0.0.1/")
