"""What staff type into Django's admin: refused naming the field and the mend, or kept whole."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth import get_user_model
from django.utils import timezone

from components.models import Component, Group, Page, Probe
from components.status import Status
from incidents.tasks import fall_silent
from tests.making import fell, found, watched


@pytest.fixture
def staff(client, db):
    client.force_login(get_user_model().objects.create_superuser("ada", password="x"))
    return client


def fields(**changes):
    component = Component.objects.first() or Component.objects.create(name="API")
    return {
        "component": component.pk, "name": "", "kind": "http", "target": "https://example.org/",
        "interval_s": 60, "timeout_s": 10, "retry_s": 5, "region": "local",
        "confirm_down": 2, "confirm_up": 2,
        "down_status": "major_outage", "http__method": "GET", "http__follow_redirects": "on",
        "http__expected_status": "200-299", "dns__record_type": "A", **changes,
    }  # fmt: skip


def test_a_probe_with_options_is_kept_whole(staff):
    answer = staff.post(
        "/admin/components/probe/add/",
        fields(http__headers="X-Key: 42\nAccept: text/plain", http__expect_regex="ok|well"),
    )
    assert answer.status_code == 302
    assert Probe.objects.get().options == {
        "headers": "X-Key: 42\nAccept: text/plain",
        "expect_regex": "ok|well",
    }
    page = staff.get(f"/admin/components/probe/{Probe.objects.get().pk}/change/").content.decode()
    assert "ok|well" in page


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"target": "example"}, "target", "with http:// or https://"),
        ({"target": "http://exa mple.org/"}, "target", "spaces"),
        ({"target": "http://10.0.0.1/"}, "target", "EGRESS_ALLOW"),
        ({"target": "http://0x7f.1/"}, None, ""),
        ({"target": "http://169.254.169.254/latest"}, "target", "EGRESS_ALLOW"),
        ({"http__expect_regex": "(a"}, "http__expect_regex", "RE2"),
        ({"http__json_path": "$.["}, "http__json_path", "JSON path"),
        ({"http__expected_status": "abc"}, "http__expected_status", "200-299,301"),
        ({"http__headers": "nonsense"}, "http__headers", "Name: value"),
        ({"interval_s": 4, "timeout_s": 3}, "interval_s", "every 5 seconds"),
        ({"interval_s": 86_401}, "interval_s", "once a day"),
        ({"interval_s": "soon"}, "interval_s", "whole number"),
        ({"timeout_s": 61, "interval_s": 600}, "timeout_s", "at most 60"),
        ({"timeout_s": 30, "interval_s": 10}, "timeout_s", "longer than the interval"),
        ({"name": "x" * 300}, "name", "120"),
        ({"kind": "carrier pigeon"}, "kind", "not one of the available choices"),
        ({"kind": "tcp", "target": "example.org"}, "target", "host:port"),
    ],
)
def test_bad_input_is_refused_naming_the_field_and_the_mend(staff, changes, field, words):
    answer = staff.post("/admin/components/probe/add/", fields(**changes))
    if field is None:  # loopback is on the test's own allow list, however it is spelled
        assert answer.status_code == 302
        return
    errors = answer.context["adminform"].form.errors
    assert list(errors) == [field]
    assert words in " ".join(errors[field])
    assert not Probe.objects.exists()


def test_a_component_with_a_probe_in_a_row(staff):
    rows = {
        "probes-TOTAL_FORMS": 1, "probes-INITIAL_FORMS": 0, "probes-0-kind": "tcp",
        "probes-0-target": "example.org:22", "probes-0-interval_s": 60, "probes-0-timeout_s": 10,
    }  # fmt: skip
    whole = {"name": "SSH", "position": 1, "is_shown": "on", "auto_incidents": "publish"} | rows
    assert staff.post("/admin/components/component/add/", whole).status_code == 302
    assert Probe.objects.get().component.name == "SSH"
    bad = whole | {"name": "Web", "probes-0-target": "example.org"}
    answer = staff.post("/admin/components/component/add/", bad)
    assert "host:port" in answer.content.decode()
    assert not Component.objects.filter(name="Web").exists()


def test_a_name_of_300_characters_is_refused(staff):
    answer = staff.post(
        "/admin/components/component/add/",
        {"name": "x" * 300, "position": 1, "auto_incidents": "publish", "probes-TOTAL_FORMS": 0,
         "probes-INITIAL_FORMS": 0},
    )  # fmt: skip
    assert "at most 120 characters" in answer.content.decode()
    assert not Component.objects.exists()


def test_pausing_the_only_probe_makes_its_component_unknown_at_once(staff):
    probe = watched(target="https://example.org/")
    found(probe, "up", probe.created_at)
    before = Page.objects.version()
    answer = staff.post(
        f"/admin/components/probe/{probe.pk}/change/", fields(component=probe.component_id, is_paused="on")
    )
    assert answer.status_code == 302
    assert Component.objects.get().status == Status.UNKNOWN
    assert Page.objects.version() > before


@pytest.mark.parametrize("what", ["probe", "component"])
def test_those_deleted_at_once_leave_the_page_as_each_does(staff, what):
    one, other = watched(target="https://example.org/"), watched("Shop", target="https://example.org/")
    for probe in (one, other):
        fell(probe)
    before = Page.objects.version()
    chosen = [one.pk, other.pk] if what == "probe" else [one.component_id, other.component_id]
    choice = {"action": "delete_selected", "_selected_action": chosen, "post": "yes"}
    assert staff.post(f"/admin/components/{what}/", choice).status_code == 302
    assert not Probe.objects.exists()
    assert {one.status for one in Component.objects.all()} <= {Status.UNKNOWN}
    assert Page.objects.version() > before


def test_a_group_that_is_deleted_leaves_the_page(staff):
    group = Group.objects.create(name="Shop")
    watched(group=group)
    before = Page.objects.version()
    staff.post(f"/admin/components/group/{group.pk}/delete/", {"post": "yes"})
    assert Component.objects.get().group is None
    assert Page.objects.version() > before


def test_a_probe_given_to_another_component_turns_none_of_its_past(db):
    now = datetime.fromtimestamp(int(timezone.now().timestamp()), UTC)
    probe, other = watched(target="https://example.org/", confirm_down=3), watched("Shop")
    for one in (probe, other):
        found(one, "up", now - timedelta(minutes=30))
    for seconds in (600, 180):
        found(probe, "down", now - timedelta(seconds=seconds))
    moved = Probe.objects.get(pk=probe.pk)
    moved.component = other.component
    moved.save()
    for component in Component.objects.all():
        component.refresh(timezone.now())
    found(other, "up", now + timedelta(seconds=200))
    fall_silent(now + timedelta(seconds=250))  # nothing came since
    assert Probe.objects.get(pk=probe.pk).outcome == "unknown"
    rows = [(span.status, span.started_at >= now) for span in other.component.spans.all()]
    assert rows == [("operational", False), ("unknown", True)]


def test_failures_for_one_component_confirm_no_outage_of_another(db):
    now = datetime.fromtimestamp(int(timezone.now().timestamp()), UTC)
    probe, other = watched(target="https://example.org/", confirm_down=3), watched("Shop")
    for one in (probe, other):
        found(one, "up", now - timedelta(minutes=30))
    for seconds in (60, 50):
        found(probe, "down", now - timedelta(seconds=seconds))
    moved = Probe.objects.get(pk=probe.pk)
    moved.component = other.component
    moved.save(update_fields=["component"])
    for seconds in (5, 15, 25):
        found(moved, "down", now + timedelta(seconds=seconds))
    assert other.component.spans.get(ended_at=None).started_at == now + timedelta(seconds=5)


def test_a_status_set_by_hand_shows_at_once_and_lasts_until_emptied(staff):
    probe = watched()
    found(probe, "up", probe.created_at)
    whole = {
        "name": "API", "position": 1, "is_shown": "on", "auto_incidents": "publish",
        "manual_status": "partial_outage", "probes-TOTAL_FORMS": 0, "probes-INITIAL_FORMS": 0,
    }  # fmt: skip
    address = f"/admin/components/component/{probe.component_id}/change/"
    staff.post(address, whole)
    assert Component.objects.get().status == Status.PARTIAL_OUTAGE
    staff.post(address, whole | {"manual_status": ""})
    assert Component.objects.get().status == Status.OPERATIONAL


def test_renaming_a_group_shows(staff):
    group = Group.objects.create(name="Old")
    before = Page.objects.version()
    staff.post(f"/admin/components/group/{group.pk}/change/", {"name": "New", "position": 1})
    assert Group.objects.get().name == "New"
    assert Page.objects.version() > before
