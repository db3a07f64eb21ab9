"""Five endpoints of one server go down and come back: one incident, and few mails."""

import time

from tests.faults.faults import only_long
from tests.subscribers.mailbox import Mailbox
from tests.targets import Target
from tests.whole import wait_for

NAMES = ("Shop", "API", "Chat", "Files", "Search")
SUBSCRIBE = (
    "from django.utils import timezone; from subscribers.states import Channel;"
    "from subscribers.models import State, Subscriber; now = timezone.now();"
    "one = Subscriber(channel=Channel.EMAIL, state=State.ACTIVE, created_at=now, confirmed_at=now);"
    "one.point_to('reader@example.org'); one.save()"
)


def turn(targets, code):
    """All of them, one after the other within six seconds."""
    for target in targets:
        target.answers = code
        time.sleep(1.2)


@only_long  # tests/subscribers/test_few_messages.py tells the same story without the waiting
def test_one_cause_is_one_incident_and_at_most_four_mails(whole):
    targets = [Target() for _ in NAMES]
    with Mailbox() as mailbox:
        whole.start(SETTLE_S="20", EMAIL_URL=f"smtp://127.0.0.1:{mailbox.port}")
        whole.manage("shell", "-v0", "-c", SUBSCRIBE)
        for target, name in zip(targets, NAMES, strict=True):
            whole.watch(target.url, name)
        wait_for(lambda: all(whole.status_of(name) == "operational" for name in NAMES), 60)
        turn(targets, 503)
        wait_for(lambda: all(whole.status_of(name) == "major_outage" for name in NAMES), 60)
        assert len(whole.incidents()) == 1
        wait_for(lambda: mailbox.got, 60)
        turn(targets, 200)
        wait_for(lambda: whole.incidents()[0]["status"] == "resolved", 90)
        wait_for(lambda: "RESOLVED" in str(mailbox.got[-1].message["Subject"]).upper(), 60)
        assert len(whole.incidents()) == 1
        assert 2 <= len(mailbox.got) <= 4, [one.message["Subject"] for one in mailbox.got]
    for target in targets:
        target.close()
