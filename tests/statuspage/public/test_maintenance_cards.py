"""Planned work on every surface: what is shown, what is counted, what programs read."""

import re
from datetime import timedelta

import feedparser
import pytest
from django.db import connection
from django.http import Http404
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from components.models import Component
from components.status import Status
from components.tasks import tally_days
from incidents import automation
from incidents.models import Incident, Maintenance, Post
from incidents.tallies import tally_excused
from statuspage.api import views as api_views
from statuspage.feeds import views as feed_views
from statuspage.public import kept_days, views
from tests.browser import Browser
from tests.incidents.test_maintenance import TWO_HOURS, plan, turn, worked_on
from tests.looking import faults, sticks_out
from tests.making import NOW, after, fell, found, group, rose, watched
from tests.statuspage.api.test_api import COMPONENT, INCIDENT, PAGE, UPDATE, body, holds
from tests.statuspage.feeds.test_entries import feed
from tests.statuspage.public.test_page_model import html, overview, rows

MAINTENANCE = {key: kind for key, kind in INCIDENT.items() if key != "reminder_intervals"} | {
    "scheduled_for": "time",
    "scheduled_until": "time",
}


def text_of(gather, now, **named):
    """The words of a page, without its markup."""
    shown = html(now, gather=gather, **named)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", shown.split("<main", 1)[1].split("</main>")[0]))


# What is shown


def test_under_work_a_component_is_shown_so_whatever_its_probes_say(db):
    probe, _ = worked_on()
    fell(probe, after(hours=1))
    shown = overview(after(hours=1, minutes=1))
    row = rows(shown)["API"]
    assert (row.status, row.label, row.by_hand) == (Status.UNDER_MAINTENANCE, "Maintenance", False)
    assert shown.banner.headline == "API is under maintenance"
    assert (shown.banner.line, shown.banner.line_at) == ("Planned until", after(hours=2))
    (sent,) = body("components", after(hours=1, minutes=1))["components"]
    assert sent["status"] == "under_maintenance"
    assert body("status", after(hours=1, minutes=1))["status"]["indicator"] == "maintenance"
    assert Component.objects.get().status == "major_outage"  # the log keeps what the probes said


def test_trouble_set_by_hand_is_not_covered_by_a_plan(db):
    worked_on()
    Component.objects.get().say_by_hand(Status.PARTIAL_OUTAGE, after(minutes=5))
    assert rows(overview(after(minutes=6)))["API"].status is Status.PARTIAL_OUTAGE


def test_an_incident_that_a_person_owns_is_not_covered_by_a_plan(db):
    probe = watched()
    one = plan(probe.component, starts=NOW, now=after(days=-1))
    fell(probe, after(minutes=-20))
    turn(one, NOW)
    found(probe, "down", NOW)
    assert rows(overview(after(minutes=1)))["API"].status is Status.UNDER_MAINTENANCE
    assert overview(after(minutes=1)).head.state.status is Status.DEGRADED_PERFORMANCE  # not greener
    Incident.objects.get().post(Post("We see it.", phase="identified"), now=after(minutes=2))
    found(probe, "down", after(minutes=2))
    assert rows(overview(after(minutes=3)))["API"].status is Status.MAJOR_OUTAGE


def test_once_all_is_stale_nobody_knows_how_the_work_goes(db):
    worked_on()
    assert rows(overview(after(minutes=30)))["API"].status is Status.UNKNOWN


def test_what_is_to_come_never_takes_the_banner(db):
    probe = watched()
    plan(probe.component, now=after(days=-1))
    found(probe, "up", NOW)
    shown = overview(after(seconds=5))
    assert shown.banner.headline == "All systems are operational"
    assert [work.title for work in shown.planned] == ["Database upgrade"]
    assert shown.active == ()
    assert "Planned maintenance" in text_of(views.overview.gather, after(seconds=5))


def test_work_under_way_takes_the_banner_only_if_nothing_is_wrong(db):
    _, one = worked_on()
    other = watched("Search")
    fell(other, after(minutes=-1))
    shown = overview(after(minutes=1))
    assert shown.banner.headline == "Search is down"
    assert [work.title for work in shown.active] == [one.title]
    words = text_of(views.overview.gather, after(minutes=1))
    assert "In progress" in words
    assert "We upgrade the database." in words


def test_a_long_series_does_not_fill_the_front_page(db):
    plan(watched().component, rule="FREQ=DAILY")
    assert len(overview(NOW).planned) == 5
    assert (
        text_of(views.maintenances.gather, NOW).count("Database upgrade") == 34
    )  # those of the next 35 days


def test_overrunning_is_said_everywhere(db):
    probe = watched()
    one = plan(probe.component, starts=NOW, now=after(days=-1), ends_by_itself=False)
    turn(one, NOW)
    turn(one, after(hours=2))
    now = after(hours=2, minutes=35)
    found(probe, "up", now)
    assert overview(now).banner.line == "It is taking longer than planned: it was due to end by"
    assert "taking longer than planned" in text_of(views.overview.gather, now)
    detail = text_of(views.maintenance.gather, now, public_id=one.public_id)
    assert "taking longer than planned" in detail
    automation.complete_maintenance(one, after(hours=3))
    detail = text_of(views.maintenance.gather, after(hours=4), public_id=one.public_id)
    assert "after 3 h, 1 h longer than planned" in detail


def test_the_list_says_what_is_under_way_what_comes_and_what_was(db):
    assert "No maintenance is planned." in text_of(views.maintenances.gather, NOW)
    _, one = worked_on()
    plan(title="Next week")
    plan(title="Called off").cancel(NOW)
    words = text_of(views.maintenances.gather, after(minutes=1))
    order = [
        words.index(part) for part in ("In progress", one.title, "Planned", "Next week", "Past", "Called off")
    ]
    assert order == sorted(order)


def test_a_changed_plan_shows_every_version_and_which_do_not_count(db):
    _, one = worked_on()
    one.replan(after(hours=1), starts_at=NOW, ends_at=after(hours=5))
    words = text_of(views.maintenance.gather, after(hours=1, minutes=1), public_id=one.public_id)
    assert "Announced 11 Nov, 08:00 UTC : 12 Nov, 08:00 UTC – 10:00 UTC" in words
    assert "Changed 12 Nov, 09:00 UTC : 12 Nov, 08:00 UTC – 13:00 UTC" in words
    assert words.count("this doesn't affect uptime") == 1
    assert "uptime figure 12 Nov, 08:00 UTC – 10:00 UTC" in words


def test_a_plan_that_stayed_as_it_was_shows_no_versions(db):
    _, one = worked_on()
    words = text_of(views.maintenance.gather, after(minutes=1), public_id=one.public_id)
    assert "Changes to the plan" not in words


def test_announced_in_the_middle_of_it_the_page_says_that_nothing_is_left_out(db):
    one = plan(watched().component, starts=after(hours=-1), ends=after(hours=1))
    turn(one, after(seconds=1))
    words = text_of(views.maintenance.gather, after(minutes=1), public_id=one.public_id)
    assert "Nothing none of it was announced before it began" in words
    assert "this doesn't affect uptime" in words


def test_an_address_that_names_no_maintenance_is_not_found(db):
    with pytest.raises(Http404):
        views.maintenance.gather(NOW, public_id="bcdfghjklmnp")


def test_its_component_lists_it(db):
    worked_on()
    plan(watched("Search").component, title="Elsewhere")
    words = text_of(
        views.component.gather, after(minutes=1), public_id=Component.objects.get(name="API").public_id
    )
    assert "Database upgrade" in words
    assert "Elsewhere" not in words


def test_hidden_components_are_not_named(db):
    one = plan(watched("Secret", shown=False).component, watched("API").component)
    for gather, named in (
        (views.overview.gather, {}),
        (views.maintenances.gather, {}),
        (views.maintenance.gather, {"public_id": one.public_id}),
        (api_views.scheduled.gather, {}),
        (feed_views.page_calendar.gather, {}),
    ):
        text = html(NOW, gather=gather, **named)
        assert "API" in text
        assert "Secret" not in text


def test_script_in_a_plan_is_shown_not_run(db):
    one = plan(watched().component, title="<script>alert(1)</script>")
    one.post("<img src=x onerror=alert(1)> **bold**", NOW)
    text = html(NOW, gather=views.maintenance.gather, public_id=one.public_id)
    assert "<script>alert" not in text
    assert "<img" not in text
    assert "<strong>bold</strong>" in text


# What is counted


def worked_through(now=None):
    """Down for half an hour of a window of two hours, and counted."""
    now = now or after(hours=3)
    probe, one = worked_on()
    fell(probe, after(hours=1))
    rose(probe, after(hours=1, minutes=30))
    found(probe, "up", now)
    turn(one, after(hours=2))
    tally_days(now)
    tally_excused(now)
    return probe, one


@pytest.mark.parametrize("later", [timedelta(hours=3), timedelta(days=1, hours=3)])
def test_two_figures_stand_side_by_side_today_and_tomorrow(db, later):
    probe, _ = worked_through(NOW + later)
    figure = rows(overview(NOW + later))["API"].uptime
    assert figure.percent in ("87.50 %", "98.21 %")  # of 4 h, of 28 h
    assert (figure.outside, figure.differs, figure.down) == ("100.00 %", True, "30 min down")
    named = {"public_id": probe.component.public_id}
    assert "100.00 % outside announced maintenance" in text_of(views.component.gather, NOW + later, **named)
    assert "100.00 % outside announced maintenance" in text_of(views.history_page.gather, NOW + later)


def test_without_maintenance_one_figure_is_enough(db):
    probe = watched()
    found(probe, "up", after(hours=-1))
    found(probe, "up", NOW)
    assert not rows(overview(NOW))["API"].uptime.differs
    assert "outside announced maintenance" not in text_of(views.history_page.gather, NOW)


def test_a_day_of_announced_work_is_blue_though_it_was_down_within(db):
    _, one = worked_through()
    day = rows(overview(after(hours=3)))["API"].days[-1]
    assert day.status is Status.UNDER_MAINTENANCE
    assert day.label == "Thu 12 November: maintenance, 30 min down during it"
    assert [outage.incident_title for outage in day.outages] == [one.title]


def test_a_day_of_work_without_trouble_is_blue_announced_or_not(db):
    probe = watched()
    found(probe, "up", after(hours=-2))
    one = plan(probe.component, starts=after(hours=-1), ends=after(hours=1))
    turn(one, after(seconds=1))
    found(probe, "up", after(hours=1))
    turn(one, after(hours=1))
    day = rows(overview(after(hours=1)))["API"].days[-1]
    assert day.status is Status.UNDER_MAINTENANCE


def test_an_outage_outside_is_worse_than_blue(db):
    probe, _ = worked_through()
    fell(probe, after(hours=4))
    day = rows(overview(after(hours=4, minutes=1)))["API"].days[-1]
    assert day.status is Status.MAJOR_OUTAGE


def test_an_outage_in_a_window_announced_too_late_is_not_covered(db):
    probe = watched()
    found(probe, "up", after(hours=-3))
    fell(probe, after(hours=-1))
    one = plan(probe.component, starts=after(hours=-1), ends=after(hours=1))
    turn(one, after(seconds=1))
    rose(probe, after(minutes=30))
    turn(one, after(hours=1))
    found(probe, "up", after(hours=1))
    row = rows(overview(after(hours=1)))["API"]
    assert row.days[-1].status is Status.MAJOR_OUTAGE
    assert not row.uptime.differs


def test_the_calendar_shows_days_of_work_blue_and_planned_ones_dashed(db):
    worked_through()
    plan(Component.objects.get(), starts=after(days=4), now=after(hours=1), title="Next one")
    shown = html(after(hours=3), gather=views.history_page.gather)
    assert "12 November: maintenance" in shown
    assert "16 November, planned maintenance, Next one" in shown
    (cell,) = re.findall(r"(?s)<td[^>]*>(?:(?!</td>).)*16 November(?:(?!</td>).)*</td>", shown)
    assert "data-planned" in cell
    assert 'data-status="operational"' not in cell


def test_how_we_count_tells_the_weights_that_are_used(db):
    words = text_of(views.how_we_count.gather, NOW)
    for part in ("Major outage 1", "Partial outage 0.3", "Degraded 0", "before it began", "never round up"):
        assert part in words
    for gather in (views.history_page.gather, views.overview.gather):
        assert "/how-we-count" in html(NOW, gather=gather)


# What programs read


def test_every_maintenance_key_for_key(db):
    worked_on()
    plan(Component.objects.get(), title="Next")
    now = after(minutes=1)
    summary = body("summary", now)["scheduled_maintenances"]
    assert [row["status"] for row in summary] == ["in_progress", "scheduled"]
    for row in summary:
        holds(row, MAINTENANCE)
        assert row["impact"] == "maintenance"
        for update in row["incident_updates"]:
            holds(update, UPDATE)
        for component in row["components"]:
            holds(component, COMPONENT)
    assert (summary[0]["scheduled_for"], summary[0]["scheduled_until"]) == (
        "2026-11-12T08:00:00.000Z", "2026-11-12T10:00:00.000Z")  # fmt: skip
    assert [update["status"] for update in summary[0]["incident_updates"]] == ["in_progress", "scheduled"]
    assert body("incidents", now)["incidents"] == []


def test_each_list_holds_what_its_name_says(db):
    probe, done = worked_on()
    turn(done, after(hours=2))
    active = plan(probe.component, starts=after(hours=3), title="Active")
    plan(title="Later", starts=after(days=3))
    plan(title="Sooner", starts=after(days=2))
    off = plan(title="Off")
    off.cancel(after(hours=1))
    turn(active, after(hours=3))
    now = after(hours=3, minutes=1)

    def names(which):
        sent = body(which, now)
        holds(sent["page"], PAGE)
        assert list(sent) == ["page", "scheduled_maintenances"]
        return [row["name"] for row in sent["scheduled_maintenances"]]

    assert names("upcoming") == ["Sooner", "Later"]
    assert names("active") == ["Active"]
    assert set(names("scheduled")) == {"Active", "Later", "Sooner", "Off", "Database upgrade"}
    rows = {row["name"]: row for row in body("scheduled", now)["scheduled_maintenances"]}
    assert (rows["Off"]["status"], rows["Off"]["cancelled"]) == ("completed", True)
    assert rows["Off"]["resolved_at"] == "2026-11-12T09:00:00.000Z"
    assert rows["Database upgrade"]["resolved_at"] == "2026-11-12T10:00:00.000Z"


@pytest.mark.parametrize("kind", ["atom", "rss"])
def test_feeds_tell_of_it_from_the_first_word_on_in_one_entry(db, kind):
    probe = watched()
    fell(probe, after(days=-2))
    one = plan(probe.component, starts=after(days=1), ends=after(days=1, hours=20), now=after(days=-1))
    found(probe, "up", NOW)
    before = feedparser.parse(feed(kind, NOW))
    assert not before.bozo
    assert [entry.title for entry in before.entries] == [one.title, "API is returning errors"]
    words = before.entries[0].content[0].value if kind == "atom" else before.entries[0].description
    assert words.startswith("<p><strong>THIS IS A SCHEDULED EVENT Nov <var>13</var>, <var>08:00</var> - Nov ")
    assert "<strong>Scheduled</strong> - We upgrade the database." in words
    turn(one, after(days=1))
    later = feedparser.parse(feed(kind, after(days=1)))
    assert later.entries[0].id == before.entries[0].id
    words = later.entries[0].content[0].value if kind == "atom" else later.entries[0].description
    assert "SCHEDULED EVENT" not in words
    assert words.index("In progress") < words.index("Scheduled")


def test_a_maintenance_and_an_incident_of_one_number_are_two_entries(db):
    fell(watched())
    plan()
    ids = [entry.id for entry in feedparser.parse(feed("atom", after(minutes=1))).entries]
    assert len(ids) == len(set(ids)) == 2
    assert sorted(one.split(":")[-1].split("/")[0] for one in ids) == ["Incident", "Maintenance"]


def test_a_daily_series_does_not_push_incidents_out_of_the_feed(db):
    fell(watched())
    plan(rule="FREQ=DAILY")
    titles = [entry.title for entry in feedparser.parse(feed("rss", after(minutes=1))).entries]
    assert titles.count("Database upgrade") == 5
    assert "API is returning errors" in titles


def test_the_number_of_queries_does_not_grow_with_maintenances(db):
    probe = watched()
    found(probe, "up", NOW)
    counts = {}
    for size in (2, 50):
        for n in range(Maintenance.objects.count(), size):
            start = after(days=n - 25)
            one = plan(probe.component, starts=start, now=after(days=-80), title=f"Work {n}")
            if n % 2:
                turn(one, start)
        ids = {"component": probe.component.public_id, "maintenance": one.public_id}
        pages = {name: getattr(views, name) for name in (*ids, "overview", "maintenances", "history_page")}
        pages |= {"api summary": api_views.summary, "api scheduled": api_views.scheduled}
        for name, view in pages.items():
            named = {"public_id": ids[name]} if name in ids else {}
            kept_days.clear()
            with CaptureQueriesContext(connection) as asked:
                html(NOW, gather=view.gather, **named)
            counts.setdefault(name, []).append(len(asked))
    for name, (few, many) in counts.items():
        assert few == many <= 16, name


def test_what_begins_or_ends_is_rendered_at_once(db):
    _, one = worked_on()
    assert {"/maintenance", "/maintenance.ics", one.get_absolute_url()} <= set(views.eager_paths())


# In a real browser


def at_work():
    """One under way, one extended and over, one to come, as of now."""
    now = timezone.now()
    before, start = now - timedelta(days=2), now - timedelta(hours=1)
    ours = group()
    names = ("Web app", "API", "Search")
    probes = [watched(name, group=ours, position=n) for n, name in enumerate(names, start=1)]
    for probe in probes:
        found(probe, "up", now - timedelta(days=3))
    web_app, api, search = (probe.component for probe in probes)
    over = plan(web_app, starts=before, now=now - timedelta(days=4), title="New disks")
    turn(over, before)
    end = before + timedelta(hours=4)
    over.replan(before + timedelta(hours=1), starts_at=before, ends_at=end)
    fell(probes[0], before + timedelta(minutes=30))
    rose(probes[0], before + timedelta(minutes=90))
    turn(over, end)
    active = plan(api, starts=start, ends=start + TWO_HOURS, now=now - timedelta(days=1))
    turn(active, start)
    title = "A title quite a bit longer than anybody would wish for, with averyveryverylongword"
    plan(search, api, starts=now + timedelta(days=2), now=now, title=title)
    for probe in probes:
        found(probe, "up", now - timedelta(seconds=30))
    tally_days(now)
    tally_excused(now)
    return probes, active, over


def addresses(probes, active, over):
    return {
        "overview": "/",
        "list": "/maintenance",
        "under way": active.get_absolute_url(),
        "over": over.get_absolute_url(),
        "component": f"/components/{probes[0].component.public_id}",
    }


def test_the_pages_of_planned_work_shut_nobody_out(web, browser: Browser):
    told = addresses(*at_work())
    web.catch_up()
    shown, wrong = browser.open(web.url, width=390, scheme="dark"), []
    for name, path in told.items():
        shown.goto(web.url + path)
        wrong += [f"{name}: {fault}" for fault in faults(shown)]
        for width in (390, 1280):
            shown.set_viewport_size({"width": width, "height": 900})
            if sticks_out(shown):
                wrong.append(f"{name} {width} scrolls sideways")
    assert wrong == [], "\n".join(wrong)


def test_work_that_begins_appears_without_a_reload(web, browser: Browser):
    probe = watched()
    found(probe, "up", timezone.now() - timedelta(seconds=20))
    now = timezone.now()
    one = plan(probe.component, starts=now + timedelta(hours=1), now=now)
    web.catch_up()
    shown = browser.open(web.url)
    shown.get_by_role("heading", level=1, name="All systems are operational").wait_for()
    one.begin(timezone.now())
    shown.get_by_role("heading", level=1, name="API is under maintenance").wait_for(timeout=12_000)
    assert "In progress" in shown.inner_text("#active")
    assert shown.title() == "Maintenance: Widgetify"
    automation.complete_maintenance(one, timezone.now())
    shown.get_by_role("heading", level=1, name="All systems are operational").wait_for(timeout=12_000)
    assert shown.inner_text("#active").strip() == ""
