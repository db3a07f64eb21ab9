"""The public API in the shape clients of Statuspage parse, key for key (docs/api.md)."""

import json
import re
from pathlib import Path

import pytest

from components.models import Component
from incidents import automation
from incidents.models import Incident, Post
from incidents.tasks import fall_silent
from statuspage.api import views
from tests.making import NOW, after, fell, found, group, rose, watched

PAGE = {"id": str, "name": str, "url": str, "time_zone": str, "updated_at": "time"}
COMPONENT = {
    "id": str, "name": str, "status": str, "created_at": "time", "updated_at": "time", "position": int,
    "description": (str, None), "showcase": bool, "start_date": (str, None), "group_id": (str, None),
    "page_id": str, "group": bool, "only_show_if_degraded": bool,
}  # fmt: skip
UPDATE = {
    "id": str, "status": str, "body": str, "incident_id": str, "created_at": "time", "updated_at": "time",
    "display_at": "time", "affected_components": (list, None), "deliver_notifications": bool,
    "custom_tweet": (None,), "tweet_id": (None,),
}  # fmt: skip
INCIDENT = {
    "id": str, "name": str, "status": str, "created_at": "time", "updated_at": "time",
    "monitoring_at": ("time", None), "resolved_at": ("time", None), "impact": str, "shortlink": str,
    "started_at": "time", "page_id": str, "incident_updates": list, "components": list,
    "reminder_intervals": (None,),
}  # fmt: skip
TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(Z|[+-]\d\d:\d\d)$")


def body(name, now=NOW, at=None):
    return json.loads(getattr(views, name).gather(now).render(at or now))


def holds(row, shape):
    """Exactly these keys, each of its kind."""
    assert set(row) == set(shape)
    for key, kinds in shape.items():
        assert any(_is(row[key], kind) for kind in (kinds if isinstance(kinds, tuple) else (kinds,))), key


def _is(value, kind):
    if kind is None:
        return value is None
    if kind == "time":
        return isinstance(value, str) and bool(TIME.match(value))
    return isinstance(value, kind) and not (kind is int and isinstance(value, bool))


def story():
    ours = group()
    one, two = watched("Web app", group=ours), watched("API", group=ours, position=2)
    found(two, "up", after(minutes=-1))
    fell(one)
    return one, two


def test_the_keys_of_every_body(db):
    story()
    now = after(minutes=1)
    assert list(body("summary", now)) == [
        "page", "components", "incidents", "scheduled_maintenances", "status"]  # fmt: skip
    assert list(body("status", now)) == ["page", "status"]
    assert list(body("components", now)) == ["page", "components"]
    assert list(body("incidents", now)) == ["page", "incidents"]
    holds(body("status", now)["page"], PAGE)


def test_what_customers_can_do_is_a_key_of_our_own_while_it_lasts(db):
    story()
    incident = Incident.objects.get()
    incident.post(Post("We look.", phase="identified", workaround="Use the *app*."), now=after(minutes=1))
    (row,) = body("summary", after(minutes=2))["incidents"]
    holds(row, INCIDENT | {"workaround": str})
    assert row["workaround"] == "Use the *app*."
    incident.post(Post("Over.", phase="resolved"), now=after(minutes=3))
    holds(body("incidents", after(minutes=4))["incidents"][0], INCIDENT)


def test_rows_groups_and_incidents_key_for_key(db):
    story()
    found_ = body("summary", after(minutes=1))
    rows = [row for row in found_["components"] if not row["group"]]
    (parent,) = (row for row in found_["components"] if row["group"])
    for row in rows:
        holds(row, COMPONENT)
        assert row["group_id"] == parent["id"]
    holds(parent, {**COMPONENT, "components": list})
    assert parent["components"] == [row["id"] for row in sorted(rows, key=lambda row: row["position"])]
    assert parent["status"] == "major_outage"
    (incident,) = found_["incidents"]
    holds(incident, INCIDENT)
    for update in incident["incident_updates"]:
        holds(update, UPDATE)
    assert found_["scheduled_maintenances"] == []


def test_public_ids_are_12_lower_case_consonants_and_digits(db):
    story()
    summary = body("summary", after(minutes=1))
    ids = [row["id"] for row in (*summary["components"], *summary["incidents"], summary["page"])]
    assert all(re.fullmatch(r"[0-9bcdfghjklmnpqrstvwxyz]{12}", one) for one in ids)
    assert len(set(ids)) == len(ids)


def test_updates_come_newest_first_and_tell_what_changed(db):
    one, _ = story()
    rose(one, after(minutes=5))
    (incident,) = body("incidents", after(minutes=6))["incidents"]
    assert [update["status"] for update in incident["incident_updates"]] == ["monitoring", "investigating"]
    change = incident["incident_updates"][-1]["affected_components"]
    assert [(c["name"], c["old_status"], c["new_status"]) for c in change] == [
        ("Widgetify - Web app", "operational", "major_outage")
    ]


def test_the_rollup(db):
    one, two = story()
    assert body("status", after(minutes=1))["status"] == {
        "indicator": "major", "description": "Partial System Outage"}  # fmt: skip
    rose(one, after(minutes=5))
    automation.advance(after(hours=1))
    for probe in (one, two):
        found(probe, "up", after(hours=1))
    assert body("status", after(hours=1))["status"] == {
        "indicator": "none", "description": "All Systems Operational"}  # fmt: skip


def test_unknown_is_never_sent_as_operational(db):
    story()
    fall_silent(after(minutes=10))
    rows = {row["name"]: row for row in body("components", after(minutes=10))["components"]}
    assert rows["API"]["status"] == "degraded_performance"
    assert rows["API"]["unknown"] is True


def test_resolved_incidents_are_in_the_list_and_not_in_the_summary(db):
    one, _ = story()
    rose(one, after(minutes=5))
    automation.advance(after(hours=1))
    assert body("summary", after(hours=1))["incidents"] == []
    assert body("incidents", after(hours=1))["incidents"][0]["status"] == "resolved"


def test_times_on_a_page_of_another_zone_carry_its_offset(db, settings):
    settings.PAGE_TIME_ZONE = "America/Los_Angeles"
    story()
    found_ = body("summary", after(minutes=1))
    assert found_["page"]["time_zone"] == "America/Los_Angeles"
    assert found_["incidents"][0]["created_at"] == "2026-11-12T00:00:10.000-08:00"


def test_an_update_that_changed_no_component_says_null(db):
    story()
    Incident.objects.get().post(Post("We look.", phase="identified"), now=after(minutes=1))
    (incident,) = body("incidents", after(minutes=2))["incidents"]
    assert incident["incident_updates"][0]["affected_components"] is None


def test_suggestions_and_hidden_components_are_not_sent(db):
    fell(watched("Secret", shown=False))
    fell(watched("Later", auto="suggest"))
    summary = body("summary", after(minutes=1))
    assert [row["name"] for row in summary["components"]] == ["Later"]
    assert all("Later" not in incident["name"] for incident in summary["incidents"])


@pytest.mark.parametrize("name", ["summary", "status", "components", "incidents"])
def test_an_empty_page_has_lists_not_nulls(db, name):
    assert Component.objects.count() == 0
    found_ = body(name)
    assert all(value == [] for key, value in found_.items() if key not in ("page", "status"))


@pytest.mark.parametrize(
    ("name", "shape"),
    [("page", PAGE), ("component", COMPONENT), ("incident", INCIDENT), ("incident update", UPDATE)],
)
def test_the_documentation_names_every_key(name, shape):
    text = (Path(__file__).resolve().parents[2] / "docs" / "api.md").read_text()
    paragraph = text.split(f"**{name}** ")[1].split("\n\n")[0]
    assert set(shape) <= set(re.findall(r"`([a-z_]+)`", paragraph))


def test_every_public_address_is_documented():
    from statuspage.urls import urlpatterns

    told = "".join(path.read_text() for path in (Path(__file__).resolve().parents[2] / "docs").glob("*.md"))
    for pattern in urlpatterns:
        address = str(pattern.pattern)
        if address.startswith(("api/", "history.", "healthz")):
            address = address.replace("<slug:public_id>", "<id>")
            assert f"/{address}`" in told, address
