"""Undo gives back every field of an incident that a post can change, and nothing forgets one silently."""

import pytest

from components.models import Component
from incidents import automation, undoing
from incidents.models import Incident, Post
from incidents.models.before import CHANGED_BY_POST
from tests.making import after, component, fell, found, rose, watched

UNDO_S = 20
NEITHER = {"updated_at"}  # a stamp of the row, not a fact of the incident


def suggested():
    """An automatic suggestion whose countdown runs."""
    fell(watched("API", auto="delay"))


def public():
    """An automatic incident that everybody reads."""
    fell(watched("API"))


def recovering():
    """All of it is healthy again, and settles."""
    probe = watched("API")
    fell(probe)
    rose(probe, after(minutes=2))


def monitored():
    """Staff have posted that it is fixed."""
    public()
    Incident.objects.get().post(Post("Fixed.", phase="monitoring"), now=after(minutes=3))


def resolved():
    """Over, with a workaround from when it was not."""
    public()
    incident = Incident.objects.get()
    incident.post(Post("We look.", phase="identified", workaround="Wait."), now=after(minutes=3))
    incident.post(Post("Over.", phase="resolved"), now=after(minutes=4))


def words(**more):
    return lambda: Post("We look.", phase="identified", undo_s=UNDO_S, **more)


def another_fails():
    """A component that no probe checks is reported down."""
    docs = Component.objects.filter(name="Docs").first() or component("Docs")
    return Post("Docs too.", phase="identified", undo_s=UNDO_S, statuses={docs: "major_outage"})


def all_of_it():
    return words(title="API is slow", workaround="Use the app.", next_update_at=after(hours=1))()


def fixed():
    return Post("Fixed.", phase="monitoring", undo_s=UNDO_S)


def over():
    return Post("Over.", phase="resolved", undo_s=UNDO_S)


def back():
    return words(reopens=True, workaround="Try again.")()


BEFORE = [suggested, public, recovering, monitored, resolved]
POSTS = [all_of_it, another_fails, fixed, over, back]
AFTER_THE_END = [over, back]  # a resolved incident takes only what leaves it resolved, or reopens it
CASES = [(start, sent) for start in BEFORE for sent in (AFTER_THE_END if start is resolved else POSTS)]


def fields():
    incident = Incident.objects.get()
    return {f.attname: getattr(incident, f.attname) for f in Incident._meta.concrete_fields}


def changed(old, new):
    return {name for name in old if old[name] != new[name]} - NEITHER


def posted(start, sent):
    """Which fields the post changed; which of them undo did not give back."""
    start()
    automation.advance(after(minutes=2, seconds=20))
    old = fields()
    update = Incident.objects.get().post(sent(), now=after(minutes=5))
    made = changed(old, fields())
    undoing.undo(Incident.objects.get(), update, after(minutes=5))
    return made, changed(old, fields())


@pytest.mark.django_db
@pytest.mark.parametrize(("start", "sent"), CASES, ids=lambda case: case.__name__)
def test_undo_gives_back_every_field_that_the_post_changed(start, sent):
    made, left = posted(start, sent)
    assert made <= set(CHANGED_BY_POST)
    assert not left


def test_undo_leaves_a_beginning_that_was_corrected_meanwhile(db):
    recovering()
    automation.advance(after(minutes=2, seconds=20))
    update = Incident.objects.get().post(another_fails(), now=after(minutes=5))
    assert Incident.objects.get().well_s > 0
    Incident.objects.get().amend(after(minutes=5), started_at=after(minutes=-1))
    undoing.undo(Incident.objects.get(), update, after(minutes=5))
    incident = Incident.objects.get()
    assert (incident.started_at, incident.well_s) == (after(minutes=-1), 0)


def test_time_without_trouble_before_a_relapse_is_counted_once_when_an_update_is_undone(db):
    probe = watched("API")
    fell(probe)
    rose(probe, after(minutes=2))
    update = Incident.objects.get().post(fixed(), now=after(minutes=2, seconds=15))
    for seconds in (20, 24):
        found(probe, "down", after(minutes=2, seconds=seconds))
    assert Incident.objects.get().well_s == 20
    undoing.undo(Incident.objects.get(), update, after(minutes=2, seconds=30))
    assert Incident.objects.get().well_s == 20
