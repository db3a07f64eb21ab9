"""From an update to the receiver: once, in order, and again when it failed."""

import pytest
from django.utils import timezone

from components.egress import Egress
from incidents.models import Incident
from subscribers import sorting
from subscribers.models import Delivery, DeliveryState, Subscriber
from subscribers.postman import Postman
from subscribers.senders import SENDERS
from tests.making import component
from tests.subscribers.making import webhook
from tests.subscribers.receivers import Sink
from tests.whole import wait_for

LOOPBACK = ("127.0.0.0/8",)


@pytest.fixture
def sink():
    with Sink() as made:
        yield made


@pytest.fixture
def postman(transactional_db):
    made = Postman(SENDERS, egress=Egress(LOOPBACK))
    yield made
    made.drain(25)


def deliver(postman, now=None):
    """Sort what is due and wait until nothing is."""
    now = now or timezone.now()
    sorting.note_changes(now)
    sorting.sort(now)
    postman.wake()
    wait_for(lambda: not Subscriber.objects.filter(next_at__lte=timezone.now()).exists(), 25, 0.05)


def test_an_update_reaches_who_chose_its_component_and_nobody_else(postman, sink):
    chat, files = component("Chat"), component("Files")
    for name, of in (("all", []), ("chat", [chat]), ("files", [files])):
        webhook(f"{sink.url}/{name}", components=of, wants_component=False)
    now = timezone.now()
    Incident.objects.open(
        "Chat is down", "We look.", now=now, components=[chat], statuses={chat: "major_outage"}
    )
    deliver(postman)
    assert sorted(one.path for one in sink.got) == ["/all", "/chat"]
    body = sink.of("/chat")[0].json
    assert body["incident"]["incident_updates"][0]["body"] == "We look."
    assert (body["incident"]["status"], body["sequence"]) == ("investigating", 1)
    assert Delivery.objects.filter(state=DeliveryState.SENT).count() == 2
    deliver(postman)
    assert len(sink.got) == 2
