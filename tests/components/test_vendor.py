"""Vendor probes: what another status page says becomes the state of ours, with their words."""

import contextlib
import copy
import gzip
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from components.models import Probe
from components.outcomes import Expectation, Failure, classify
from components.probers import PROBERS
from components.vendor_status import VendorError, VendorStatus, read
from tests.components.test_probers import look
from tests.making import component
from tests.targets import Raw

CAPTURED = Path(__file__).parents[1] / "captured"
INDIRECT = Expectation(is_indirect=True)


def captured(name):
    return json.loads((CAPTURED / f"{name}.json").read_text())


GITHUB = captured("github_2020-04-02_summary_major")
HUOBI = captured("huobi_2020-02-11_summary")
ILLPOSED = captured("illposed_2021-10-28_summary_scheduled")


def row(name="API", status="operational", **more):
    return {"id": name.lower(), "name": name, "status": status, "group": False, "group_id": None,
            "updated_at": "2026-11-12T07:50:00.000Z", **more}  # fmt: skip


def incident(*names, **more):
    return {
        "id": "one", "name": "Elevated errors", "status": "identified", "impact": "major",
        "created_at": "2026-11-12T08:10:00.000Z", "shortlink": "https://stspg.io/x",
        "incident_updates": [
            {"status": "identified", "body": "We found<br />the &lt;cause&gt; &amp; fix it.",
             "created_at": "2026-11-12T08:30:00.000Z"},
            {"status": "investigating", "body": "Looking.", "created_at": "2026-11-12T08:10:01.000Z"},
        ],
        "components": [row(name) for name in names],
        **more,
    }  # fmt: skip


def summary(*rows, incidents=(), works=(), indicator="none"):
    return {
        "page": {"id": "p", "name": "Acme", "url": "https://status.example.org"},
        "components": list(rows),
        "incidents": list(incidents),
        "scheduled_maintenances": list(works),
        "status": {"indicator": indicator, "description": "…"},
    }


def told(reading):
    outcome, why = classify(reading, INDIRECT)
    return outcome.value, why


@pytest.mark.parametrize(
    ("document", "component", "status", "title"),
    [
        (GITHUB, "", "partial_outage", "Incident on 2020-04-02 20:20 UTC"),
        (GITHUB, "Git Operations", "major_outage", None),
        (GITHUB, "git  operations", "major_outage", None),
        (GITHUB, "8l4ygp009s5s", "major_outage", None),
        (HUOBI, "", "degraded_performance", "Market data is delayed"),
        (HUOBI, "Deposit", "operational", None),
        (ILLPOSED, "", "operational", None),
        (captured("renku_2022_2023_summary_outage"), "", "partial_outage", "Having Problems"),
        (captured("claude_2026-03-04_summary_operational"), "Claude Code", "operational", None),
        (captured("discord_2022-02_summary"), "South Korea", "operational", None),
    ],
)
def test_captured_pages_are_read(document, component, status, title):
    report = read(document, component)
    assert (report.status, report.event and report.event.title) == (status, title)


@pytest.mark.parametrize(
    ("status", "options", "expected"),
    [
        ("operational", {}, ("up", "")),
        ("degraded_performance", {}, ("degraded", "They report degraded performance of “API”.")),
        ("partial_outage", {}, ("down", "They report a partial outage of “API”.")),
        ("partial_outage", {"partial": "degraded"}, ("degraded", "They report a partial outage of “API”.")),
        ("major_outage", {"partial": "degraded"}, ("down", "They report a major outage of “API”.")),
        ("under_maintenance", {}, ("unknown", "They report maintenance of “API”.")),
        ("unknown", {}, ("unknown", "They do not know the status of “API”.")),
    ],
)
def test_their_status_becomes_ours(target, status, options, expected):
    target.json(summary(row("API", status), row("Web", "major_outage")))
    reading = look("vendor", target.url, {"component": "API", **options})
    assert told(reading) == expected
    assert reading.facts["vendor_status"] == status
    assert target.asked[0][1] == "/api/v2/summary.json"


@pytest.mark.parametrize(
    ("indicator", "outcome"),
    [
        ("none", "up"),
        ("minor", "degraded"),
        ("major", "down"),
        ("critical", "down"),
        ("maintenance", "unknown"),
    ],
)
def test_the_whole_page_is_read_by_its_indicator(target, indicator, outcome):
    target.json(summary(row("API"), indicator=indicator))
    assert told(look("vendor", target.url))[0] == outcome


def test_their_incident_is_the_evidence(target):
    target.json(
        summary(row("API", "major_outage"), incidents=[incident("API"), incident("Web", name="Other")])
    )
    reading = look("vendor", target.url, {"component": "API"})
    assert told(reading) == (
        "down",
        "They report a major outage of “API”: “Elevated errors” (identified): We found the <cause> & fix it.",
    )
    assert reading.failure is Failure.REPORTED
    assert reading.excerpt == "Elevated errors (identified)\nWe found\nthe <cause> & fix it."
    assert reading.facts == {
        "vendor_status": "major_outage", "vendor_component": "API",
        "vendor_since": "2026-11-12T08:10:00+00:00", "vendor_incident": "Elevated errors",
        "vendor_phase": "identified", "vendor_update": "We found\nthe <cause> & fix it.",
        "vendor_url": "https://stspg.io/x",
    } | {name: reading.facts[name] for name in ("server",)}  # fmt: skip


def test_the_worst_of_their_incidents_counts_and_one_that_names_nobody_is_better_than_none():
    minor, major = incident("API", impact="minor", name="Small"), incident("API", name="Large")
    document = summary(row("API", "major_outage"), incidents=[minor, major, incident(name="Vague")])
    assert read(document, "API").event.title == "Large"
    document["incidents"] = [incident(name="Vague"), incident("Web")]
    assert read(document, "API").event.title == "Vague"
    document["incidents"] = [incident("API", status="resolved")]
    assert read(document, "API").event is None


def test_maintenance_under_way_is_named_and_one_to_come_is_not():
    works = [
        incident("API", name="Later", status="scheduled"),
        incident("API", name="Now", status="in_progress"),
    ]
    assert read(summary(row("API", "under_maintenance"), works=works), "API").event.title == "Now"
    assert read(summary(row("API"), works=works), "API").event is None


def test_an_incident_while_they_call_it_operational_is_a_note(target):
    target.json(summary(row("API"), incidents=[incident("API")]))
    reading = look("vendor", target.url, {"component": "API"})
    assert told(reading) == ("up", "")
    assert reading.facts["note"] == "They have an open incident: “Elevated errors”."


def test_since_when_they_say_so_is_their_first_word_or_the_change_of_the_component():
    with_incident = summary(row("API", "major_outage"), incidents=[incident("API")])
    assert read(with_incident, "API").said_at == datetime(2026, 11, 12, 8, 10, tzinfo=UTC)
    assert read(summary(row("API", "major_outage")), "API").said_at == datetime(
        2026, 11, 12, 7, 50, tzinfo=UTC
    )
    berlin = summary(row("API", "major_outage", updated_at="2026-11-12T08:50:00.000+01:00"))
    assert read(berlin, "API").said_at == datetime(2026, 11, 12, 7, 50, tzinfo=UTC)


def test_a_component_is_found_in_its_group_and_a_group_by_its_name():
    document = summary(
        row("Europe", "partial_outage", group=True, id="g", components=["e"]),
        row("API", "partial_outage", id="e", group_id="g"),
        row("API", id="f"),
        incidents=[incident(name="In Europe", components=[{"id": "e"}])],
    )
    assert read(document, "Europe - API").status is VendorStatus.PARTIAL
    assert read(document, "Europe").event.title == "In Europe"
    assert read(document, "f").status is VendorStatus.OPERATIONAL
    with pytest.raises(VendorError, match="2 components of the page are called “API”: use an id"):
        read(document, "API")


@pytest.mark.parametrize(
    ("document", "component", "part"),
    [
        (None, "", "is not a Statuspage summary"),
        ([], "", "is not a Statuspage summary"),
        ({}, "", "is not a Statuspage summary"),
        ({"page": {"name": "x", "status": "UP"}, "activeIncidents": []}, "", "it has no indicator"),
        (summary(indicator="green"), "", "it has no indicator"),
        (
            summary(row("Web"), row("Mail")),
            "API",
            "has no component “API”. Its first ones are “Web”, “Mail”.",
        ),
        (summary(), "API", "has no component “API”."),
        (summary(row("API", "on fire")), "API", "The status of “API” is not one we know."),
        (summary(row("API", None)), "API", "is not one we know"),
    ],
)
def test_what_is_no_summary_is_a_sentence(document, component, part):
    with pytest.raises(VendorError) as error:
        read(document, component)
    assert part in str(error.value)


ODD = [None, 3, [], ["x"], {}, {"a": []}, "text", True]


@pytest.mark.parametrize("odd", ODD, ids=[str(number) for number in range(len(ODD))])
def test_wrong_types_anywhere_break_nothing(odd):
    whole = summary(row("API", "major_outage"), incidents=[incident("API")], works=[incident("API")])
    for document in _spoiled(whole, odd):
        for wanted in ("", "API"):
            with contextlib.suppress(VendorError):
                read(document, wanted)


def _spoiled(value, odd):
    """The document with each of its values replaced, one at a time."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield {**value, name: copy.deepcopy(odd)}
            for inner in _spoiled(part, odd):
                yield {**value, name: inner}
    elif isinstance(value, list):
        for place, part in enumerate(value):
            for inner in (copy.deepcopy(odd), *_spoiled(part, odd)):
                yield [*value[:place], inner, *value[place + 1 :]]


def test_their_words_are_capped(target):
    long = incident("API", name="n" * 5_000)
    long["incident_updates"][0]["body"] = "<p>" + "ä" * 50_000
    target.json(summary(row("API", "major_outage"), incidents=[long]))
    reading = look("vendor", target.url, {"component": "API"})
    assert max(len(fact) for fact in reading.facts.values()) <= 200
    assert len(reading.excerpt.encode()) <= 1000
    assert len(reading.detail) <= 300


@pytest.mark.parametrize(
    ("status", "body", "headers"),
    [
        (503, b"{}", {}), (404, b"", {}), (200, b"", {}), (200, b"<html>", {}), (200, b"[" * 100_000, {}),
        (200, json.dumps(summary(row()))[:90].encode(), {}), (200, b"x" * 1_100_000, {}),
        (200, b"no gzip", {"Content-Encoding": "gzip"}), (302, b"", {"Location": "ftp://x/"}),
    ],
)  # fmt: skip
def test_a_page_that_cannot_be_read_is_unknown_never_down(target, status, body, headers):
    target.answers, target.says, target.headers = status, body, headers
    assert told(look("vendor", target.url))[0] == "unknown"


def test_a_page_that_cannot_be_reached_is_unknown_never_down():
    async def silent(reader, writer):
        await reader.read()

    assert told(look("vendor", "http://127.0.0.1:9/"))[0] == "unknown"
    with Raw(silent) as server:
        reading = look("vendor", f"http://127.0.0.1:{server.port}/", deadline_s=1.0)
    assert told(reading)[0] == "unknown"


def test_gzip_and_redirects_are_followed(target):
    target.paths["/api/v2/summary.json"] = (301, {"Location": "/moved"}, b"")
    packed = gzip.compress(json.dumps(summary(row("API", "major_outage"), indicator="critical")).encode())
    target.paths["/moved"] = (200, {"Content-Encoding": "gzip"}, packed)
    assert told(look("vendor", target.url))[0] == "down"


@pytest.mark.parametrize(
    ("typed", "asked"),
    [
        ("https://status.example.org", "https://status.example.org/api/v2/summary.json"),
        ("https://status.example.org/", "https://status.example.org/api/v2/summary.json"),
        ("https://example.org/status/?x=1#y", "https://example.org/status/api/v2/summary.json"),
        ("https://example.org/api/v2/", "https://example.org/api/v2/summary.json"),
        ("https://example.org/api/v2/summary.json?x=1", "https://example.org/api/v2/summary.json?x=1"),
    ],
)
def test_the_address_of_a_page_or_of_its_summary_is_as_good(typed, asked):
    assert PROBERS["vendor"].parse(typed, {}).url == asked


def test_a_vendor_probe_asks_another_about_the_target(db):
    assert Probe(component=component(), kind="vendor", target="https://a.example/").expectation.is_indirect


def test_our_own_page_is_read(client, db, target):
    """Also what it does not know: `degraded_performance` with `unknown: true`."""
    component("API")
    answer = client.get("/api/v2/summary.json")
    target.says = answer.content
    reading = look("vendor", target.url, {"component": "API"})
    assert told(reading)[0] in ("up", "unknown")
    unknown = json.loads(answer.content)
    unknown["components"][0] |= {"status": "degraded_performance", "unknown": True}
    unknown["status"]["indicator"] = "minor"
    target.json(unknown)
    assert told(look("vendor", target.url, {"component": "API"}))[0] == "unknown"
    assert told(look("vendor", target.url))[0] == "unknown"
