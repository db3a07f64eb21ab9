"""What the page says, and how many questions it asks the database for it."""

from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import Q
from django.test.utils import CaptureQueriesContext

from components.models import Component, DayTally, Page, Probe, StatusSpan
from components.status import Status
from components.tasks import tally_days, tally_hours, tally_latency
from incidents import automation
from incidents.models import Incident, Post
from incidents.tasks import fall_silent
from statuspage.api import views as api_views
from statuspage.public import kept_days, page_model, views
from statuspage.public.values.frame import Step
from statuspage.public.world import gather_world, latencies
from tests.making import NOW, after, fell, found, group, rose, watched


def overview(now=NOW, at=None):
    seen = gather_world(now)
    return page_model.overview(seen, latencies(page_model.wanted_latencies(seen.components), now), at or now)


def html(now=NOW, at=None, gather=views.overview.gather, **named):
    return gather(now, **named).render(at or now).decode()


def rows(shown):
    return {row.name: row for card in shown.groups for row in card.rows}


def test_before_the_first_result_it_is_checking_and_never_green(db):
    watched("API")
    shown = overview()
    assert shown.banner.headline == "Checking…"
    assert shown.head.state.status is Status.UNKNOWN
    text = html()
    assert "Checking…" in text
    assert 'data-status="operational"' not in text.split("</svg>", 1)[1].split("legend")[0].split("themes")[0]


def test_each_age_of_the_page_is_counted_as_if_it_were_the_only_one(db):
    """One world is judged at several moments; what it keeps from one must not show at another."""
    for number, (outcome, ago_s, interval_s) in enumerate(
        (("up", 0, 60), ("down", 100, 60), ("up", 200, 600), ("down", 290, 60), ("up", 1000, 3600))
    ):
        found(watched(f"C{number}", interval_s=interval_s, confirm_down=1), outcome, after(seconds=-ago_s))
    watched("Never checked")
    seen = gather_world(NOW)
    for seconds in (0, 5, 20, 130, 250, 301, 400, 2000, 9000, 20, 0):
        moment = after(seconds=seconds)
        assert page_model.freshness(seen, moment) == page_model.freshness(gather_world(NOW), moment)


def test_with_nothing_to_watch_it_is_being_set_up(db):
    assert overview().banner.headline == "This page is being set up"
    assert "This page is being set up" in html()


def test_all_well(db):
    found(watched("API"), "up", NOW)
    shown = overview(after(seconds=5))
    assert shown.banner.headline == "All systems are operational"
    assert rows(shown)["API"].label == "Operational"


@pytest.mark.parametrize(
    ("down_status", "headline"),
    [
        ("major_outage", "API is down"),
        ("partial_outage", "API partly works"),
        ("degraded_performance", "API is slow"),
    ],
)
def test_an_outage_is_named_in_the_first_line(db, down_status, headline):
    found(watched("Search", position=2), "up", NOW)
    fell(watched("API", down_status=down_status))
    shown = overview(after(minutes=1))
    assert (shown.banner.headline, shown.banner.facts[0].label) == (headline, "Started")
    assert next(card.name for card in shown.groups) == "Affected now"


def test_when_all_of_it_is_down_the_whole_is_named(db):
    for name in ("Web app", "API"):
        fell(watched(name))
    assert overview(after(minutes=1)).banner.headline == "Widgetify is down"


def test_past_the_limits_it_is_late_then_stale_and_grey(db):
    found(watched("API", interval_s=60), "up", NOW)
    seen = gather_world(after(seconds=1))
    steps = [page_model.freshness(seen, after(seconds=s)).step for s in (1, 119, 121, 299, 301)]
    assert steps == [Step.CURRENT, Step.CURRENT, Step.LATE, Step.LATE, Step.STALE]
    stale = page_model.overview(seen, {}, after(minutes=6))
    assert stale.banner.headline == "We don’t currently know the status"
    assert stale.head.state.status is Status.UNKNOWN
    row = rows(stale)["API"]
    assert (row.status, row.was) == (Status.UNKNOWN, "operational")
    assert row.days[-1].status is None


def test_a_status_set_by_hand_does_not_go_stale(db):
    probe = watched("API")
    found(probe, "up", NOW)
    Component.objects.update(manual_status=Status.MAJOR_OUTAGE)
    Component.objects.get().refresh(NOW)
    assert rows(overview(after(seconds=1), at=after(minutes=10)))["API"].status is Status.MAJOR_OUTAGE


def test_a_suggestion_is_not_for_strangers(db):
    fell(watched("API", auto="suggest"))
    incident = Incident.objects.get()
    assert incident.title not in html(after(minutes=1))
    answer_names = html(after(minutes=1), gather=views.history_page.gather)
    assert incident.title not in answer_names


def test_notes_and_proposals_are_not_for_strangers(db):
    probe = watched("API")
    fell(probe)
    incident = Incident.objects.get()
    incident.post(Post("We look.", phase="identified"), now=after(minutes=1))
    rose(probe, after(minutes=2))
    automation.advance(after(minutes=13))
    text = html(after(minutes=14), gather=views.incident.gather, public_id=incident.public_id)
    assert "We look." in text
    assert "resolve?" not in text
    assert "API has recovered" not in text


def test_what_customers_can_do_is_told_as_long_as_it_lasts(db):
    fell(watched("API"))
    incident = Incident.objects.get()
    pages = ({}, {"gather": views.incident.gather, "public_id": incident.public_id})
    assert all("What you can do" not in html(after(minutes=1), **one) for one in pages)
    advice = "Use the *app*. <script>alert(1)</script>"
    incident.post(Post("We look.", phase="identified", workaround=advice), now=after(minutes=1))
    for one in pages:
        for at in (after(minutes=1), after(hours=1)):  # what is old says it too
            text = html(after(minutes=1), at=at, **one)
            assert "What you can do</h" in text
            assert "Use the <em>app</em>. &lt;script&gt;alert(1)&lt;/script&gt;" in text
    incident.post(Post("Over.", phase="resolved"), now=after(minutes=2))
    assert all("What you can do" not in html(after(minutes=2), **one) for one in pages)


def test_script_in_words_and_names_is_shown_not_run(db):
    probe = watched("<script>alert(1)</script>")
    fell(probe)
    incident = Incident.objects.get()
    incident.post(
        Post("<img src=x onerror=alert(1)> [a](javascript:alert(1)) **bold**", phase="identified"),
        now=after(minutes=1),
    )
    for gather, named in (
        (views.overview.gather, {}),
        (views.incident.gather, {"public_id": incident.public_id}),
        (views.component.gather, {"public_id": probe.component.public_id}),
        (views.history_page.gather, {}),
    ):
        text = html(after(minutes=2), gather=gather, **named)
        assert "<script>alert" not in text
        assert "<img" not in text
        assert 'href="javascript' not in text
    assert "<strong>bold</strong>" in html(after(minutes=2))


def test_an_hour_down_shows_in_the_days_and_in_the_percentage(db):
    probe = watched("API")
    found(probe, "up", after(days=-2))
    fell(probe, after(hours=-3))
    rose(probe, after(hours=-2))
    now = after(seconds=30)
    found(probe, "up", NOW)
    for task in (tally_hours, tally_days, tally_latency):
        task(now)
    row = rows(overview(now))["API"]
    assert row.days[-1].status is Status.MAJOR_OUTAGE
    assert row.days[-1].down == "1 h"
    assert row.uptime.percent == "97.91 %"  # 47 of 48 h, cut not rounded


def test_rolling_up_twice_changes_nothing(db):
    probe = watched("API")
    found(probe, "up", after(hours=-30))
    found(probe, "up", NOW)
    for _ in range(2):
        tally_days(after(minutes=1))
        tally_hours(after(minutes=1))
        tally_latency(after(minutes=5))
    days = DayTally.objects.all()
    assert sum(day.seconds.whole for day in days) == pytest.approx(30 * 3600 + 60 + 2 * 3600 * 12, abs=86_400)
    assert {day.seconds.whole for day in days} <= {86_400, 8 * 3600 + 60}


def test_a_gap_leaves_the_percentage_alone_and_is_said(db):
    probe = watched("API")
    found(probe, "up", after(hours=-5))
    fall_silent(after(hours=-4))
    found(probe, "up", NOW, gap=True)
    now = after(minutes=1)
    shown = rows(overview(now))["API"]
    assert shown.uptime.percent == "100.00 %"
    # from midnight to the first check at 03:00, and from the last one before the silence to 08:00
    assert shown.uptime.coverage == "no data for 7 h 59 min"


def fill(count):
    Probe.objects.all().delete()
    Component.objects.all().delete()
    Page.objects.this()
    components = Component.objects.bulk_create(
        Component(name=f"Component {n}", position=n + 1, group=group("G") if n % 50 == 0 else None,
                  status="operational", public_id=f"p{n:011d}") for n in range(count)
    )  # fmt: skip
    Probe.objects.bulk_create(
        Probe(component=one, kind="http", target="http://127.0.0.1/", outcome="up", public_id=f"b{n:011d}",
              heard_s=int(NOW.timestamp())) for n, one in enumerate(components)
    )  # fmt: skip
    DayTally.objects.bulk_create(
        DayTally(component=one, day=(NOW - timedelta(days=back)).date(), up_s=86_400)
        for one in components
        for back in range(1, 90)
    )


def test_the_number_of_queries_does_not_grow_with_components(db):
    counts = {}
    for size in (10, 60):
        fill(size)
        for view in (views.overview, views.history_page, api_views.summary):
            with CaptureQueriesContext(connection) as asked:
                html(after(seconds=1), gather=view.gather)
            counts.setdefault(view, []).append(len(asked))
    for name, (few, many) in counts.items():
        assert few == many <= 12, name


def test_the_number_of_queries_does_not_grow_with_history(db):
    counts = []
    probe = watched("API")
    for round_ in range(2):
        for n in range(3 + 12 * round_):
            start = after(days=-n - 20 * round_ - 1)
            fell(probe, start)
            rose(probe, start + timedelta(minutes=30))
            automation.advance(start + timedelta(hours=1))
        found(probe, "up", NOW)
        kept_days.clear()
        with CaptureQueriesContext(connection) as asked:
            html(after(seconds=1))
            html(after(seconds=1), gather=views.component.gather, public_id=probe.component.public_id)
        counts.append(len(asked))
    assert counts[0] == counts[1]


def test_the_overview_reads_as_much_with_400_days_of_history_as_with_few(db):
    fill(30)
    components = list(Component.objects.all())
    read = []
    for first, last in ((0, 3), (3, 400)):
        StatusSpan.objects.bulk_create(
            StatusSpan(component=one, status="operational" if hour else "major_outage",
                       started_at=after(days=-back, hours=hour - 12),
                       ended_at=after(days=-back, hours=hour - 11))
            for one in components for back in range(first + 1, last) for hour in (0, 1)
        )  # fmt: skip
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        with CaptureQueriesContext(connection) as asked:
            html(after(seconds=1))
        read.append(len(asked))
    assert read[0] == 9
    assert read[1] <= read[0]  # fewer where the first has left something to keep
    of_spans = [query["sql"] for query in asked if 'FROM "components_statusspan"' in query["sql"]]
    assert len(of_spans) == 1
    rows = StatusSpan.objects.filter(Q(ended_at=None) | Q(ended_at__gt=after(days=-2)))
    assert rows.count() < 200 < StatusSpan.objects.count() == 30 * 399 * 2 - 60
    plan = rows.filter(component__is_shown=True).order_by("started_at", "id").explain()
    # by an index that finds the newest, not through all 24,000
    assert "spans_by_end" in plan or "components_statusspan_component" in plan, plan
    assert "Seq Scan on components_statusspan" not in plan


def test_every_moment_of_the_incident_page(db):
    probe = watched("API")
    fell(probe)
    incident = Incident.objects.get()
    named = {"gather": views.incident.gather, "public_id": incident.public_id}
    opened = html(after(minutes=1), **named)
    assert "Major outage, ongoing" in opened
    assert "First failed check: Responded with 503" in opened
    assert "503 Service Unavailable" in opened
    rose(probe, after(minutes=5))
    automation.advance(after(minutes=9))
    closed = html(after(minutes=10), **named)
    assert "Resolved" in closed
    assert "5 min" in closed


def test_one_silent_probe_makes_its_component_unknown_though_nobody_lives_to_write_it_down(db):
    found(watched("API", interval_s=10, timeout_s=5), "up", NOW)
    found(watched("Daily", interval_s=3600), "up", NOW)
    shown = rows(overview(after(seconds=29)))
    assert shown["API"].status is Status.OPERATIONAL
    shown = rows(overview(after(seconds=31)))
    assert (shown["API"].status, shown["API"].was) == (Status.UNKNOWN, "operational")
    assert shown["Daily"].status is Status.OPERATIONAL
    assert overview(after(seconds=31)).head.state.status is not Status.OPERATIONAL


def test_the_gap_is_left_out_while_it_lasts_and_after_it(db):
    probe = watched("API", interval_s=10, timeout_s=5)
    found(probe, "up", after(hours=-2))
    Probe.objects.update(heard_s=int(after(hours=-1).timestamp()))
    shown = rows(overview(NOW))["API"].uptime
    assert shown.percent == "100.00 %"
    assert "no data for 6 h 59 min" in shown.coverage  # 6 h before it began, and the last one
    found(probe, "up", NOW, gap=True)  # a worker is back, and nobody ticked in between
    assert rows(overview(after(seconds=1)))["API"].uptime.coverage == shown.coverage


def test_a_new_component_among_old_ones_is_being_checked(db):
    found(watched("API"), "up", NOW)
    watched("New")
    assert overview(after(seconds=1)).banner.headline == "Checking New…"


def test_beside_what_is_hit_stands_what_works_of_the_same_group(db):
    ours = group()
    found(watched("Static assets", group=ours), "up", NOW)
    found(watched("Worker", group=group("This status page")), "up", NOW)
    fell(watched("API", group=ours))
    (card,) = overview(after(seconds=30)).incidents
    assert (card.not_working, card.working) == (("API",), ("Static assets",))


def test_one_age_of_a_page_does_not_colour_another(db):
    found(watched("API"), "up", NOW)
    seen = gather_world(after(seconds=5))
    first, stale, again = (
        page_model.overview(seen, {}, at) for at in (after(seconds=5), after(minutes=6), NOW)
    )
    todays = [rows(shown)["API"].days[-1].status for shown in (first, stale, again)]
    assert todays == [Status.OPERATIONAL, None, Status.OPERATIONAL]
    assert rows(stale)["API"].days[:-1] == rows(first)["API"].days[:-1]


def test_a_hidden_component_that_staff_picked_is_named_to_nobody_else(db):
    shown, hidden = watched("Web"), watched("chat-gw-2", shown=False)
    found(shown, "up", after(seconds=-30))
    incident = Incident.objects.open(
        "Slow", "We look.", now=NOW,
        statuses={shown.component: "degraded_performance", hidden.component: "major_outage"},
    )  # fmt: skip
    for gather, named in (
        (views.incident.gather, {"public_id": incident.public_id}),
        (views.overview.gather, {}),
        (api_views.incidents.gather, {}),
    ):
        told = gather(after(minutes=1), **named).render(after(minutes=1)).decode()
        assert "Web" in told
        assert "chat-gw-2" not in told


def test_a_promise_that_has_passed_says_so(db):
    fell(watched("API"))
    incident = Incident.objects.get()
    due = after(minutes=20)
    incident.post(Post("We look.", phase="identified", next_update_at=due), now=after(minutes=1))
    for one in ({}, {"gather": views.incident.gather, "public_id": incident.public_id}):
        early, late = (html(after(minutes=2), at=at, **one) for at in (after(minutes=19), after(minutes=21)))
        assert "Next update by</dt>" in early
        assert "Next update was due</dt>" not in early
        assert "Next update was due</dt>" in late  # an old copy ages
        assert "Next update by</dt>" not in late
        assert [text.count(" data-missed>") for text in (early, late)] == [0, 1 if not one else 2]


def test_a_clock_of_another_day_names_the_day(db):
    fell(watched("API"))
    incident = Incident.objects.get()
    incident.post(Post("We look.", phase="identified", next_update_at=after(hours=32)), now=after(minutes=1))
    text = html(after(minutes=2))
    assert ">13 Nov, 16:00 UTC</time>" in text
    assert ">08:01 UTC</time>" in text
    text = html(after(days=2), gather=views.incident.gather, public_id=incident.public_id)
    assert ">12 Nov, 08:01 UTC</time>" in text


def test_paused_while_it_is_watched_nobody_monitors_and_nobody_has_set_it(db):
    probe = watched("API")
    fell(probe)
    rose(probe, after(minutes=5))
    probe.pause(after(minutes=6))
    automation.advance(after(minutes=6, seconds=1))
    seen = overview(after(minutes=7))
    assert [fact.text for fact in seen.banner.facts if fact.label == "Now"] == [
        "No longer checked automatically"
    ]
    row = rows(seen)["API"]
    assert (row.label, row.by_hand) == ("Unknown", False)
    text = html(after(minutes=7))
    assert "No check has been made yet." not in text
    assert "No automatic checks are running." in text
    assert "set by staff" not in text


def test_with_every_probe_paused_nothing_is_being_checked(db):
    probe = watched("API")
    found(probe, "up", NOW)
    probe.pause(after(minutes=1))
    assert overview(after(minutes=2)).banner.headline == "We don’t currently know the status of API"
    probe.resume(after(minutes=3))
    text = html(after(minutes=3))
    assert "Checking…" in text
    assert "Automatic checks are starting again." in text
