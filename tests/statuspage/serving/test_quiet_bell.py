"""The public bell rings for what strangers can read, and for nothing else. Its token is the version."""

import pytest

from components import pulse
from components.models import Component, Group, Page, Probe
from components.status import Status
from incidents import automation, handover, postmortem_draft
from incidents.models import ActionItem, Draft, Incident, Postmortem, Template, Update
from statuspage.models import Role
from subscribers.models import Subscriber
from tests.making import NOW, after, component, fell, group, rose, watched
from tests.people import person
from tests.subscribers.making import mail

WORK = {"title": "Move", "body": "We move.", "starts_at": "2030-01-01T01:00", "ends_at": "2030-01-01T02:00",
        "notice_h": 24}  # fmt: skip
PROBE = {"kind": "http", "name": "", "interval_s": 60, "timeout_s": 10, "retry_s": 5, "confirm_down": 2,
         "confirm_up": 2, "down_status": "major_outage", "region": "local", "http__method": "GET",
         "http__expected_status": "200-299", "http__follow_redirects": "on"}  # fmt: skip


class World:
    """A shown component with a public incident, a hidden one with a suggestion, and an admin at work."""

    def __init__(self, client) -> None:
        self.client = client
        self.me = person("ada", Role.ADMIN)
        client.force_login(self.me)
        self.shown, self.hidden = watched("API"), watched("Backstage", shown=False)
        fell(self.shown)
        self.public = Incident.objects.get()
        fell(self.hidden, after(hours=1))
        self.draft = Incident.objects.get(published_at=None)

    def post(self, address, **data):
        answer = self.client.post(f"/console/{address}", data)
        assert answer.status_code in (200, 302), answer.content.decode()[-900:]
        return answer

    def report(self):
        """The postmortem of the public incident, not published."""
        Incident.objects.filter(pk=self.public.pk).update(phase="resolved", resolved_at=after(minutes=30))
        self.public.refresh_from_db()
        return postmortem_draft.create(self.public, author=self.me, now=after(minutes=40))


@pytest.fixture
def world(client, db):
    return World(client)


def note(world):
    world.post(f"incidents/{world.public.public_id}/note", body="Just for us.")
    assert Update.objects.filter(body="Just for us.").exists()


def edited_note(world):
    update = world.public.note("Just for us.", after(minutes=2), author=world.me)
    world.public.edit(update, "Just for us!", after(minutes=3), author=world.me)


def typed_update(world):
    world.post(f"incidents/{world.public.public_id}/saved", body="We are", phase="investigating", title="")
    assert Draft.objects.exists()


def held_suggestion(world):
    world.post(f"incidents/{world.draft.public_id}/hold")


def amended_suggestion(world):
    world.draft.amend(after(minutes=70), title="Another")


def rejected_suggestion(world):
    world.post(f"incidents/{world.draft.public_id}/delete")


def new_suggestion(world):
    fell(watched("Search", shown=False, auto="suggest"), after(hours=3))


def postmortem(world):
    report = world.report()
    report.keep({"summary": "It fell."}, after(minutes=50), author=world.me)
    item = ActionItem.objects.create(postmortem=report, text="Mend it")
    item.move("doing", after(minutes=51))
    report.withdraw()


def hidden_turns(world):
    rose(world.hidden, after(hours=2))
    fell(world.hidden, after(hours=3))
    assert Component.objects.get(name="Backstage").status == Status.MAJOR_OUTAGE


def hidden_by_hand(world):
    component = world.hidden.component
    world.post(f"components/{component.public_id}/edit", name="Behind", manual_status="partial_outage",
               auto_incidents="publish")  # fmt: skip
    assert Component.objects.get(pk=component.pk).name == "Behind"


def hidden_is_new(world):
    world.post("components/new", name="New", auto_incidents="publish")
    assert Component.objects.filter(name="New", is_shown=False).exists()


def hidden_is_deleted(world):
    world.draft.delete_softly(after(hours=2))
    world.post(f"components/{world.hidden.component.public_id}/delete")
    assert not Component.objects.filter(name="Backstage").exists()


def hidden_probe(world):
    probe = world.hidden.public_id
    world.post(f"probes/{probe}/pause")
    world.post(f"probes/{probe}/resume")
    world.post(f"probes/{probe}/edit", **PROBE | {"name": "x", "target": "http://example.org/"})
    world.post(f"probes/{probe}/delete")
    world.post(f"components/{world.hidden.component.public_id}/probe", **PROBE, target="http://example.org/")
    assert Probe.objects.filter(component=world.hidden.component).count() == 1


def probe_is_sure_later(world):
    probe = world.shown
    Probe.objects.filter(pk=probe.pk).update(kind="http", target="http://example.org/", retry_s=5)
    world.post(
        f"probes/{probe.public_id}/edit", **PROBE | {"target": "http://example.org/", "confirm_down": 3}
    )
    assert Probe.objects.get(pk=probe.pk).confirm_down == 3


def another_rule(world):
    world.post(f"components/{world.shown.component.public_id}/edit", name="API", is_shown="on",
               auto_incidents="suggest", shows_evidence="on")  # fmt: skip
    assert Component.objects.get(name="API").auto_incidents == "suggest"


def empty_group(world):
    made = Group.objects.create(name="Empty")
    Page.objects.filter(pk=1).update(version=Page.objects.version())
    world.post(f"groups/{made.public_id}", name="Still empty")
    world.post(f"groups/{made.public_id}/delete")


def template(world):
    world.post("templates/new", kind="update", name="A text", body="We look.")
    assert Template.objects.filter(name="A text").exists()


def subscribers(world):
    made = mail("a@example.org")
    made.note = "x"
    made.save()
    made.delete()
    assert not Subscriber.objects.exists()


def admin_of_hidden(world):
    answer = world.client.post(f"/admin/components/probe/{world.hidden.pk}/delete/", {"post": "yes"})
    assert answer.status_code == 302
    assert not Probe.objects.filter(pk=world.hidden.pk).exists()


QUIET = [
    note,
    edited_note,
    typed_update,
    held_suggestion,
    amended_suggestion,
    rejected_suggestion,
    new_suggestion,
    postmortem,
    hidden_turns,
    hidden_by_hand,
    hidden_is_new,
    hidden_is_deleted,
    hidden_probe,
    probe_is_sure_later,
    another_rule,
    empty_group,
    template,
    subscribers,
    admin_of_hidden,
]


@pytest.mark.parametrize("act", QUIET, ids=lambda act: act.__name__)
def test_what_only_staff_read_rings_no_bell(world, act, django_capture_on_commit_callbacks, monkeypatch):
    rung = []
    # where the program ends and Redis begins
    monkeypatch.setattr(pulse, "send", lambda token, channel=pulse.CHANNEL: rung.append(channel))
    before = Page.objects.values("version", "forgotten", "updated_at").get()
    with django_capture_on_commit_callbacks(execute=True):
        act(world)
    assert Page.objects.values("version", "forgotten", "updated_at").get() == before
    assert pulse.CHANNEL not in rung


def edited(world):
    update = world.public.updates.filter(kind="post").first()
    world.public.edit(update, "Better words.", after(minutes=2))


def published(world):
    automation.publish(world.draft, after(hours=2))


def deleted(world):
    world.public.delete_softly(after(minutes=5))


def restored(world):
    Incident.objects.filter(pk=world.public.pk).update(deleted_at=NOW)
    handover.restore(world.public, after(minutes=5))


def handed_over(world):
    handover.take_over(world.public, after(minutes=5), author=world.me)


def second_outage_of_an_owned_incident(world):
    Incident.objects.filter(pk=world.public.pk).update(is_owned=True)
    rose(world.shown, after(minutes=2))


def published_report(world):
    report = world.report()
    Postmortem.objects.filter(pk=report.pk).update(summary="a", root_cause="b")
    report.refresh_from_db()
    report.publish(after(hours=1))


def hidden_one_is_shown(world):
    world.post(f"components/{world.hidden.component.public_id}/show", is_shown="yes")


def shown_one_is_hidden(world):
    world.post(f"components/{world.shown.component.public_id}/edit", name="API", auto_incidents="publish")


def renamed_probe(world):
    Probe.objects.filter(pk=world.shown.pk).update(kind="http")
    world.post(
        f"probes/{world.shown.public_id}/edit", **PROBE | {"name": "Eu", "target": "http://example.org/"}
    )


def moved(world):
    component("Web")
    for _ in range(2):  # first past the hidden one, which nobody sees
        world.post("components/move", item=f"c:{world.shown.component.public_id}", way="down")


def filled_group(world):
    made = group("Front")
    Component.objects.filter(pk=world.shown.component_id).update(group=made)
    world.post(f"groups/{made.public_id}", name="Back")


def work(world):
    world.post("maintenance/new", **WORK)


def turned(world):
    rose(world.shown, after(minutes=2))


LOUD = [
    edited,
    published,
    deleted,
    restored,
    handed_over,
    second_outage_of_an_owned_incident,
    published_report,
    hidden_one_is_shown,
    shown_one_is_hidden,
    renamed_probe,
    moved,
    filled_group,
    work,
    turned,
]


@pytest.mark.parametrize("act", LOUD, ids=lambda act: act.__name__)
def test_what_strangers_read_rings(world, act):
    before = Page.objects.version()
    act(world)
    assert Page.objects.version() > before
