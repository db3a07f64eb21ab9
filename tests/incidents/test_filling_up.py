"""A chat server whose connections leak: seen before it is full, by its trend, then by its limits."""

import asyncio

import pytest

from components import egress, probers
from components.checking import CheckRequest, Finding
from components.models import Component, Probe
from components.status import Status
from incidents.models import Incident
from incidents.past_values import with_past
from incidents.tasks import settle
from tests.making import after, watched

pytestmark = [pytest.mark.data, pytest.mark.django_db]
OPTIONS = {
    "value": "connections_used", "divided_by": "connections_max", "full_at": "1", "warn_minutes": "20",
    "limits": "degraded above 0.8, down above 0.98",
}  # fmt: skip


def look(probe, at):
    """One slot, as the worker does it: claimed, given its past, checked over a socket, settled."""
    second = int(at.timestamp())
    Probe.objects.filter(pk=probe.pk).update(next_slot=second, claimed_slot=None)
    Probe.objects.filter(pk=probe.pk, heard_s__lt=second - 1).update(heard_s=second - 1)
    (claim,) = Probe.objects.claim_due(second)
    (begun,) = Probe.objects.begin([claim])
    (request,) = with_past([CheckRequest(claim, begun.kind, begun.order(), 5.0)], {begun.pk: begun})
    way = egress.through(egress.Door.PROBES)
    reading = asyncio.run(probers.check(request.kind, request.order, deadline_s=5.0, egress=way))
    settle([Finding(claim, reading, at, 0)], at)
    return reading


def test_a_leak_is_degraded_by_its_trend_then_by_its_limit_then_down(target):
    probe = watched("Chat", kind="numbers", target=target.url, options=OPTIONS)
    seen, used = [], 500
    for minute in range(40):
        target.says = f"connections_used {used}\nconnections_max 1000\n".encode()
        reading = look(probe, after(minutes=minute))
        status = Component.objects.get(pk=probe.component_id).status
        if not seen or seen[-1][1] != status:
            seen.append((used, status, reading.degraded or reading.detail, Incident.objects.count()))
        used = min(1000, used + 12 + 5 * (minute % 3))
    statuses = [status for _, status, _, _ in seen]
    assert statuses == [Status.OPERATIONAL, Status.DEGRADED_PERFORMANCE, Status.MAJOR_OUTAGE]
    (_, trend, full) = seen
    assert trend[0] < 800  # before its limit
    assert "will reach 1 in about" in trend[2]
    assert trend[3] == 0  # no incident while it still works
    assert "above the limit of 0.98" in full[2]
    assert (full[3], Incident.objects.get().title) == (1, "Chat is not working normally")


def test_one_that_is_busy_but_steady_stays_operational(target):
    probe = watched("Chat", kind="numbers", target=target.url, options=OPTIONS)
    for minute in range(40):
        used = 700 + (minute * 37) % 90  # up and down between 700 and 789
        target.says = f"connections_used {used}\nconnections_max 1000\n".encode()
        assert look(probe, after(minutes=minute)).degraded == ""
    assert Component.objects.get(pk=probe.component_id).status == Status.OPERATIONAL
