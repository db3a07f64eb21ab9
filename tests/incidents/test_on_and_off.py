"""A service that fails on and off is degraded, with one incident, which ends when it is steady."""

import pytest

from components.models import Component, Flip, Probe
from incidents import automation
from incidents.lifecycle import Kind
from incidents.models import Incident
from tests import making
from tests.incidents.test_maintenance import plan
from tests.making import after, found

LETTERS = {"u": "up", "d": "down"}


def watched(*names):
    """Of the last ten checks, so that stories are short; `test_by_default…` has what new probes have."""
    return making.watched(*names, unsteady_window=10)


def lives(probe, story, start=0):
    """One check a minute."""
    for minute, letter in enumerate(story, start):
        found(probe, LETTERS[letter], after(minutes=minute))
        automation.advance(after(minutes=minute))
    probe.refresh_from_db()
    return probe


def posts():
    return [update.body for update in Incident.objects.get().updates.filter(kind=Kind.POST)]


def status():
    return Component.objects.get().status


@pytest.mark.parametrize("story", ["u" + "du" * 8, "u" + "duu" * 5])
def test_it_is_degraded_once_with_one_incident(db, story):
    probe = lives(watched(), story)
    assert (probe.outcome, status(), probe.fails_on_and_off) == ("degraded", "degraded_performance", True)
    incident = Incident.objects.get()
    assert incident.title == "API is failing on and off"
    assert posts()[0].startswith("API is failing on and off (since 08:01 UTC). Our monitoring detected this")
    assert len(posts()) == 1
    assert Flip.objects.filter(failure="on_and_off").count() == 1
    facts = list(incident.updates.filter(kind=Kind.FACT).values_list("body", flat=True))
    assert "Confirmed automatically by the changes among the last 10 checks" in facts


def test_by_default_of_the_last_21_checks(db):
    probe = lives(making.watched(), "u" + "du" * 4)
    assert (probe.outcome, probe.unsteady_window) == ("up", 21)
    assert not Incident.objects.exists()
    probe = lives(probe, "d", start=9)
    assert (probe.outcome, status()) == ("degraded", "degraded_performance")
    flip = Flip.objects.get(failure="on_and_off")
    assert flip.why.startswith("5 of the last 21 checks failed, on and off.")
    assert flip.at == after(minutes=1)


def test_a_batch_of_quiet_results_is_remembered_as_what_they_were(db):
    """The row of a probe whose result is as its verdict is not read: the database moves its memory on."""
    probe = lives(watched(), "u" + "d" * 8)
    fresh = Probe.objects.get()
    assert (fresh.outcome, fresh.recent) == ("down", int("10" * 8, 2))
    assert len(fresh.recent_bad) <= 2
    lives(probe, "uu", start=9)
    assert Probe.objects.get().recent == int("10" * 8 + "0000", 2)


def test_it_ends_when_it_has_been_steady(db):
    probe = lives(watched(), "u" + "du" * 3 + "u" * 9)
    assert (probe.outcome, status(), probe.unsteady) == ("up", "operational", 0)
    assert posts()[1].startswith("API has recovered (08:06 UTC).")
    lives(probe, "u" * 10, start=16)
    incident = Incident.objects.get()
    assert incident.resolved_at is not None
    assert len(posts()) == 3


def test_an_outage_in_between_is_the_same_story(db):
    probe = lives(watched(), "u" + "du" * 3 + "dd")
    assert (probe.outcome, status()) == ("down", "major_outage")
    lives(probe, "uudu", start=9)
    assert (Probe.objects.get().outcome, status()) == ("degraded", "degraded_performance")
    lives(probe, "u" * 30, start=13)
    assert Incident.objects.get().resolved_at is not None
    assert [post.partition(" (")[0].partition(" since")[0] for post in posts()] == [
        "API is failing on and off", "API has worsened", "API has improved", "API has recovered",
        "API was not working normally from 08:01 UTC to 08:12 UTC",
    ]  # fmt: skip


@pytest.mark.parametrize("story", ["udu", "uduuuuuuuuudu", "uduud"])
def test_a_few_bad_checks_are_no_incident(db, story):
    assert lives(watched(), story).outcome == "up"
    assert not Incident.objects.exists()


def test_two_in_a_row_and_then_steady_is_an_outage_as_ever(db):
    probe = lives(watched(), "udduu")
    assert (probe.outcome, status()) == ("up", "operational")
    assert Incident.objects.get().title == "API is returning errors"


def test_good_results_are_counted_in_the_row(db):
    probe = lives(watched(), "udud")
    assert probe.recent == 0b10_00_10
    lives(probe, "uuu", start=4)
    assert Probe.objects.get().recent == 0b10_00_10_00_00_00
    for minute in range(7, 40):
        found(probe, "up", after(minutes=minute))
    assert Probe.objects.get().recent == 0


def test_pointed_elsewhere_paused_or_silent_it_begins_anew(db):
    for change in ("target", "pause", "silence"):
        probe = lives(watched(change), "u" + "du" * 3)
        assert probe.fails_on_and_off
        if change == "target":
            moved = Probe.objects.get(pk=probe.pk)
            moved.target = "http://127.0.0.1:10/"
            moved.save()
        elif change == "pause":
            probe.pause(after(minutes=8))
            probe.resume(after(minutes=9))
        else:
            found(probe, "up", after(hours=3), gap=True)
        fresh = Probe.objects.get(pk=probe.pk)
        assert (fresh.recent, fresh.recent_bad, fresh.unsteady) == (0, [], 0)
        Component.objects.all().delete()
        Incident.objects.all().delete()


# What else may happen meanwhile


def test_when_nobody_looks_any_more_it_promises_nothing(db):
    probe = lives(watched(), "u" + "du" * 3)
    probe.pause(after(minutes=8))
    automation.advance(after(minutes=9))
    assert posts()[-1].startswith("We no longer check API automatically")
    assert Incident.objects.get().next_update_at is None


def test_staff_who_let_the_probes_speak_again_get_the_incident(db):
    probe = watched()
    Component.objects.get().say_by_hand("degraded_performance", after(seconds=-1))
    lives(probe, "u" + "du" * 3)
    assert not Incident.objects.exists()
    Component.objects.get().release(after(minutes=8), judge_at=after(minutes=8))
    automation.advance(after(minutes=9))
    automation.judge(after(minutes=9))
    assert Incident.objects.get().title == "API is failing on and off"


def test_planned_work_that_ends_while_it_fails_on_and_off_leaves_an_incident(db):
    probe = watched()
    work = plan(probe.component, starts=after(minutes=1), ends=after(hours=1), now=after(minutes=-9))
    work.begin(after(minutes=1))
    lives(probe, "u" + "du" * 4, start=2)
    assert not Incident.objects.exists()
    automation.complete_maintenance(work, after(minutes=11))
    assert Incident.objects.get().title == "API is failing on and off"
