"""A receiver, and the engine that delivers to it."""

import pytest
from django.utils import timezone

from components.egress import Egress
from subscribers import channels
from subscribers.delivery import fan_out
from subscribers.delivery.dispatcher import Dispatcher
from subscribers.models import Subscriber
from tests.subscribers.receivers import Sink
from tests.web import STARTED
from tests.whole import wait_for

LOOPBACK = ("127.0.0.0/8",)
DEADLINE_S = 2.0


class Post:
    """Sorts and delivers when told to."""

    def __init__(self) -> None:
        self.postman = Dispatcher(channels.senders(), egress=Egress(LOOPBACK), deadline_s=DEADLINE_S)

    def deliver(self, now=None) -> None:
        """Give out what is due, and wait until nothing is."""
        now = now or timezone.now()
        fan_out.note_changes(now)
        fan_out.sort(now)
        self.postman.wake()
        wait_for(lambda: not Subscriber.objects.filter(next_at__lte=timezone.now()).exists(), 25, 0.05)

    def close(self) -> None:
        self.postman.drain(25)
        self.postman.loop.call_soon_threadsafe(self.postman.loop.stop)


@pytest.fixture
def sink():
    with Sink() as made:
        yield made


@pytest.fixture
def post(transactional_db):
    made = Post()
    yield made
    made.close()


@pytest.fixture(autouse=True)
def nobody_else_alerts(request):
    """A web process of earlier tests looks after this database, too: it would send alerts of its own.

    It is started again by the next test that asks for it.
    """
    if (
        request.module.__name__.rpartition(".")[2].startswith("test_alerts")
        and "web" not in request.fixturenames
    ):
        for web in STARTED:
            web.stop()
