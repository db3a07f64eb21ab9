"""The whole program restarts what fails, writes down that it did, and survives being killed while it does."""

import json
import signal

import pytest

from tests.faults.faults import only_long
from tests.targets import Target
from tests.whole import wait_for

ADD = """
import json
from components.models import Component
from incidents.hooks import targets
from incidents.models import Hook
hook = Hook(component=Component.objects.get(name="Chat"), name="Restart chat", url={url!r}, **{more!r})
hook.target = targets.target_of(hook.url)
hook.keep_secret()
hook.save()
hook.arm()
"""
TELL = """
import json
from incidents.models import Act, Update
print(json.dumps({
    "acts": list(Act.objects.order_by("id").values("key", "state", "helped", "answer_status")),
    "notes": list(Update.objects.filter(kind="note").order_by("number").values_list("body", flat=True)),
}))
"""


class Service(Target):
    """A chat server, and beside it at /restart the receiver that restarts it."""

    def __init__(self):
        super().__init__()
        self.calls = []

    def restarts(self):
        return [headers["webhook-id"] for method, path, headers, _ in self.asked if method == "POST"]


@pytest.fixture
def service():
    with Service() as made:
        made.paths["/restart"] = (202, {}, b"restarting")
        yield made


def start(whole, service, **more):
    whole.start(EGRESS_ALLOW="127.0.0.0/8")
    whole.watch(service.url, "Chat")
    wait_for(lambda: whole.status_of("Chat") == "operational", 60)
    whole.manage("shell", "-v0", "-c", ADD.format(url=f"{service.url}restart", more=more))


def told(whole):
    return json.loads(whole.manage("shell", "-v0", "-c", TELL).stdout)


def test_a_service_that_fails_is_restarted_and_the_receipt_says_that_it_helped(whole, service):
    start(whole, service, settle_s=1)
    service.answers = 503
    wait_for(service.restarts, 90)
    service.answers = 200  # it was restarted
    wait_for(lambda: whole.status_of("Chat") == "operational", 60)
    said = wait_for(lambda: (rows := told(whole)) and rows["acts"][0]["helped"] and rows, 60, 1)
    (act,) = said["acts"]
    assert act == {"key": service.restarts()[0], "state": "answered", "helped": "yes", "answer_status": 202}
    notes = "\n".join(said["notes"])
    for part in ("Calling recovery hook “Restart chat”", "responded with 202", "helped: Chat is no longer"):
        assert part in notes
    assert whole.json("/healthz")["checks"]["hooks:heartbeat"][0]["status"] == "pass"
    public = json.dumps(whole.incidents())
    assert "ecovery" not in public  # it was not announced


@only_long  # tests/incidents/hooks/test_crashes.py kills a process of its own
def test_the_message_worker_killed_during_a_call_repeats_nothing(whole, service):
    start(whole, service, deadline_s=5, settle_s=600)
    service.waits_s = 4  # slower than its probe has patience for, and than the worker lives
    wait_for(service.restarts, 90)
    worker = whole.child("post")
    worker.send_signal(signal.SIGKILL)
    wait_for(lambda: whole.is_back("post", worker), 30)
    said = wait_for(lambda: (rows := told(whole)) and rows["acts"][0]["state"] != "started" and rows, 90, 1)
    assert [act["state"] for act in said["acts"]] == ["interrupted"]
    assert "may or may not have been called" in said["notes"][-1]
    assert len(service.restarts()) == 1
