"""Planned work in people's own calendars: events that move, change and are struck out, never twice."""

import re
from datetime import timedelta

import pytest
from django.http import Http404
from icalendar import Calendar

from components.texts import one_line
from incidents import automation
from incidents.models import Maintenance
from statuspage.public import views
from tests.incidents.test_maintenance import plan, turn
from tests.making import NOW, after, found, group, watched
from tests.statuspage.test_feeds import read
from tests.statuspage.test_page import html


def raw(path="/maintenance.ics", now=NOW):
    return read(path, now)


def events(path="/maintenance.ics"):
    """As a calendar program reads them, by UID."""
    body = raw(path)
    assert body.endswith(b"END:VCALENDAR\r\n")
    assert all(len(line) <= 75 for line in body.split(b"\r\n"))
    found = Calendar.from_ical(body)
    assert found.errors == []
    by_uid = {str(event["UID"]): event for event in found.events}
    assert len(by_uid) == len(found.events), "nothing appears twice"
    return by_uid


def event(one, path="/maintenance.ics"):
    return events(path)[f"{one.public_id}@status.widgetify.example"]


def saved_at(one, at):
    """As if the wall clock had been there."""
    Maintenance.objects.filter(pk=one.pk).update(updated_at=at)


def test_a_program_takes_it_for_a_calendar_that_is_published(db):
    plan(watched().component)
    made = Calendar.from_ical(raw())
    assert {name: str(made[name]) for name in ("VERSION", "METHOD", "CALSCALE", "NAME", "X-WR-CALNAME")} == {
        "VERSION": "2.0", "METHOD": "PUBLISH", "CALSCALE": "GREGORIAN",
        "NAME": "Widgetify: maintenance", "X-WR-CALNAME": "Widgetify: maintenance",
    }  # fmt: skip
    assert b"REFRESH-INTERVAL;VALUE=DURATION:PT1H\r\n" in raw()
    assert raw() == raw(now=after(hours=1)), "the same bytes until something changes"


def test_an_event_has_all_it_needs(db):
    one = plan(watched().component, title="Upgrade; step 1, then 2 \\ done")
    saved_at(one, NOW)
    shown = event(one)
    assert (shown.start, shown.end) == (after(days=1), after(days=1, hours=2))
    assert shown["DTSTAMP"].dt == shown["LAST-MODIFIED"].dt == shown["CREATED"].dt == NOW
    assert re.search(rb"\r\nDTSTAMP:20261112T080000Z\r\n", raw())
    assert str(shown["SUMMARY"]) == "Upgrade; step 1, then 2 \\ done"
    assert str(shown["DESCRIPTION"]) == "We upgrade the database."
    assert str(shown["LOCATION"]) == "API"
    assert str(shown["URL"]) == f"https://status.widgetify.example{one.get_absolute_url()}"
    assert (shown["SEQUENCE"], shown["STATUS"], shown["TRANSP"]) == (0, "CONFIRMED", "TRANSPARENT")


def test_a_moved_window_moves_in_peoples_calendars_and_a_cancelled_one_is_struck_out(db):
    one = plan(watched().component)
    told = []
    for n, change in enumerate(
        (
            lambda at: None,
            lambda at: one.replan(at, starts_at=after(days=2), ends_at=after(days=2, hours=1)),
            lambda at: one.replan(at, starts_at=one.starts_at, ends_at=one.ends_at, title="Other words"),
            lambda at: one.replan(at, starts_at=after(days=2), ends_at=after(days=2, hours=3)),
            one.cancel,
        )
    ):
        change(after(hours=n))
        saved_at(one, after(hours=n))
        told.append(event(one))
    assert [shown["SEQUENCE"] for shown in told] == [0, 1, 1, 2, 3]
    assert [shown["STATUS"] for shown in told] == ["CONFIRMED"] * 4 + ["CANCELLED"]
    assert [shown["DTSTAMP"].dt for shown in told] == [after(hours=n) for n in range(5)]
    assert [shown["LAST-MODIFIED"].dt for shown in told] == [after(hours=n) for n in range(5)]
    assert [shown.start for shown in told] == [after(days=1)] + [after(days=2)] * 4
    assert [str(shown["SUMMARY"]) for shown in told] == ["Database upgrade"] * 2 + ["Other words"] * 2 + [
        "Cancelled: Other words"
    ]
    assert len({str(shown["UID"]) for shown in told}) == 1


def test_work_keeps_its_event_when_it_begins_and_ends(db):
    probe = watched()
    one = plan(probe.component)
    before = event(one)
    turn(one, after(days=1))
    one.replan(after(days=1, hours=1), starts_at=one.starts_at, ends_at=after(days=1, hours=4))
    longer = event(one)
    found(probe, "up", after(days=1, hours=4))
    turn(one, after(days=1, hours=4))
    assert one.state == "completed"
    over = event(one)
    assert (before["SEQUENCE"], longer["SEQUENCE"], over["SEQUENCE"]) == (0, 1, 1)
    assert longer.end == over.end == after(days=1, hours=4)
    assert before["STATUS"] == longer["STATUS"] == over["STATUS"] == "CONFIRMED"


def test_what_a_long_series_has_come_to_stays_in_the_calendar(db):
    component = watched().component
    one = plan(component, rule="FREQ=DAILY")
    plan(component, rule="FREQ=DAILY", starts=after(days=1, hours=12), title="Nightly")
    one.begin(after(days=1))
    automation.complete_maintenance(one, after(days=1, hours=1))
    assert Maintenance.objects.filter(state="scheduled").count() > 50
    assert event(one)["STATUS"] == "CONFIRMED"
    assert one.public_id in html(after(days=1, hours=2), gather=views.maintenances.gather)


def test_a_component_a_group_or_one_maintenance_has_a_calendar_alone(db):
    ours = group("Ours")
    api, web = watched("API", group=ours).component, watched("Web", group=ours).component
    mail = watched("Mail").component
    works = {component.name: plan(component, title=component.name) for component in (api, web, mail)}
    both = plan(api, web, title="Both", starts=after(days=2))
    shown = {
        "page": events(),
        "group": events(f"/groups/{ours.public_id}/maintenance.ics"),
        "component": events(f"/components/{api.public_id}/maintenance.ics"),
        "one": events(f"/maintenance/{both.public_id}.ics"),
    }
    assert {name: sorted(str(one["SUMMARY"]) for one in found.values()) for name, found in shown.items()} == {
        "page": ["API", "Both", "Mail", "Web"],
        "group": ["API", "Both", "Web"],
        "component": ["API", "Both"],
        "one": ["Both"],
    }
    names = Calendar.from_ical(raw(f"/groups/{ours.public_id}/maintenance.ics"))["NAME"]
    assert str(names) == "Widgetify: maintenance of Ours"
    works["API"].cancel(after(hours=1))
    assert event(works["API"], f"/components/{api.public_id}/maintenance.ics")["STATUS"] == "CANCELLED"
    with pytest.raises(Http404):
        raw("/maintenance/none.ics")


def test_an_empty_calendar_is_a_calendar(db):
    assert events() == {}


@pytest.mark.parametrize(
    "words",
    [
        "a\r\nEND:VEVENT\nBEGIN:VEVENT\rb", "\x00\x01\x0b\x1b", "]]> <b>&amp;", "x" * 250, "ü" * 250,
        "🚨" * 250, "a" + "語" * 249, "\u202eevil\u202c עברית", "\\n\\;\\,:;=\"'", "a\u2028b\x85c",
    ],
)  # fmt: skip
def test_no_word_can_break_out_of_its_line(db, words):
    one = plan(watched().component, title="Work")
    Maintenance.objects.filter(pk=one.pk).update(
        title=words.replace("\x00", ""), body=words.replace("\x00", "")
    )
    shown = event(one)
    assert str(shown["SUMMARY"]) == one_line(words)
    assert len(str(shown["SUMMARY"]).splitlines()) <= 1
    assert shown.end - shown.start == timedelta(hours=2)


def test_a_text_of_25_000_characters_arrives_whole(db):
    one = plan(watched().component)
    words = "Zeile 🚨 " * 3_125
    Maintenance.objects.filter(pk=one.pk).update(body=words)
    assert str(event(one)["DESCRIPTION"]) == words.strip()


def test_work_that_is_to_come_can_be_put_into_a_calendar_by_hand(db):
    one = plan(watched().component)
    link = f'<a href="{one.get_absolute_url()}.ics">Add to calendar</a>'
    assert link in html(NOW, gather=views.maintenance.gather, public_id=one.public_id)
    one.cancel(after(hours=1))
    assert link not in html(NOW, gather=views.maintenance.gather, public_id=one.public_id)
