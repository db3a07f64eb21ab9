"""Two incidents become one: nothing is called well too soon, and no outage leaves the page."""

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone

from components.status import Status
from incidents import automation, handover
from incidents.lifecycle import Kind, Phase
from incidents.models import Incident, Notice
from tests.making import after, fell, found, joining, rose, watched
from tests.people import person


@pytest.fixture(autouse=True)
def settled_in_a_minute(settings):
    settings.SETTLE_S = 60


@pytest.fixture
def ada(db):
    joining("never")
    return person("ada")


def posts(incident) -> list[str]:
    return [update.body for update in incident.updates.filter(kind=Kind.POST)]


def again(incident) -> Incident:
    return Incident.objects.get(pk=incident.pk)


def minutes(first, last):
    """Time passes, minute by minute."""
    for minute in range(first, last + 1):
        automation.advance(after(minutes=minute))


def pair(**second):
    """Two probes that work, of API and Chat."""
    api, chat = watched(), watched("Chat", position=2, **second)
    for probe in (api, chat):
        found(probe, "up", after(minutes=-1))
        probe.refresh_from_db()
    return api, chat


def both() -> list[Incident]:
    return list(Incident.objects.order_by("pk"))


def test_an_outage_that_is_merged_into_a_recovery_ends_it(ada):
    api, chat = pair()
    fell(api)
    rose(api, after(minutes=5))
    fell(chat, after(minutes=5, seconds=20))
    first, second = both()
    automation.merge(second, first, after(minutes=5, seconds=40), author=ada)
    assert (first.phase, posts(first)[-1]) == (
        Phase.INVESTIGATING,
        "Chat is returning errors (since 08:05 UTC). We're investigating and will post the next update by "
        "08:35 UTC.",
    )
    minutes(6, 12)
    assert again(first).resolved_at is None
    rose(chat, after(minutes=13))
    minutes(14, 15)
    assert again(first).phase == Phase.RESOLVED


def test_a_recovery_that_is_merged_into_an_outage_changes_nothing(ada):
    api, chat = pair()
    fell(api)
    rose(api, after(minutes=5))
    fell(chat, after(minutes=5, seconds=20))
    first, second = both()
    before = posts(second)
    automation.merge(first, second, after(minutes=5, seconds=40), author=ada)
    assert (posts(second), again(second).recovered_since) == (before, None)
    rose(chat, after(minutes=7))
    minutes(8, 9)
    assert again(second).phase == Phase.RESOLVED


def test_an_outage_is_not_put_away_in_one_that_is_over(ada, client):
    api, chat = pair()
    fell(api)
    rose(api, after(minutes=5))
    minutes(6, 7)
    fell(chat, after(minutes=11))
    first, second = both()
    with pytest.raises(ValidationError, match="is resolved: reopen it first, or merge it into this one"):
        automation.merge(second, first, after(minutes=12), author=ada)
    assert again(second).merged_into is None
    client.force_login(ada)
    offered = client.get(f"/console/incidents/{second.public_id}").content.decode()
    assert f'<option value="{first.public_id}"' not in offered
    automation.merge(first, second, after(minutes=12), author=ada)
    assert sorted(second.names()) == ["API", "Chat"]


def test_what_is_over_does_not_hide_that_the_same_component_fails_again(ada):
    api = watched()
    fell(api)
    rose(api, after(minutes=5))
    minutes(6, 7)
    fell(api, after(minutes=30))
    first, second = both()
    automation.merge(first, second, after(minutes=31), author=ada)
    assert second.affected.get().status == Status.MAJOR_OUTAGE
    assert second.affected.get().is_auto_open


def test_what_the_public_reads_stays_public_within_a_suggestion(ada):
    api, chat = pair(auto="suggest")
    fell(api)
    fell(chat, after(minutes=3))
    first, second = both()
    automation.merge(first, second, after(minutes=6), author=ada)
    second = again(second)
    assert second.published_at is not None
    assert posts(second) == [
        "API and Chat are returning errors (since 08:00 UTC). Our monitoring detected this automatically. "
        "We're investigating and will post the next update by 08:36 UTC, or as soon as this changes."
    ]
    assert Notice.objects.filter(incident=second).count() == 1
    answer = Client().get(f"/incidents/{first.public_id}", follow=True)
    assert answer.status_code == 200
    assert second.title in answer.content.decode()


def test_a_suggestion_within_a_suggestion_stays_one(ada):
    api, chat = watched(auto="suggest"), watched("Chat", auto="suggest")
    fell(api)
    fell(chat, after(minutes=3))
    first, second = both()
    automation.merge(first, second, after(minutes=6), author=ada)
    assert again(second).is_suggestion


def test_the_address_leads_on_through_a_chain(ada):
    one, two, three = (
        Incident.objects.open(f"No. {n}", "We look.", now=timezone.now(), author=ada) for n in range(3)
    )
    automation.merge(one, two, timezone.now(), author=ada)
    automation.merge(two, three, timezone.now(), author=ada)
    assert again(one).merged_into == three
    assert "No. 2" in Client().get(f"/incidents/{one.public_id}", follow=True).content.decode()


def test_the_other_was_deleted_or_merged_meanwhile(ada):
    one, two, three = (
        Incident.objects.open(f"No. {n}", "We look.", now=after(), author=ada) for n in range(3)
    )
    stale = again(two)
    again(two).delete_softly(after(minutes=1), author=ada)
    with pytest.raises(ValidationError, match="another incident"):
        automation.merge(one, stale, after(minutes=2), author=ada)
    handover.restore(again(two), after(minutes=3), author=ada)
    automation.merge(again(two), three, after(minutes=3), author=ada)
    with pytest.raises(ValidationError, match="another incident"):
        automation.merge(one, stale, after(minutes=4), author=ada)
    assert again(one).merged_into is None


def test_in_one_of_staff_an_outage_ends_the_question_whether_to_resolve(ada):
    api, chat = pair()
    fell(api)
    first = Incident.objects.get()
    handover.take_over(first, after(minutes=1), author=ada)
    rose(api, after(minutes=2))
    fell(chat, after(minutes=3))
    second = Incident.objects.exclude(pk=first.pk).get()
    automation.merge(second, first, after(minutes=4), author=ada)
    minutes(5, 20)
    assert not first.updates.filter(kind=Kind.PROPOSAL).exists()
    rose(chat, after(minutes=21))
    minutes(31, 32)
    assert first.updates.filter(kind=Kind.PROPOSAL).count() == 1
