"""The history: which days lead where, what is found again, and what the figures leave out."""

import re
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.http import Http404
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from components.models import Component
from components.status import Status
from incidents import automation
from incidents.models import Incident, Update
from statuspage.public import figures, history, history_views, views
from statuspage.serving.snapshot import Snapshot
from tests.filling import fill, past_outage
from tests.making import NOW, after, fell, found, rose, watched


def shown(month="", public_id="", now=NOW):
    last = history.parse_month(month, now.date())
    world = history.gather(now, last, public_id)
    one = next((one for one in world.components if one.public_id == public_id), None)
    return history.history_page(world, last, now, one)


def html(now=NOW, gather=views.history_page.gather, **named):
    return gather(now, **named).render(now).decode()


def cells(page):
    return {cell.on: cell for month in page.months for week in month.weeks for cell in week if cell.on}


def listed(page):
    return [one for month in page.months for one in month.incidents]


def ago(days, hour=6):
    return datetime(2026, 11, 12, hour, tzinfo=UTC) - timedelta(days=days)


# Calendars and list


def test_a_bad_day_leads_to_its_incident_in_the_list(db):
    (part, *_), _ = fill(incidents=0)
    past_outage(1, part, ago(5))
    page = shown()
    cell = cells(page)[date(2026, 11, 7)]
    assert (cell.status, cell.url) == (Status.MAJOR_OUTAGE, "#day-2026-11-07")
    assert cell.label == "7 November: major outage, 1 incident"
    assert 'id="day-2026-11-07"' in html()
    assert cells(page)[date(2026, 11, 8)].url == ""


def test_an_incident_over_days_marks_each_of_them_and_is_listed_once_with_its_end(db):
    (part, *_), _ = fill(incidents=0)
    past_outage(1, part, datetime(2026, 10, 30, 12, tzinfo=UTC), hours=80, title="Long")
    page = shown()
    marked = [on for on, cell in cells(page).items() if cell.status is Status.MAJOR_OUTAGE]
    assert marked == [date(2026, 10, 30), date(2026, 10, 31), date(2026, 11, 1), date(2026, 11, 2)]
    assert {cells(page)[on].url for on in marked} == {"#day-2026-10-30"}
    assert [(one.card.title, one.on, one.until) for one in listed(page)] == [
        ("Long", "Fri 30 Oct", "until 2 Nov")
    ]
    assert page.count == 1


def test_what_began_before_these_months_leads_to_its_own_page(db):
    (part, *_), _ = fill(days=200, incidents=0)
    incident = past_outage(1, part, datetime(2026, 8, 31, 20, tzinfo=UTC), hours=10)
    page = shown()
    assert cells(page)[date(2026, 9, 1)].url == incident.get_absolute_url()
    assert listed(page) == []


def test_a_bad_day_without_an_incident_leads_to_the_component_that_was_worst(db):
    (one, other, *_), _ = fill(incidents=0)
    for part, column in ((one, "degraded_s"), (other, "major_s")):
        part.day_tallies.filter(day=date(2026, 11, 3)).update(**{column: 60})
    assert cells(shown())[date(2026, 11, 3)].url == f"/components/{other.public_id}/days/2026-11-03"


def test_a_month_before_anything_was_watched_is_no_month_without_incidents(db):
    probe = watched()
    Component.objects.filter(pk=probe.component_id).update(created_at=datetime(2026, 10, 20, tzinfo=UTC))
    september, october, november = shown().months
    assert september.nothing == "No data: nothing was monitored yet."
    assert october.nothing == november.nothing == "No incidents."
    assert "No data: nothing was monitored yet." in html()


def test_one_component_alone(db):
    (one, other, *_), _ = fill(incidents=0)
    past_outage(1, one, ago(5), title="Of one")
    past_outage(2, other, ago(3), title="Of the other")
    page = shown(public_id=one.public_id)
    assert [item.card.title for item in listed(page)] == ["Of one"]
    assert [row.name for row in page.uptimes] == [one.name]
    assert cells(page)[date(2026, 11, 7)].url == f"/components/{one.public_id}/days/2026-11-07"
    assert cells(page)[date(2026, 11, 9)].status is Status.OPERATIONAL
    assert page.earlier == f"/history/2026-08/{one.public_id}"
    text = html(public_id=one.public_id)
    assert "Of the other" not in text
    assert f'<a href="/history/component/{one.public_id}" aria-current="true">' in text


def test_the_choice_of_a_component_keeps_the_month_and_the_month_the_component(client, db):
    (one, *_), _ = fill(days=300, incidents=0)
    page = shown("2026-06", one.public_id)
    assert page.period == "Apr – Jun 2026"
    assert page.choices[0].url == "/history/2026-06"
    assert page.choices[1].url == f"/history/2026-06/{one.public_id}"
    assert page.later == f"/history/2026-09/{one.public_id}"
    assert client.get(page.choices[1].url).status_code == 200
    assert shown("2026-01").period == "Nov 2025 – Jan 2026"


def test_a_hidden_component_has_no_history(client, db):
    hidden = watched("Secret", shown=False).component
    assert client.get(f"/history/component/{hidden.public_id}").status_code == 404
    watched("API")
    assert "Secret" not in client.get("/history").content.decode()


def test_an_old_month_shows_the_same_last_90_days(db):
    (part, *_), _ = fill(days=300, incidents=0)
    past_outage(1, part, ago(5))
    now, old = shown().uptimes[0].figures[-1], shown("2026-03").uptimes[0].figures[-1]
    assert now == old
    assert now.down == "1 h down"


def test_an_open_incident_counts_to_today_and_is_called_ongoing(db):
    probe = watched("API")
    fell(probe, after(days=-2))
    page = shown()
    assert [cells(page)[date(2026, 11, day)].status for day in (10, 11, 12)] == [Status.MAJOR_OUTAGE] * 3
    assert "ongoing" in html()


# Search


def search(client, query, **more):
    return client.get("/history/search", {"q": query, **more})


def test_words_are_found_in_titles_updates_and_names_and_marked(client, db):
    (part, *_), _ = fill(incidents=0)
    Component.objects.filter(pk=part.pk).update(name="Payments")
    past_outage(1, part, ago(5), title="Cards were refused")
    past_outage(2, part, ago(9), title="Something else")
    Update.objects.filter(incident__title="Something else", number=2).update(
        body="The **index** was rebuilt."
    )
    text = search(client, "cards").content.decode()
    assert "1 incident found." in text
    assert re.search(r"<mark>Cards</mark\s*> were refused", text)
    assert re.search(r"The <mark>index</mark\s*> was rebuilt\.", search(client, "INDEX").content.decode())
    assert "2 incidents found." in search(client, "payments").content.decode()
    assert "1 incident found." in search(client, "payments index").content.decode()


def test_nothing_typed_and_nothing_found_are_said(client, db):
    fill()
    assert "Enter a word from a title" in search(client, "  ").content.decode()
    assert "Enter a word from a title" in client.get("/history/search").content.decode()
    assert "No incident has all of these words" in search(client, "zeppelin").content.decode()


def test_what_only_staff_may_read_is_not_found(client, db):
    probe = watched("API", auto="suggest")
    fell(probe)
    suggestion = Incident.objects.get()
    assert "No incident has all" in search(client, suggestion.title.split()[1]).content.decode()
    (part, *_), _ = fill(incidents=0)
    incident = past_outage(1, part, ago(2))
    incident.note("The intern pulled the plug.", after(hours=1), author=None)
    assert "No incident has all" in search(client, "intern").content.decode()
    hidden = watched("Skunkworks", shown=False).component
    incident.touch(hidden, Status.MAJOR_OUTAGE, NOW)
    assert "No incident has all" in search(client, "skunkworks").content.decode()
    incident.delete_softly(after(hours=2))
    assert "No incident has all" in search(client, "outage").content.decode()


@pytest.mark.parametrize("query", ["%", "_", "\\", "100%", "a_b", "'; DROP TABLE incidents_incident; --"])
def test_signs_of_a_pattern_are_only_signs(client, db, query):
    fill()
    assert "No incident has all" in search(client, query).content.decode()


def test_a_percent_sign_is_found_where_there_is_one(client, db):
    (part, *_), _ = fill(incidents=0)
    past_outage(1, part, ago(5), title="About 30% of uploads failed")
    past_outage(2, part, ago(6), title="About 300 uploads failed")
    assert "1 incident found." in search(client, "30%").content.decode()


def test_script_in_a_query_or_a_title_is_shown_not_run(client, db):
    (part, *_), _ = fill(incidents=0)
    evil = "<script>alert(1)</script>"
    past_outage(1, part, ago(5), title=evil)
    Update.objects.update(body=f"{evil} <img src=x onerror=alert(1)>")
    for query in (evil, "script", "alert", '"><script>alert(1)</script>', "<mark>"):
        text = search(client, query).content.decode()
        assert "<script>alert" not in text
        assert "<img" not in text
    for text in (html(), html(gather=history_views.figures.gather)):
        assert "<script>alert" not in text


def test_fifty_a_page(client, db):
    (part, *_), _ = fill(incidents=0, days=80)
    for n in range(60):
        past_outage(n, part, ago(n + 1))
    first = search(client, "outage").content.decode()
    assert "60 incidents found; these are 1 to 50." in first
    assert first.count('class="history__what"') == 50
    assert "/history/search?q=outage&amp;page=2" in first
    second = search(client, "outage", page="2").content.decode()
    assert second.count('class="history__what"') == 10
    assert "Next page" not in second
    assert search(client, "outage", page="3").status_code == 200


@pytest.mark.parametrize("number", ["0", "-1", "x", "9999", "٣", "1e3", "", "1\n"])
def test_a_page_that_cannot_be_is_a_404(client, db, number):
    assert search(client, "outage", page=number).status_code == 404


@pytest.mark.parametrize("query", ["a" * 101, "é" * 5000, " ".join("abcdefgh") * 9])
def test_a_query_that_is_too_long_is_told_so(client, db, query):
    fill()
    answer = search(client, query)
    assert answer.status_code == 200
    assert "search for at most 100 characters" in answer.content.decode()


@pytest.mark.parametrize(
    "query", ["\0", "a\0b", "\ud800".encode("utf-8", "surrogatepass"), b"\xff\xfe", "(", "[a", "\u202e", "🦆"]
)
def test_odd_letters_are_only_letters(client, db, query):
    fill()
    assert search(client, query).status_code == 200


def test_a_search_is_kept_for_a_short_while_and_takes_nothing(client, db):
    answer = search(client, "outage")
    assert answer["Cache-Control"] == "public, max-age=30"
    assert answer["X-Robots-Tag"] == "noindex"
    assert (answer.cookies, answer.get("Vary")) == ({}, None)
    assert client.post("/history/search", {"q": "x"}).status_code == 405


# Figures


def test_mean_and_median_beside_each_other():
    lengths = [timedelta(minutes=minutes) for minutes in (10, 20, 90)]
    measure = figures.measure(lengths)
    assert (measure.mean, measure.median, measure.basis) == ("40 min", "20 min", "of 3 incidents")


@pytest.mark.parametrize(
    ("lengths", "mean", "basis"),
    [
        ([], "no incidents", ""),
        ([timedelta(minutes=5)], "not enough data", "of 1 incident"),
        ([None, None, timedelta(minutes=5)], "not enough data", "of 1 incident, 2 excluded"),
        ([timedelta(minutes=4), None, timedelta(minutes=8)], "6 min", "of 2 incidents, 1 excluded"),
    ],
)
def test_too_few_say_nothing(lengths, mean, basis):
    measure = figures.measure(lengths)
    assert (measure.mean, measure.basis) == (mean, basis)


def test_the_times_of_an_incident_as_it_was_lived(db):
    probe = watched("API")
    fell(probe, after(hours=-3))
    rose(probe, after(hours=-2))
    automation.advance(after(hours=-1))
    incident = Incident.objects.get()
    assert figures.detected_after(incident) == timedelta(seconds=10)
    assert figures.announced_after(incident) == timedelta(seconds=10)
    assert figures.resolved_after(incident) == timedelta(hours=1)


def test_a_suggestion_was_told_when_it_was_published(db):
    probe = watched("API", auto="suggest")
    fell(probe)
    incident = Incident.objects.get()
    automation.publish(incident, after(minutes=9))
    assert figures.announced_after(incident) == timedelta(minutes=9)


def test_what_was_written_down_afterwards_or_found_by_people_is_left_out(db):
    part = watched("API").component
    late = Incident.objects.record(
        "Back-filled", "It was down.", started_at=after(hours=-5), ended_at=after(hours=-4), now=NOW,
        statuses={part: Status.MAJOR_OUTAGE},
    )  # fmt: skip
    assert (figures.announced_after(late), figures.detected_after(late)) == (None, None)
    assert figures.resolved_after(late) == timedelta(hours=1)
    opened = Incident.objects.open("By hand", "We look.", now=NOW, components=[part])
    assert (figures.detected_after(opened), figures.resolved_after(opened)) == (None, None)


def test_figures_count_causes_and_impacts_over_both_periods(db):
    (part, *_), _ = fill(days=300, incidents=0)
    past_outage(1, part, ago(5), cause="Database")
    past_outage(2, part, ago(20), cause=" database ", status="degraded_performance")
    past_outage(3, part, ago(200))
    past_outage(4, part, ago(500))
    world = history_views._whole_page(NOW)
    page = figures.figures_page(world, date(2026, 11, 1), figures.gather(date(2026, 11, 1)), NOW)
    assert page.totals == (2, 3)
    assert [(row.name, row.counts) for row in page.causes] == [("Database", (2, 2)), ("Not given", (0, 1))]
    assert [(row.name, row.counts) for row in page.impacts] == [
        ("Major outage", (1, 2)),
        ("Degraded", (1, 1)),
    ]
    text = html(gather=history_views.figures.gather)
    assert "12 months to Nov 2026" in text
    assert "From the first failed check to the one that confirmed it, unless" in text


def test_with_no_incident_no_figure_is_invented(db):
    found(watched("API"), "up", NOW)
    text = html(gather=history_views.figures.gather)
    assert text.count("no incidents") == 6
    assert "No incidents in these twelve months." in text


# Addresses and cost


@pytest.mark.parametrize(
    "address",
    [
        "/history/2026-13", "/history/0000-01", "/history/99999-01", "/history/2026-00", "/history/2026-1",
        "/history/٢٠٢٦-١١", "/history/２０２６-11", "/history/1999-12", "/history/9999-12",
        "/history/2026-11-01", "/history/2026-11%0A", "/history/-2026-11", "/history/2026-W1",
        "/history/component/zzzzzzzzzzzz", "/history/component/%00",
        "/history/2026-01/zzzzzzzzzzzz", "/history/2026-13/zzzzzzzzzzzz",
        "/history/figures/2026-13", "/history/figures/9999-01", "/history/figures/0000-00",
        "/history/figures/x", "/history/" + "9" * 4000, "/history/component/" + "b" * 4000,
        "/history/search/x",
    ],
)  # fmt: skip
def test_an_address_that_cannot_be_is_a_plain_404(client, db, address):
    watched("API")
    answer = client.get(address)
    assert answer.status_code == 404
    assert "Page not found" in answer.content.decode()


def fill_whole(**size):
    Incident.objects.all().delete()
    Component.objects.all().delete()
    return fill(**size)[0][0].public_id


SMALL = {"components": 2, "days": 10, "incidents": 4, "hours": 24}
LARGE = {"components": 20, "days": 400, "incidents": 100, "hours": 31}


def questions(client, address):
    with CaptureQueriesContext(connection) as asked:
        assert client.get(address).status_code == 200
    return len(asked)


def test_a_year_of_history_asks_no_more_questions_than_ten_days(client, db):
    now = timezone.now()
    yesterday = (now - timedelta(days=1)).date()
    paths = [
        "/history", f"/history/{now:%Y-%m}", "/history/component/{id}", f"/history/{now:%Y-%m}/{{id}}",
        "/components/{id}", f"/components/{{id}}/days/{yesterday}", f"/components/{{id}}/days/{now:%Y-%m-%d}",
        f"/components/{{id}}/days/{yesterday}/08", "/history/figures", f"/history/figures/{now:%Y-%m}",
        "/history/search?q=outage", "/history.csv", "/history.json", "/uptime.csv", "/uptime.json",
    ]  # fmt: skip
    counts = []
    for size in (SMALL, LARGE):
        public_id = fill_whole(**size, now=now)
        counts.append({path: questions(client, path.format(id=public_id)) for path in paths})
    assert counts[0] == counts[1]
    assert max(counts[0].values()) <= 14, counts[0]


def test_months_in_which_nothing_existed_are_no_addresses(transactional_db, tmp_path):
    """Each would be rendered and kept: hundreds of pages that say nothing, for whoever asks."""
    watched()  # made 400 days before NOW
    Component.objects.update(created_at=datetime(2025, 10, 8, tzinfo=UTC))
    snapshot = Snapshot(tmp_path)
    for month in ("2000-01", "2024-12", "2025-09", "2099-01"):
        for path in (f"/history/{month}", f"/history/figures/{month}", f"/history/{month}/"):
            with pytest.raises(Http404):
                snapshot.fresh(path)
    assert snapshot.fresh("/history/2025-10") is not None
    assert len(list(tmp_path.glob("*.doc"))) == 1


def test_what_was_written_down_afterwards_has_its_month(transactional_db, tmp_path):
    probe = watched()
    Component.objects.update(created_at=datetime(2026, 11, 1, tzinfo=UTC))
    Incident.objects.record(
        "Long ago", "It is over.", started_at=datetime(2025, 3, 3, tzinfo=UTC),
        ended_at=datetime(2025, 3, 4, tzinfo=UTC), now=NOW, statuses={probe.component: "major_outage"},
    )  # fmt: skip
    document = Snapshot(tmp_path).fresh("/history/2025-03")
    assert b"Long ago" in document.variants[0].plain
    with pytest.raises(Http404):
        Snapshot(tmp_path).fresh("/history/2025-02")
