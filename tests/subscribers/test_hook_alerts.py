"""Staff are alerted of what recovery hooks need from them, and hear what became of it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from incidents.hooks import asking
from incidents.models import Act, Brake, Hook
from statuspage.models import Role
from subscribers.alerts import book
from subscribers.alerts.owed import World
from subscribers.models import Alert, AlertDelivery
from tests.incidents.hooks.making import failing, hook
from tests.people import person
from tests.subscribers.test_alerts import channel, vitals

KINDS = ("hook_approval", "hook_disarmed", "hooks_brake")


@pytest.fixture
def ada(db):
    user = person("ada", Role.ADMIN)
    channel(user, "json://127.0.0.1:9/staff")
    return user


@pytest.fixture
def write(ada):
    """Looks at this moment with one memory; the alerts about hooks that are open afterwards."""
    made = book.Book()

    def look(now, *dead):
        made.write(World(now, vitals(*dead)))
        AlertDelivery.objects.update(state="sent")  # only who was told hears what became of it
        rows = Alert.objects.filter(closed_at=None, kind__in=KINDS)
        return list(rows.values_list("kind", "title"))

    return look


def sent():
    return [row.message["title"] for row in AlertDelivery.objects.order_by("id")]


def proposal(now):
    row = hook(failing(at=now).component, "http://127.0.0.1:9/restart", needs_approval=True)
    return Act.objects.create(
        hook=row, hook_name=row.name, action="restart", target=row.target, component=row.component,
        incident=row.component.affected.get().incident, created_at=now,
    )  # fmt: skip


@pytest.mark.parametrize(("decide", "word"), [(asking.approve, "Approved"), (asking.refuse, "Refused")])
def test_a_proposal_asks_and_says_who_decided(write, ada, decide, word):
    now = timezone.now()
    act = proposal(now)
    assert write(now) == [("hook_approval", "Approve? Recovery hook “Restart chat” for Chat")]
    decide(act, now, author=ada)
    assert write(now + timedelta(seconds=5)) == []
    assert f"{word} by ada: recovery hook “Restart chat”" in sent()


def test_a_hook_that_disarmed_itself_asks_for_a_person_and_one_that_staff_disarmed_does_not(write):
    now = timezone.now()
    row = hook(failing(at=now).component, "http://127.0.0.1:9/restart")
    row.disarm()
    assert write(now) == []
    row.disarm("The last 3 calls did not help.")
    assert write(now) == [("hook_disarmed", "Recovery hook “Restart chat” of Chat is disarmed.")]
    row.arm()
    assert write(now + timedelta(seconds=5)) == []


def test_the_brake_is_one_alert_and_says_when_it_is_released(write):
    now = timezone.now()
    for number in range(3):
        hook(failing(f"Part {number}", now).component, f"http://127.0.0.1:9/{number}")
    brake = Brake.objects.engage(5, now)
    assert not Hook.objects.filter(is_armed=True).exists()
    assert [kind for kind, _ in write(now)] == ["hooks_brake"]
    brake.release(now, by="ada")
    assert write(now + timedelta(seconds=5)) == []
    assert sent()[-1] == "The brake of the recovery hooks was released."


def test_a_silent_runner_is_an_alert_and_none_beside_a_dead_message_worker(write, ada):
    now = timezone.now()
    for dead, title in (
        (("hooks:heartbeat",), "Recovery hooks are not being called."),
        (("hooks:heartbeat", "deliveries:heartbeat"), "The message worker is not running."),
    ):
        Alert.objects.all().delete()
        for seconds in (0, 31):
            write(now + timedelta(seconds=seconds), *dead)
        assert list(Alert.objects.filter(kind="part").values_list("title", flat=True)) == [title]
