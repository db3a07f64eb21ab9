"""Every JSON document is what docs/schemas say; what has no mark there is Statuspage's, as captured."""

import json

import pytest
from jsonschema import Draft202012Validator

from incidents.models import Incident, Maintenance, Postmortem
from incidents.tasks import fall_silent
from tests import full_page
from tests.json_schemas import ROOT, SCHEMAS, faults, is_ours, theirs
from tests.making import NOW, after
from tests.statuspage.feeds.test_entries import read

CAPTURED = ROOT / "tests" / "captured"
DOCUMENTS = {
    "/api/v2/summary.json": "summary",
    "/api/v2/status.json": "status",
    "/api/v2/components.json": "components",
    "/api/v2/incidents.json": "incidents",
    "/api/v2/incidents/unresolved.json": "incidents",
    "/api/v2/scheduled-maintenances.json": "scheduled-maintenances",
    "/api/v2/scheduled-maintenances/upcoming.json": "scheduled-maintenances",
    "/api/v2/scheduled-maintenances/active.json": "scheduled-maintenances",
    "/history.json": "history",
    "/uptime.json": "uptime",
}
ONE_OF_MANY = {
    "/api/v2/incidents/{}.json": "incident",
    "/incidents/{}.json": "incident-alone",
    "/postmortems/{}.json": "postmortem",
}


def document(path, now):
    return json.loads(read(path, now))


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_schemas_are_schemas_and_let_no_other_key_in(name):
    Draft202012Validator.check_schema(SCHEMAS[name])

    def objects(schema):
        if isinstance(schema, dict):
            if "properties" in schema and "if" not in schema:
                yield schema
            for key, value in schema.items():
                if key != "if":
                    yield from objects(value)
        elif isinstance(schema, list):
            for one in schema:
                yield from objects(one)

    for one in objects(SCHEMAS[name]):
        assert one["additionalProperties"] is False, one
        marked = {key for key, value in one["properties"].items() if is_ours(value)}
        assert not marked & set(one["required"]), "a client of Statuspage's sends none of ours"


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Kolkata"])
def test_a_page_full_of_everything_is_what_the_schemas_say(db, settings, zone):
    settings.PAGE_TIME_ZONE = zone
    full_page.fill(NOW)
    now = after(minutes=5)
    fall_silent(now)
    for path, name in DOCUMENTS.items():
        body = document(path, now)
        assert faults(body, name) == [], path
        assert all(body.values()), path
        assert full_page.SECRET not in json.dumps(body), path
    for one in Incident.objects.public():
        for path, name in ONE_OF_MANY.items():
            if name != "postmortem" or Postmortem.objects.filter(incident=one).exists():
                assert faults(document(path.format(one.public_id), now), name) == [], path
    for one in Maintenance.objects.all():
        for path in ("/api/v2/incidents/{}.json", "/incidents/{}.json"):
            assert faults(document(path.format(one.public_id), now), ONE_OF_MANY[path]) == [], path


def test_every_key_of_our_own_stands_somewhere_on_that_page(db):
    full_page.fill(NOW)
    now = after(minutes=5)
    fall_silent(now)
    sent = "".join(json.dumps(document(path, now)) for path in DOCUMENTS)
    own = {"unknown", "workaround", "postmortem_url", "ended_at", "duration_s", "cancelled"}
    assert {key for key in own if f'"{key}"' not in sent} == set()


def test_an_empty_page_is_what_the_schemas_say(db):
    for path, name in DOCUMENTS.items():
        assert faults(document(path, NOW), name) == [], path


# Statuspage's own documents, captured from 2017 to 2026

OF_A_CHANGE = ("code", "old_status", "new_status")  # a sentence stood in its place when nothing changed
LATER = {  # what captures do not have that are older than it, or from which it was cut
    "legacy": {"started_at", "reminder_intervals", "start_date", "components", *OF_A_CHANGE},
    "webhook": {"started_at", "start_date", "group", "only_show_if_degraded", "tweet_id"},
}
OF_THEN = ("cloudflare_2019", "discord_2022-02_incidents", "emma", "github_2019", "github_2020", "huobi")
KINDS = (*sorted({*DOCUMENTS.values()}, key=len, reverse=True), "webhook")


def captures():
    for path in sorted(CAPTURED.glob("*.json")):
        name = next(kind for kind in KINDS if kind.replace("-", "_") in path.stem)
        later = LATER["webhook" if name == "webhook" else "legacy"]
        is_old = name == "webhook" or path.stem.startswith(OF_THEN)
        yield pytest.param(path, name, later if is_old else set(), id=path.stem)


def without(schema, later):
    """The schema of a time when these keys were not yet."""
    if isinstance(schema, list):
        return [without(one, later) for one in schema]
    if not isinstance(schema, dict):
        return schema
    told = {key: value if key == "if" else without(value, later) for key, value in schema.items()}
    if "required" in told and isinstance(told["required"], list):
        told["required"] = [key for key in told["required"] if key not in later]
    return told


@pytest.mark.parametrize(("path", "name", "later"), [*captures()])
def test_what_statuspage_sent_is_what_the_unmarked_part_says(path, name, later):
    part = {one: without(theirs(schema), later) for one, schema in SCHEMAS.items()}
    body = json.loads(path.read_text())
    assert faults(body, name, part) == []
    assert faults(body, name, {one: without(schema, later) for one, schema in SCHEMAS.items()}) == []


def test_ours_without_what_is_marked_is_a_document_of_statuspages(db):
    full_page.fill(NOW)
    now = after(minutes=5)
    fall_silent(now)
    part = {name: theirs(schema) for name, schema in SCHEMAS.items()}
    own = {
        "unknown",
        "workaround",
        "postmortem_url",
        "ended_at",
        "duration_s",
        "cancelled",
        "old_unknown",
        "new_unknown",
    }

    def plain(value):
        if isinstance(value, list):
            return [plain(one) for one in value]
        if isinstance(value, dict):
            return {key: plain(one) for key, one in value.items() if key not in own}
        return value

    for path, name in DOCUMENTS.items():
        if path.startswith("/api/v2/"):
            assert faults(plain(document(path, now)), name, part) == [], path
