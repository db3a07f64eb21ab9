"""The whole life of an incident in the hands of people."""

from datetime import timedelta
from functools import partial
from io import StringIO

import pytest
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command

from components.models import Component
from components.status import Status
from incidents import automation, handover, undoing
from incidents.lifecycle import Kind
from incidents.models import Draft, Incident, Post
from incidents.undoing import TooLateError
from tests.making import NOW, after, fell, group, rose, watched


@pytest.fixture
def ada(db):
    return get_user_model().objects.create_user("ada")


@pytest.fixture
def bo(db):
    return get_user_model().objects.create_user("bo")


def posts(incident):
    return [one.body for one in incident.updates.filter(kind=Kind.POST)]


def again(incident):
    return Incident.objects.get(pk=incident.pk)


def suggested(**more):
    probe = watched("Chat", auto="suggest", **more)
    fell(probe)
    return probe, Incident.objects.get()


def test_a_suggestion_is_published_by_the_first_word(ada):
    probe, incident = suggested()
    assert incident.is_suggestion
    incident.post(
        Post(
            "Chat refuses connections.",
            phase="identified",
            title="Chat refuses new connections",
            statuses={probe.component: "partial_outage"},
        ),
        now=after(minutes=1),
        author=ada,
    )
    incident = again(incident)
    assert (incident.title, incident.phase, incident.is_owned) == (
        "Chat refuses new connections", "identified", True,
    )  # fmt: skip
    assert Component.objects.get().status == Status.PARTIAL_OUTAGE
    assert incident.updates.last().changes[0][2:] == ["major_outage", "partial_outage"]


def test_an_undone_update_leaves_everything_as_it_was(ada):
    probe, incident = suggested()
    before = Incident.objects.filter(pk=incident.pk).values().get()
    update = incident.post(
        Post("Wrong.", phase="resolved", undo_s=20, statuses={probe.component: "operational"}),
        now=after(minutes=1),
        author=ada,
    )
    # resolved: the probes speak again
    assert Component.objects.get().status == Status.MAJOR_OUTAGE
    undoing.undo(again(incident), update, after(minutes=1, seconds=19))
    later = Incident.objects.filter(pk=incident.pk).values().get()
    assert {k: v for k, v in later.items() if before[k] != v}.keys() <= {"updated_at"}
    assert incident.affected.get().is_auto_open
    assert incident.updates.get(kind=Kind.RETRACTED).body == "Wrong."


def test_undo_gives_back_the_status_that_was_set_by_hand(ada):
    probe, incident = suggested()
    statuses = {probe.component: "partial_outage"}
    incident.post(Post("One.", phase="identified", statuses=statuses), now=after(minutes=1), author=ada)
    statuses = {probe.component: "degraded_performance"}
    update = incident.post(
        Post("Two.", phase="identified", undo_s=20, statuses=statuses), now=after(minutes=2), author=ada
    )
    undoing.undo(incident, update, after(minutes=2, seconds=5))
    component = Component.objects.get()
    assert (component.manual_status, component.status) == ("partial_outage", "partial_outage")


def test_what_customers_can_do_stays_until_it_is_changed_and_undo_brings_it_back(ada):
    _, incident = suggested()
    at = {"now": after(minutes=1), "author": ada}
    incident.post(Post("One.", phase="identified", workaround=" Use the **app**.\0 "), **at)
    incident.post(Post("Two.", phase="identified"), **at)
    assert again(incident).shown_workaround == "Use the **app**."
    update = incident.post(Post("Three.", phase="identified", workaround="", undo_s=20), **at)
    assert again(incident).shown_workaround == ""
    undoing.undo(again(incident), update, after(minutes=1, seconds=5))
    assert again(incident).shown_workaround == "Use the **app**."
    incident.post(Post("Over.", phase="resolved"), now=after(minutes=2), author=ada)
    assert again(incident).shown_workaround == ""
    incident.post(Post("Back.", phase="identified", reopens=True), now=after(minutes=3), author=ada)
    assert again(incident).shown_workaround == "Use the **app**."


def test_more_advice_than_fits_is_refused_with_the_update(ada):
    _, incident = suggested()
    with pytest.raises(ValidationError, match="longer than 500 characters"):
        incident.post(
            Post("One.", workaround="x" * 501, phase="identified"), now=after(minutes=1), author=ada
        )
    assert again(incident).is_suggestion
    with pytest.raises(ValidationError, match="longer than 500 characters"):
        incident.amend(after(minutes=1), workaround="x" * 501)
    incident.post(Post("One.", workaround="ж" * 500, phase="identified"), now=after(minutes=1), author=ada)
    assert len(again(incident).workaround) == 500


def test_after_its_time_or_after_another_word_undo_is_refused(ada, bo):
    _, incident = suggested()
    update = incident.post(Post("One.", phase="identified", undo_s=20), now=NOW, author=ada)
    with pytest.raises(TooLateError, match="too late"):
        undoing.undo(incident, update, after(seconds=20))
    incident.post(Post("Two.", phase="identified", undo_s=20), now=after(seconds=5), author=bo)
    with pytest.raises(TooLateError, match="posted since"):
        undoing.undo(incident, update, after(seconds=6))


def test_a_new_incident_that_is_undone_is_on_no_page(ada):
    probe = watched()
    incident = Incident.objects.open("Slow", "We look.", now=NOW, author=ada, undo_s=20,
                                     statuses={probe.component: "degraded_performance"})  # fmt: skip
    undoing.undo(incident, incident.updates.get(), after(seconds=3))
    assert not Incident.objects.public().exists()
    assert Component.objects.get().manual_status == ""


def test_words_that_were_posted_meanwhile_are_shown_before_ours_are_published(ada, bo):
    _, incident = suggested()
    seen = incident.updates.last().number
    incident.post(Post("Bo was quicker.", phase="identified", seen=seen), now=after(minutes=1), author=bo)
    with pytest.raises(ValidationError, match="Bo was quicker"):
        incident.post(Post("Mine.", phase="monitoring", seen=seen), now=after(minutes=2), author=ada)
    assert posts(again(incident))[-1] == "Bo was quicker."
    seen = incident.updates.last().number
    incident.post(Post("Mine.", phase="monitoring", seen=seen), now=after(minutes=2), author=ada)


def test_drafts_are_one_a_person(ada, bo):
    _, incident = suggested()
    for author, body in ((ada, "a"), (bo, "b"), (ada, "aa")):
        Draft.objects.keep(incident, author, {"body": body}, NOW)
    Draft.objects.keep(None, ada, {"body": "new"}, NOW)
    Draft.objects.keep(None, ada, {"body": "newer"}, NOW)
    assert sorted(draft.data["body"] for draft in Draft.objects.all()) == ["aa", "b", "newer"]
    assert [draft.data["body"] for draft in Draft.objects.beside(incident, ada, after(minutes=1))] == ["b"]
    assert Draft.objects.beside(incident, ada, after(minutes=6)) == []
    incident.post(Post("Done.", phase="identified"), now=NOW, author=ada)
    assert [draft.author for draft in Draft.objects.filter(incident=incident)] == [bo]


def test_the_machine_is_silent_while_people_have_it_and_speaks_again_when_handed_back(ada):
    probe = watched()
    fell(probe)
    incident = Incident.objects.get()
    handover.take_over(incident, after(minutes=1), author=ada)
    rose(probe, after(minutes=5))
    automation.advance(after(minutes=30))
    assert again(incident).resolved_at is None
    assert again(incident).updates.filter(kind=Kind.PROPOSAL).count() == 1
    handover.hand_back(again(incident), after(minutes=31), author=ada)
    automation.advance(after(minutes=40))
    assert again(incident).resolved_at is not None


def test_a_status_set_by_hand_does_not_hide_a_recovery_from_staff(ada):
    probe = watched()
    fell(probe)
    incident = Incident.objects.get()
    incident.post(
        Post("Partly.", phase="identified", statuses={probe.component: "partial_outage"}),
        now=after(minutes=1),
        author=ada,
    )
    rose(probe, after(minutes=5))
    automation.advance(after(minutes=20))
    assert again(incident).updates.filter(kind=Kind.PROPOSAL).exists()
    assert Component.objects.get().status == Status.PARTIAL_OUTAGE
    again(incident).post(Post("Over.", phase="resolved"), now=after(minutes=21), author=ada)
    assert Component.objects.get().status == Status.OPERATIONAL


def test_two_incidents_become_one(ada):
    one, two = watched("Web", auto="suggest"), watched("API", auto="suggest")
    fell(one, after(minutes=-30))
    fell(two)
    first, second = Incident.objects.order_by("created_at")
    automation.merge(second, first, after(minutes=1), author=ada)
    assert sorted(again(first).names()) == ["API", "Web"]
    assert again(first).affected.filter(is_auto_open=True).count() == 2
    assert [incident.pk for incident in Incident.objects.live()] == [first.pk]
    with pytest.raises(ValidationError, match="another incident"):
        automation.merge(first, first, NOW)
    rose(two, after(minutes=5))
    assert not Incident.objects.exclude(pk__in=(first.pk, second.pk)).exists()


def test_a_resolved_incident_is_reopened_only_on_purpose(ada):
    probe = watched()
    fell(probe)
    incident = Incident.objects.get()
    incident.post(Post("Over.", phase="resolved"), now=after(minutes=1), author=ada)
    with pytest.raises(ValidationError, match="reopen"):
        incident.post(Post("No.", phase="identified"), now=after(minutes=2), author=ada)
    incident.post(Post("It is back.", phase="investigating", reopens=True), now=after(minutes=2), author=ada)
    assert (again(incident).resolved_at, again(incident).phase) == (None, "investigating")


def test_what_is_not_an_incident_goes_and_the_next_failure_is_a_new_one(ada):
    probe, incident = suggested()
    incident.delete_softly(after(minutes=1), author=ada)
    rose(probe, after(minutes=5))
    fell(probe, after(minutes=10))
    assert Incident.objects.live().get().pk != incident.pk
    handover.restore(again(incident), after(minutes=11), author=ada)
    assert Incident.objects.live().count() == 2


def test_a_suggestion_publishes_itself_unless_held(ada, settings):
    settings.PUBLISH_DELAY_S = 90
    probe = watched("Chat", auto="delay")
    fell(probe)
    incident = Incident.objects.get()
    assert incident.publish_at == after(seconds=100)
    automation.advance(after(seconds=99))
    assert again(incident).is_suggestion
    automation.advance(after(seconds=100))
    assert again(incident).published_at == after(seconds=100)
    other = watched("Search", auto="delay")
    fell(other, after(minutes=5))
    held = Incident.objects.exclude(pk=incident.pk).get()
    held.hold()
    automation.advance(after(minutes=30))
    assert again(held).is_suggestion


def test_a_past_incident_is_written_down_without_changing_today(ada):
    probe = watched()
    past = Incident.objects.record(
        "Old outage", "It was the pool.", started_at=after(days=-30), ended_at=after(days=-30, hours=2),
        now=NOW, statuses={probe.component: "major_outage"}, author=ada,
    )  # fmt: skip
    assert (past.resolved_at, past.impact) == (after(days=-30, hours=2), "critical")
    assert not past.updates.get().notifies
    assert Component.objects.get().manual_status == ""
    with pytest.raises(ValidationError, match="end must be"):
        Incident.objects.record("x", "y", started_at=NOW, ended_at=NOW, now=NOW, statuses={})


def test_edits_keep_every_earlier_text(ada):
    _, incident = suggested()
    update = incident.post(Post("One.", phase="identified"), now=NOW, author=ada)
    for minute, body in ((1, "Two."), (2, "Three."), (3, "Three.")):
        incident.edit(update, body, after(minutes=minute), author=ada)
    assert [version.body for version in update.versions.all()] == ["One.", "Two."]
    assert (update.first_body, update.edited_at) == ("One.", after(minutes=2))


def test_nothing_is_dated_into_the_future_and_no_promise_is_past(ada):
    _, incident = suggested()
    with pytest.raises(ValidationError, match="future"):
        incident.post(Post("x", phase="identified", at=after(minutes=1)), now=NOW)
    with pytest.raises(ValidationError, match="passed"):
        incident.post(Post("x", phase="identified", next_update_at=NOW - timedelta(seconds=1)), now=NOW)
    with pytest.raises(ValidationError, match="future"):
        incident.amend(NOW, started_at=after(hours=1))
    incident.amend(NOW, started_at=after(hours=-1), impact_override="minor", title="Renamed")
    assert (again(incident).shown_impact, again(incident).title) == ("minor", "Renamed")


def test_a_joined_failure_is_told_to_staff_only_once_it_is_theirs(ada):
    ours = group()
    one, two = watched("Web", group=ours), watched("API", group=ours)
    fell(one)
    incident = Incident.objects.get()
    incident.post(Post("Ours.", phase="identified"), now=after(seconds=20), author=ada)
    fell(two, after(seconds=30))
    assert posts(again(incident))[-1] == "Ours."
    assert sorted(again(incident).names()) == ["API", "Web"]


def test_a_word_while_the_machine_waits_to_resolve_stops_it(ada):
    probe = watched()
    fell(probe)
    rose(probe, after(minutes=1))
    incident = Incident.objects.get()
    assert incident.settle_at is not None
    incident.post(Post("We are not sure yet.", phase="monitoring"), now=after(minutes=2), author=ada)
    automation.advance(after(hours=1))
    assert again(incident).resolved_at is None


def test_the_drafts_of_the_machine_are_never_published_by_a_persons_word(ada):
    ours = group()
    one, two = watched("Web", group=ours, auto="suggest"), watched("API", group=ours, auto="suggest")
    fell(one)
    fell(two, after(seconds=20))
    incident = Incident.objects.get()
    assert automation.draft(incident, after(seconds=40)).startswith(
        "Web and API are returning errors (since 08:00 UTC)."
    )
    update = incident.post(Post("My own.", phase="identified", undo_s=20), now=after(minutes=1), author=ada)
    assert posts(incident) == ["My own."]
    undoing.undo(incident, update, after(minutes=1, seconds=2))
    assert len(posts(incident)) == 1
    automation.publish(again(incident), after(minutes=2))
    assert len(posts(incident)) == 1


def test_from_the_shell_all_of_it_is_said_and_what_is_wrong_is_named(db):
    say, chat = partial(call_command, "post", stdout=StringIO()), Component.objects.create(name="Chat")
    hurt = ("--component", "Chat", "--status", "major_outage")
    say("new", "--title", "Slow", "--body", "We look.", "--workaround", "Use the app.", *hurt)
    say("last", "--phase", "identified", "--body", "Found.")
    incident = Incident.objects.get()
    assert (incident.phase, incident.workaround) == ("identified", "Use the app.")
    chat.refresh_from_db()
    assert chat.status == Status.MAJOR_OUTAGE
    for wrong, words in (
        (("--phase", "guessed"), "--phase: invalid choice: 'guessed'"),
        (("--component", "Chat", "--status", "bad"), "status: “bad” is not a status: use one of"),
        (("--status", "operational"), "--status needs --component"),
    ):
        with pytest.raises(CommandError, match=words):
            say("last", "--body", "Who knows.", *wrong)
    assert incident.updates.filter(kind=Kind.POST).count() == 2
