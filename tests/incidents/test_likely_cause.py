"""Causes in drafts and, only where staff allow it, in public; deploys as facts."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from components.models import Component, DeployMarker, Probe
from components.outcomes import Failure, Reading
from components.tasks import prune
from incidents import automation, likely_cause, probe_facts
from incidents.lifecycle import Kind
from incidents.models import Incident
from tests.making import NOW, after, fell, found, watched

FULL = "FATAL: remaining connection slots are reserved for roles with the SUPERUSER attribute"


def sick(excerpt=FULL, status=500, **facts):
    return Reading(
        20.0, Failure.STATUS, f"Responded with {status}, which is not expected.", status_code=status,
        first_byte_ms=18.0, connect_ms=1.0, excerpt=excerpt, facts={"http_version": "HTTP/1.1", **facts},
    )  # fmt: skip


def fails(probe, reading):
    found(probe, "up", NOW - timedelta(seconds=60))
    found(probe, reading, NOW)
    found(probe, reading, NOW + timedelta(seconds=10))
    probe.refresh_from_db()


def first_update():
    return Incident.objects.get().updates.filter(kind=Kind.POST).first().body


def test_the_public_is_told_no_cause_unless_staff_allow_it(db):
    fails(watched(), sick())
    assert "Likely cause" not in first_update()
    assert likely_cause.of(Component.objects.get()).kind == "db_connections"


def test_where_staff_allow_it_the_first_update_says_it_in_our_own_words(db):
    probe = watched()
    Component.objects.update(shows_causes=True)
    fails(probe, sick(server="evil.example"))
    assert "Likely cause: its database has run out of connections. Our monitoring detected" in first_update()
    assert "SUPERUSER" not in first_update()
    assert "evil" not in first_update()


@pytest.mark.parametrize(
    "reading", [sick("Service Unavailable", 503), sick("Just a moment... challenge-platform", 403)]
)
def test_what_is_unsure_or_about_our_probe_is_not_public(db, reading):
    probe = watched()
    Component.objects.update(shows_causes=True)
    fails(probe, reading)
    assert "Likely cause" not in first_update()


def test_a_suggestion_has_the_cause_in_its_draft_for_staff(db):
    fails(watched(auto="suggest"), sick())
    incident = Incident.objects.get()
    assert "Likely cause: its database has run out of connections." in automation.draft(
        incident, after(minutes=1)
    )
    assert "Likely cause" not in first_update()


def test_another_version_in_a_good_answer_is_a_deploy(db):
    probe = watched()
    for minute, version in enumerate(["1", "1", "2", "1", "2", ""]):
        facts = {"app_version": version} if version else {}
        found(probe, Reading(20.0, status_code=200, facts=facts), after(minutes=minute))
    (marker,) = DeployMarker.objects.all()  # while it rolls out, both answer
    assert (str(marker), marker.at, marker.component) == ("version 2", after(minutes=2), probe.component)
    probe.refresh_from_db()
    assert probe.last_version == "2"
    found(probe, Reading(20.0, status_code=200, facts={"app_version": "3"}), after(minutes=30))
    assert DeployMarker.objects.count() == 2


@pytest.mark.parametrize("name", ["app_version", "etag"])
def test_a_version_of_any_length_fits_its_column(db, name):
    probe = watched()  # a remote region may send what it likes
    found(probe, Reading(20.0, status_code=200, facts={name: "7" * 300}), NOW)
    probe.refresh_from_db()
    assert 0 < len(probe.last_version) <= Probe._meta.get_field("last_version").max_length
    found(probe, Reading(20.0, status_code=200, facts={name: "7" * 300}), after(minutes=1))
    assert not DeployMarker.objects.exists()


def test_a_failing_answer_that_names_another_version_is_no_marker_and_a_reason(db):
    probe = watched()
    found(probe, Reading(20.0, status_code=200, facts={"app_version": "1"}), NOW - timedelta(seconds=60))
    for second in (0, 10):
        found(probe, sick("oops", 503, app_version="2"), NOW + timedelta(seconds=second))
    probe.refresh_from_db()
    assert not DeployMarker.objects.exists()
    assert probe.last_version == "1"
    assert likely_cause.of(probe.component).kind == "deploy"


def test_a_deploy_is_a_fact_of_its_component_and_of_all_when_it_names_none(db):
    ours, theirs = watched(), watched("Files", position=2)
    DeployMarker.objects.create(at=NOW - timedelta(seconds=40), text="v41", component=theirs.component)
    fell(ours)
    bad = probe_facts.newest_bad(ours)
    assert probe_facts.of(ours, bad).deployed_s is None
    DeployMarker.objects.create(at=NOW - timedelta(seconds=20), text="v42")
    facts = probe_facts.of(ours, bad)
    assert (facts.deployed_s, facts.deploy) == (20.0, "v42")


def test_the_neighbours_of_a_host_are_facts(db):
    probe = watched(kind="http", target="http://127.0.0.1:9/a")
    same, other = (
        watched("Same", kind="http", target="http://127.0.0.1:9/b"),
        watched("Other", kind="http", target="http://127.0.0.1:90/"),
    )
    for neighbour in (same, other):
        found(neighbour, "up", NOW - timedelta(seconds=60))
    fell(probe)
    facts = probe_facts.of(probe, probe_facts.newest_bad(probe))
    assert [name.partition(":")[0] for name in facts.same_host_answering] == ["Same"]
    assert facts.recent == "+--"
    Probe.objects.filter(pk=same.pk).update(target="http://[", options=7)  # a row that cannot be read
    assert probe_facts.of(probe, probe_facts.newest_bad(probe)).same_host_answering == ()


def mark(*arguments):
    out = StringIO()
    call_command("deploy_marker", *arguments, stdout=out)
    return out.getvalue()


def test_a_deploy_is_marked_from_the_shell(db):
    component = watched().component
    assert "Marked “v41” for all components at " in mark("v41")
    assert "for API at 2026-11-01 10:00:00 UTC" in mark(
        "v42", "--component", "API", "--at", "2026-11-01T10:00:00Z"
    )
    assert DeployMarker.objects.get(text="v42").component == component
    assert "for API" in mark("v43", "--component", component.public_id)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([""], "text: Write 1 to 200 characters"),
        (["x" * 300], "text: Write 1 to 200 characters"),
        (["v", "--component", "Nobody"], "--component: There is no component “Nobody”"),
        (["v", "--component", "Twin"], "--component: Several are called “Twin”"),
        (["v", "--at", "noon"], "--at: “noon” is not a time"),
        (["v", "--at", "2999-01-01T00:00:00Z"], "--at: That is in the future"),
    ],
)
def test_a_marker_that_cannot_be_is_refused_in_words(db, arguments, sentence):
    watched("Twin")
    watched("Twin", position=2)
    with pytest.raises(CommandError, match=sentence):
        mark(*arguments)
    assert not DeployMarker.objects.exists()


def test_old_markers_are_removed(db):
    now = DeployMarker.objects.create(at=NOW, text="x").at
    DeployMarker.objects.create(at=now - timedelta(days=400), text="old")
    DeployMarker.objects.filter(text="x").update(at=now + timedelta(days=36_500))
    prune()
    assert [str(marker) for marker in DeployMarker.objects.all()] == ["x"]


def test_another_etag_that_stays_is_a_deploy_that_weighs_half(db):
    probe = watched()
    for minute, etag in enumerate(["a", "a", "b", "b"]):
        found(probe, Reading(20.0, status_code=200, facts={"etag": etag}), after(minutes=minute))
    (marker,) = DeployMarker.objects.all()
    assert (str(marker), marker.source) == ("another ETag", "etag")
    for second in (0, 10):
        found(probe, sick("oops", 503), after(minutes=4, seconds=second))
    probe.refresh_from_db()
    facts = probe_facts.of(probe, probe_facts.newest_bad(probe))
    assert (facts.deploy_is_sure, facts.last_version) == (False, "")
    assert likely_cause.of(probe.component) is None  # one weak sign names nothing
