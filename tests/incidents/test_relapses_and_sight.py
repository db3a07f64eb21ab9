"""A relapse takes in what fails with it; lost sight is neither a failure nor its end."""

import pytest

from components.status import Status
from incidents import automation
from incidents.models import Incident, Update
from incidents.tasks import fall_silent
from tests.making import after, fell, found, rose, watched


@pytest.fixture
def pair(db):
    """API fell at 08:00 and was well again at 08:05; Chat has always been well."""
    api, chat = watched(), watched("Chat")
    found(chat, "up", after(seconds=-60))
    fell(api)
    rose(api, after(minutes=5))
    return api, chat


def down(probe, **at):
    found(probe, "down", after(**at))


def turns(first, last, step=1):
    for minutes in range(first, last, step):
        automation.advance(after(minutes=minutes))


def told():
    return list(Incident.objects.live())


@pytest.mark.parametrize("resolved_first", [False, True], ids=["while watching", "after resolved"])
@pytest.mark.parametrize("order", ["relapse first", "other first"])
def test_what_fails_beside_a_relapse_is_the_same_story(pair, resolved_first, order):
    api, chat = pair
    start = 10 if resolved_first else 6
    turns(6, start)
    assert bool(Incident.objects.get().resolved_at) == resolved_first
    first, second = (api, chat) if order == "relapse first" else (chat, api)
    down(first, minutes=start)
    down(second, minutes=start, seconds=1)
    down(first, minutes=start, seconds=5)
    down(second, minutes=start, seconds=6)
    (incident,) = [one for one in told() if one.resolved_at is None]
    assert set(incident.troubled()) == {"API", "Chat"}


def test_a_failure_long_after_the_relapse_is_a_story_of_its_own(pair):
    api, chat = pair
    fell(api, after(minutes=6))
    fell(chat, after(minutes=30))
    assert len(told()) == 2


# Sight


def blind(at):
    fall_silent(at)


@pytest.fixture
def lost(db):
    """API fell at 08:00, and nothing is heard of it since."""
    api = watched()
    fell(api)
    blind(after(minutes=20))
    api.component.refresh_from_db()
    assert api.component.status == Status.UNKNOWN
    return api


def words(kind="post"):
    return [update.body for update in Update.objects.filter(kind=kind).order_by("number")]


def test_while_we_see_nothing_we_do_not_say_that_it_still_fails(lost):
    turns(21, 100, 3)
    after_the_first = words()[1:]
    assert after_the_first
    for text in after_the_first:
        assert "still not working" not in text
        assert "We have no check results for API" in text
        assert "next update by" in text


def test_what_is_seen_again_as_it_was_has_not_failed_again(lost):
    down(lost, minutes=31)
    down(lost, minutes=31, seconds=10)
    assert not Update.objects.filter(step="again").exists()
    assert words("fact")[-1].startswith("We have check results for API again since")
    assert words("fact")[-1].endswith("major outage.")


def test_what_is_seen_again_and_works_has_recovered(lost):
    rose(lost, after(minutes=31))
    assert Incident.objects.get().recovered_since is not None
    assert "API has recovered" in words()[-1]


def test_what_had_recovered_before_we_lost_sight_fails_again(db):
    api = watched()
    fell(api)
    rose(api, after(minutes=3))
    blind(after(minutes=20))
    down(api, minutes=31)
    down(api, minutes=31, seconds=10)
    assert Update.objects.filter(step="again").exists()


def test_the_title_of_a_relapse_names_what_fails_again(db):
    web, chat, files = (watched(name, position=n) for n, name in enumerate(("Web", "Chat", "Files")))
    for n, probe in enumerate((web, chat, files)):
        fell(probe, after(seconds=n))
    for n, probe in enumerate((web, chat, files)):
        rose(probe, after(minutes=5, seconds=n))
    incident = Incident.objects.get()
    assert incident.title == "Web, Chat and Files are not working"
    found(web, "down", after(minutes=6))
    found(web, "down", after(minutes=6, seconds=10))
    incident.refresh_from_db()
    assert incident.title == "Web is returning errors"

    rose(web, after(minutes=8))
    automation.advance(after(minutes=30))
    incident.refresh_from_db()
    assert (incident.phase, incident.title) == ("resolved", "Web, Chat and Files are not working")


def test_a_title_that_people_wrote_stays_in_a_relapse(db):
    web = watched("Web")
    fell(web)
    incident = Incident.objects.get()
    incident.amend(after(minutes=1), title="Orders fail")
    rose(web, after(minutes=5))
    found(web, "down", after(minutes=6))
    found(web, "down", after(minutes=6, seconds=10))
    incident.refresh_from_db()
    assert incident.title == "Orders fail"
