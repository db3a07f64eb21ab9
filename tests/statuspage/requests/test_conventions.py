"""Programs get JSON and CORS, and one spelling of an address leads to the other."""

import json

import pytest
from django.test import Client

from incidents.models import Incident, Post, Postmortem, Update
from statuspage.api.views import incident_json, unresolved
from statuspage.serving.disk_copies import Document, Variant
from statuspage.serving.door import make_answer
from tests.incidents.test_maintenance import plan
from tests.making import NOW, after, component, fell, group, watched
from tests.statuspage.public.test_postmortems import published

JSON_PATHS = ("/api/v2/summary.json", "/api/v2/incidents/unresolved.json", "/feed.json", "/uptime.json")
OPEN = (
    *JSON_PATHS,
    "/history.atom",
    "/history.rss",
    "/maintenance.ics",
    "/history.csv",
    "/api/v2/subscribers.json",
)


def test_what_is_open_is_told_alone(db):
    one = Incident.objects.open("Chat is slow", "We look.", components=[component("Chat")], now=NOW)
    over = Incident.objects.open("Files were slow", "We look.", components=[component("Files")], now=NOW)
    over.post(Post("All is well.", phase="resolved"), now=after(minutes=9))
    moment = after(minutes=10)
    told = unresolved.gather(moment).render(moment)
    assert one.public_id.encode() in told
    assert over.public_id.encode() not in told


@pytest.mark.parametrize("path", OPEN)
def test_another_site_may_read_what_is_public(client, db, path):
    answer = client.get(path, headers={"Origin": "https://dash.example"})
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "*"
    asked = client.options(
        path, headers={"Origin": "https://dash.example", "Access-Control-Request-Headers": "content-type"}
    )
    assert asked.status_code == 204
    assert asked.headers["access-control-allow-origin"] == "*"
    assert "GET" in asked.headers["access-control-allow-methods"]
    assert asked.headers["access-control-allow-headers"] == "*"


def test_a_report_as_markdown_is_open_as_its_other_forms_are(client, db):
    one = published().incident
    for ending in (".json", ".md", ".csv"):
        answer = client.get(f"/postmortems/{one.public_id}{ending}")
        assert (answer.status_code, answer.headers.get("access-control-allow-origin")) == (200, "*"), ending


@pytest.mark.parametrize(
    "path", ["/history.atom/", "//feed.json", "/history.ics", "/api/v2/status.json/", "/uptime.json//"]
)
def test_a_page_of_another_origin_may_follow_where_an_address_leads(client, db, path):
    answer = client.get(path, PATH_INFO=path)
    assert answer.status_code in (301, 302)
    assert answer.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize(
    "path", ["/console/x.json/", "/accounts//login/", "/history/", "//", "/admin/x.csv/"]
)
def test_nothing_else_is_opened_by_a_stroke(client, db, path):
    for answer in (client.get(path, PATH_INFO=path), client.options(path, PATH_INFO=path)):
        assert "access-control-allow-origin" not in answer.headers


def test_a_method_that_is_not_taken_is_told_which_are(client, db):
    told = client.patch("/api/v2/subscribers.json")
    assert told.status_code == 405
    assert told.json()["error"] == "This address accepts GET, HEAD, POST, OPTIONS, DELETE."
    assert client.options("/api/v2/summary.json").headers["allow"] == "GET, HEAD, OPTIONS"
    assert "POST" in client.options("/api/v2/subscribers.json").headers["allow"]


@pytest.mark.parametrize(
    "path", ["/console/x.json", "/accounts/login/", "/subscription/x/data", "/", "/history", "/admin/x.csv"]
)
def test_nothing_else_is_open_to_it(client, db, path):
    for answer in (client.get(path), client.options(path)):
        assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(
    "path",
    ["/api/v2/nothing.json", "/api/", "/api/v1/summary.json", "/api/v2/components/x.json", "/api/v2/%00"],
)
def test_an_unknown_address_of_the_api_is_answered_in_json(client, db, path):
    answer = client.get(path, headers={"Accept": "text/html"})
    assert answer.status_code == 404
    assert "docs/api.md" in answer.json()["error"]
    assert answer.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
@pytest.mark.parametrize("path", JSON_PATHS[:2])
def test_what_is_read_alone_says_so(db, path, method):
    answer = getattr(Client(enforce_csrf_checks=True), method)(path)
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS"
    assert "GET" in answer.json()["error"]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("/history/", "/history"),
        ("/history/?page=2&q=a%20b", "/history?page=2&q=a%20b"),
        ("/api/v2/summary.json/", "/api/v2/summary.json"),
        ("//api//v2/summary.json", "/api/v2/summary.json"),
        ("/history/2026-10//", "/history/2026-10"),
        ("/maintenance.ics/", "/maintenance.ics"),
    ],
)
def test_a_stroke_too_many_leads_to_the_address(client, db, typed, meant):
    answer = client.generic(
        "GET", typed, QUERY_STRING=typed.partition("?")[2], PATH_INFO=typed.partition("?")[0]
    )
    assert answer.status_code == 301
    assert answer.headers["location"] == meant


@pytest.mark.parametrize(
    "typed", ["//evil.example/", "/nothing/", "//", "/\\evil.example/", "/api/v2/nothing.json/"]
)
def test_it_leads_nowhere_else(client, db, typed):
    answer = client.generic("GET", typed, PATH_INFO=typed)
    assert answer.status_code == 404 or answer.headers["location"] == "/"


def test_each_encoding_has_a_name_of_its_own():
    variant = Variant.of(0.0, b"x" * 5000)
    document = Document("/history.atom", "application/atom+xml", 1, 0.0, 0.0, (variant,), None)
    answers = [make_answer(document, variant, encoding, []) for encoding in (b"", b"gzip", b"br")]
    assert len({one.etag for one in answers}) == 3
    for one in answers:
        assert (b"access-control-allow-origin", b"*") in one.whole.headers
        assert (b"etag", one.etag) in one.same.headers


# One incident for programs, and Statuspage's addresses


def test_one_incident_is_told_with_its_page_or_alone(client, db):
    ours = group("Widgetify")
    chat, lone = component("Chat", group=ours), component("Files")
    one = Incident.objects.open(
        "Slow", "We look.", now=NOW, statuses={chat: "major_outage", lone: "partial_outage"}
    )
    told = client.get(f"/api/v2/incidents/{one.public_id}.json").json()
    assert set(told) == {"page", "incident"}
    assert (told["incident"]["id"], told["incident"]["status"]) == (one.public_id, "investigating")
    assert client.get(f"/incidents/{one.public_id}.json").json() == told["incident"]
    changed = told["incident"]["incident_updates"][0]["affected_components"]
    assert {row["name"] for row in changed} == {"Widgetify - Chat", "Files"}


def test_planned_work_is_told_where_statuspage_tells_it(client, db):
    work = plan(component("API"))
    (listed,) = client.get("/api/v2/scheduled-maintenances.json").json()["scheduled_maintenances"]
    assert client.get(f"/incidents/{work.public_id}.json").json() == listed
    told = client.get(f"/api/v2/incidents/{work.public_id}.json").json()
    assert (set(told), told["incident"]) == ({"page", "incident"}, listed)


def test_a_change_from_what_was_not_known_says_so(db):
    probe = watched("Fresh")
    fell(probe)
    Update.objects.filter(step="opened").update(
        changes=[[probe.component.public_id, "Fresh", "unknown", "major_outage"]]
    )
    one, moment = Incident.objects.get(), after(minutes=1)
    told = json.loads(incident_json.gather(moment, one.public_id).render(moment))
    (row,) = told["incident_updates"][0]["affected_components"]
    assert (row["old_status"], row["old_unknown"]) == ("degraded_performance", True)
    assert "new_unknown" not in row


@pytest.mark.parametrize("path", ["/incidents/nosuch.json", "/api/v2/incidents/nosuch.json"])
def test_an_incident_that_is_none_is_answered_in_json(client, db, path):
    answer = client.get(path, headers={"Accept": "text/html"})
    assert (answer.status_code, answer["Access-Control-Allow-Origin"]) == (404, "*")
    assert answer.json()["error"]


@pytest.mark.parametrize("how", ["deleted", "suggested", "hidden from all"])
def test_what_strangers_may_not_read_is_no_file_either(client, db, how):
    fell(watched("Chat", auto="suggest" if how == "suggested" else "publish"))
    one = Incident.objects.get()
    if how == "deleted":
        one.delete_softly(after(minutes=1))
    elif how == "hidden from all":
        Incident.objects.update(published_at=None)
    assert client.get(f"/incidents/{one.public_id}.json").status_code == 404
    assert client.get(f"/api/v2/incidents/{one.public_id}.json").status_code == 404


def test_statuspages_addresses_of_work_and_postmortems_lead_to_ours(client, db):
    work = plan(component("API"))
    answer = client.get(f"/incidents/{work.public_id}")
    assert (answer.status_code, answer["Location"]) == (302, f"/maintenance/{work.public_id}")
    one = published().incident
    answer = client.get(f"/incidents/{one.public_id}/postmortem")
    assert (answer.status_code, answer["Location"]) == (302, f"/postmortems/{one.public_id}")
    Postmortem.objects.update(published_at=None)
    assert client.get(f"/incidents/{one.public_id}/postmortem").status_code == 404
    assert client.get("/incidents/nosuch").status_code == 404
