"""What programs and spreadsheets take along: the same figures, and nothing that runs."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta

import pytest

from components.models import DayTally
from components.uptime import Seconds, hundredths
from statuspage.public import exports, history, history_views
from tests.filling import fill, past_outage
from tests.making import NOW, after, fell, found, watched


def body(name, now=NOW):
    return getattr(history_views, name).gather(now).render(now).decode()


def table(name):
    return list(csv.DictReader(io.StringIO(body(name), newline="")))


def test_incidents_as_csv_and_json_tell_the_same(db):
    (part, *_), _ = fill(incidents=0)
    past_outage(
        1, part, datetime(2026, 11, 1, 8, tzinfo=UTC), title="Größere Störung, “kurz”", cause="deploy"
    )
    (row,) = table("history_csv")
    (one,) = json.loads(body("history_json"))["incidents"]
    assert row["title"] == one["title"] == "Größere Störung, “kurz”"
    assert (row["started_at"], row["resolved_at"]) == ("2026-11-01T08:00:00Z", "2026-11-01T09:00:00Z")
    assert (one["duration_s"], one["first_word_at"]) == (3600, "2026-11-01T08:02:00Z")
    assert (row["components"], one["components"]) == ("Part 0", ["Part 0"])
    assert (one["cause"], one["status"], one["noticed_by"]) == ("deploy", "major_outage", "monitoring")
    assert list(one) == list(exports.INCIDENT_FIELDS)


def test_an_open_incident_has_no_end_and_a_suggestion_is_not_there(db):
    fell(watched("API"))
    fell(watched("Search", auto="suggest"))
    (one,) = json.loads(body("history_json", after(minutes=1)))["incidents"]
    assert (one["resolved_at"], one["duration_s"]) == (None, None)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("\n=1", "'\n=1"),
        ("＝1+1", "'＝1+1"),
        ("a=1", "a=1"),
        ("", ""),
    ],
)
def test_no_cell_is_a_formula(text, shown):
    assert exports.cell(text) == shown


def test_a_title_that_is_a_formula_is_only_words(db):
    (part, *_), _ = fill(incidents=0)
    past_outage(1, part, datetime(2026, 11, 1, 8, tzinfo=UTC), title='=HYPERLINK("http://evil.example";"x")')
    type(part).objects.filter(pk=part.pk).update(name="@evil")
    (row,) = table("history_csv")
    assert row["title"] == '\'=HYPERLINK("http://evil.example";"x")'
    assert row["components"] == "'@evil"
    assert table("uptime_csv")[0]["component"] == "'@evil"


def test_the_sum_behind_a_percentage_is_spelled_out():
    seconds = Seconds(up=2_592_000 - 9_039 - 1_603, major=9_039, partial=1_603)
    assert exports.arithmetic(seconds) == "100 × (2592000 − 9039 − 0.3 × 1603) / 2592000 = 99.63"
    assert exports.arithmetic(Seconds(unknown=3600)) == "no data"
    assert exports.arithmetic(Seconds(up=60)) == "100 × (60 − 0 − 0.3 × 0) / 60 = 100.00"


def test_whoever_does_the_sum_comes_to_the_same_figure(db):
    fill(days=100, incidents=9)
    DayTally.objects.filter(day=NOW.date() - timedelta(days=20)).update(
        partial_s=777, up_s=85_000, unknown_s=623
    )
    for row in table("uptime_csv"):
        left, right = row["arithmetic"].split(" = ")
        value = eval(left.replace("×", "*").replace("−", "-"), {})
        assert f"{int(value * 100 + 1e-9) / 100:.2f}" == right == row["uptime_percent"]


def test_uptime_agrees_with_the_history_page(db):
    fill(days=100, incidents=9)
    world = history.gather(NOW, NOW.date().replace(day=1))
    page = history.history_page(world, NOW.date().replace(day=1), NOW)
    rows = {(row["component"], row["month"]): row for row in json.loads(body("uptime_json"))["uptime"]}
    for shown in page.uptimes:
        for month, figure in zip(("2026-09", "2026-10", "2026-11"), shown.figures, strict=False):
            assert f"{rows[shown.name, month]['uptime_percent']:.2f} %" == figure.percent
    assert list(rows["Part 0", "2026-11"]) == list(exports.UPTIME_FIELDS)


def test_today_is_counted_up_to_now_and_a_month_without_sight_has_no_figure(db):
    probe = watched("API")
    found(probe, "up", after(hours=-2))
    found(probe, "up", NOW)
    DayTally.objects.create(component=probe.component, day=NOW.date() - timedelta(days=40), unknown_s=86_400)
    old, new = json.loads(body("uptime_json"))["uptime"]
    assert (old["uptime_percent"], old["unknown_s"], old["arithmetic"]) == (None, 86_400, "no data")
    assert (new["month"], new["up_s"], new["uptime_percent"]) == ("2026-11", 7200, 100.0)


def test_what_is_hidden_is_not_handed_out(db):
    watched("Secret", shown=False)
    found(watched("API"), "up", NOW)
    for name in ("uptime_csv", "uptime_json", "history_csv", "history_json"):
        assert "Secret" not in body(name)


@pytest.mark.parametrize(
    "seconds", [Seconds(up=99_999_999, major=1), Seconds(up=1, partial=1), Seconds(major=5)]
)
def test_the_figure_is_cut_never_rounded(seconds):
    value = hundredths(seconds)
    assert exports.arithmetic(seconds).endswith(f"= {value // 100}.{value % 100:02d}")


def test_programs_of_other_origins_may_read_them(client, db):
    for path, kind in (("history", "csv"), ("history", "json"), ("uptime", "csv"), ("uptime", "json")):
        answer = client.get(f"/{path}.{kind}")
        assert answer.status_code == 200
        assert kind in answer["Content-Type"]
