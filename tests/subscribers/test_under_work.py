"""Planned work that begins or ends is a change of its components, for whoever follows those."""

from datetime import timedelta

import pytest

from components.models import Component
from components.status import Status
from incidents import automation
from incidents.models import Incident, Maintenance, Notice, NoticeKind
from subscribers.delivery import fan_out, webhook_payload
from subscribers.models import Sorter
from tests.making import NOW, after, fell, found, watched
from tests.subscribers.making import webhook

UNDER = Status.UNDER_MAINTENANCE.value


@pytest.fixture
def chat(db):
    webhook("https://example.org/hook", wants_component=True)
    fan_out.note_changes(NOW)
    probe = watched("Chat")
    found(probe, "up", NOW)
    return Component.objects.get(pk=probe.component_id)


def planned(*components, hours=2):
    begin = after(hours=1)
    return Maintenance.objects.plan(
        "Upgrade", "We upgrade.", begin, begin + timedelta(hours=hours), components=components, now=NOW
    )


def changes():
    return [tuple(one.change) for one in Notice.objects.filter(kind=NoticeKind.COMPONENT).order_by("id")]


def test_beginning_and_end_are_told_and_dated(chat):
    work = planned(chat)
    work.begin(after(hours=1))
    assert changes() == [("operational", UNDER)]
    chat.refresh_from_db()
    assert chat.updated_at == after(hours=1)
    automation.complete_maintenance(work, after(hours=2))
    assert changes()[1:] == [(UNDER, "operational")]
    chat.refresh_from_db()
    assert chat.updated_at == after(hours=2)


def test_what_probes_see_meanwhile_is_told_at_the_end(chat):
    work = planned(chat)
    work.begin(after(hours=1))
    fell(chat.probes.get(), after(hours=1, minutes=5))
    fan_out.note_changes(after(hours=1, minutes=6))
    assert changes() == [("operational", UNDER)]
    automation.complete_maintenance(work, after(hours=2))
    assert changes()[1:] == [(UNDER, "major_outage")]


def test_two_works_on_one_component_are_one_change(chat):
    first, second = planned(chat), planned(chat, hours=4)
    for work in (first, second):
        work.begin(after(hours=1))
    automation.complete_maintenance(first, after(hours=2))
    assert changes() == [("operational", UNDER)]
    automation.complete_maintenance(second, after(hours=3))
    assert changes()[1:] == [(UNDER, "operational")]


@pytest.mark.parametrize(
    "change", [{"is_shown": False}, {"manual_status": "partial_outage", "status": "partial_outage"}]
)
def test_what_is_hidden_or_set_by_hand_changes_nothing(chat, change):
    Component.objects.filter(pk=chat.pk).update(**change)
    work = planned(chat)
    work.begin(after(hours=1))
    automation.complete_maintenance(work, after(hours=2))
    assert changes() == []


def test_a_webhook_tells_the_status_that_the_page_shows(chat):
    work = planned(chat)
    work.begin(after(hours=1))
    body = webhook_payload.maintenance(work, list(work.updates.order_by("-number")), [chat], "page")
    assert [row["status"] for row in body["components"]] == [UNDER]
    assert Sorter.objects.exists()


def test_a_back_filled_incident_is_created_when_it_began(db):
    chat = watched("Chat").component
    one = Incident.objects.record(
        "Chat was slow", "It was slow.", started_at=after(hours=-9), ended_at=after(hours=-8), now=NOW,
        statuses={chat: Status.DEGRADED_PERFORMANCE},
    )  # fmt: skip
    body = webhook_payload.incident(one, list(one.updates.all()), [chat], [chat.public_id], "page")
    assert body["backfilled"] is True
    assert body["created_at"] == body["started_at"] < body["resolved_at"]
    live = Incident.objects.open("Chat is slow", "We look.", components=[chat], now=NOW)
    assert (live.is_backfilled, live.told_from) == (False, NOW)
