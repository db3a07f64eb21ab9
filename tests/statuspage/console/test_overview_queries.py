"""The console's overview costs the same number of queries however much it shows."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from benchmarks.filling import add_incidents, fill
from components import identity
from components.models import Component, Heartbeat, HourTally, Probe
from incidents.models import Act, Incident
from statuspage.models import Role
from subscribers.models import Subscriber
from tests.incidents.hooks.making import hook as recovery_hook
from tests.making import fell, watched
from tests.people import person
from tests.subscribers.making import webhook

pytestmark = [pytest.mark.data, pytest.mark.django_db]
MAX_QUERIES = 12
PAGES = ("/console/", "/console/?part=live")


def queries(client, path):
    client.get(path)  # once for what a process reads only once
    identity.forget()  # read at most every two seconds: here each time
    with CaptureQueriesContext(connection) as asked:
        answer = client.get(path)
    assert answer.status_code == 200
    return len(asked)


@pytest.mark.parametrize("incidents", [0, 50])
@pytest.mark.parametrize("path", PAGES)
def test_as_many_at_every_size_and_for_every_role(client, incidents, path):
    counts = set()
    for size in (10, 100, 500):
        Component.objects.all().delete()
        Incident.objects.all().delete()
        fill(size)
        if incidents:
            add_incidents(incidents)
        for role in Role:
            client.force_login(person(f"{role.name}-{size}", role))
            counts.add(queries(client, path))
    assert len(counts) == 1
    assert max(counts) <= MAX_QUERIES


def test_not_more_when_everything_has_something_to_say(client):
    now = timezone.now()
    for place in range(8):
        fell(watched(f"Staffed {place}", auto="off", position=place), now - timedelta(minutes=place + 5))
    never = watched("New", auto="off")
    Probe.objects.filter(pk=never.pk).update(outcome="down", passed_at=None)
    probe = watched("Automatic")
    fell(probe, now - timedelta(minutes=3))
    hook = recovery_hook(probe.component, "http://127.0.0.1:9/restart", needs_approval=True)
    Act.objects.create(hook=hook, hook_name=hook.name, action=hook.action, target=hook.target, created_at=now,
                       component=probe.component, incident=Incident.objects.get())  # fmt: skip
    for number in range(3):
        webhook(f"http://127.0.0.{number + 1}:9/")
    Subscriber.objects.update(failing_since=now, next_at=now)
    Heartbeat.objects.beat("self_test", "since", now)
    HourTally.objects.create(component=probe.component, hour=now, latency={"40": 2})
    client.force_login(person("ada", Role.VIEWER))
    for path in PAGES:
        assert queries(client, path) <= MAX_QUERIES
