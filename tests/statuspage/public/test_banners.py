"""The first lines of a page while several incidents are open: each says what is its own."""

from datetime import timedelta

import pytest

from components.models import Component
from incidents.models import Incident, Post
from statuspage.public import page_model
from statuspage.public.world import gather_world
from tests.making import NOW, after, fell, found, joining, rose, watched


@pytest.fixture
def two(db):
    """API is down since 40 minutes ago, and Chat since a minute ago: an incident each."""
    joining("never")
    api, chat = watched("API"), watched("Chat", position=2)
    found(watched("Search", position=3), "up", after(minutes=38))
    found(chat, "up", after(minutes=-1))
    fell(api, NOW)
    fell(chat, after(minutes=39))
    found(api, "down", after(minutes=39, seconds=30))
    return api, chat


def overview(now):
    return page_model.overview(gather_world(now), {}, now)


def facts(banner):
    return {fact.label: fact.at or fact.text for fact in banner.facts}


def promised(at, of="API"):
    Incident.objects.filter(title__startswith=of).update(next_update_at=at)


def test_the_first_line_tells_the_earliest_start_and_promise_of_what_it_names(two):
    promised(after(minutes=45))
    promised(after(minutes=69), of="Chat")
    banner = overview(after(minutes=40)).banner
    assert banner.headline == "API and Chat are down"
    assert facts(banner) == {
        "Started": NOW, "Now": "Investigating", "Next update by": after(minutes=45),
    }  # fmt: skip


def test_what_the_first_line_does_not_name_lends_it_no_start(two):
    api, _ = two
    api.down_status = "degraded_performance"
    api.save()
    api.component.refresh(after(minutes=39, seconds=40))
    Incident.objects.get(title__startswith="API").affected.update(status="degraded_performance")
    promised(after(minutes=45))
    banner = overview(after(minutes=40)).banner
    assert banner.headline == "Chat is down"
    assert facts(banner)["Started"] == after(minutes=39)
    assert facts(banner)["Next update by"] > after(minutes=60)

    promised(after(minutes=35))  # but no promise that has passed is hidden
    banner = overview(after(minutes=40)).banner
    assert facts(banner)["Next update was due"] == after(minutes=35)


def test_it_is_as_far_along_as_the_least_far_of_those_that_it_names(two):
    first = Incident.objects.get(title__startswith="API")
    first.post(Post("Found.", phase="identified"), now=after(minutes=39))
    assert facts(overview(after(minutes=40)).banner)["Now"] == "Investigating"


def test_while_all_that_failed_is_watched_the_first_line_says_what_has_recovered(two):
    api, chat = two
    rose(api, after(minutes=41))
    assert overview(after(minutes=41, seconds=10)).banner.headline == "Chat is down"
    rose(chat, after(minutes=42))
    banner = overview(after(minutes=42, seconds=10)).banner
    assert (banner.headline, banner.eyebrow) == ("Chat and API have recovered", "Monitoring the fix")
    assert facts(banner)["Started"] == NOW
    Component.objects.filter(name="Chat").update(is_shown=False)
    assert overview(after(minutes=42, seconds=10)).banner.headline == "API has recovered"


def test_a_component_with_two_incidents_tells_the_worse_and_every_promise_that_has_passed(two):
    api, _ = two
    Incident.objects.open(
        "Slow since this morning", "We look.", now=after(minutes=39), components=[api.component],
        next_update_at=after(minutes=39, seconds=50), started_at=NOW - timedelta(hours=4),
    )  # fmt: skip
    promised(after(minutes=60))
    seen = gather_world(after(minutes=40))
    banner = page_model.component_page(seen, seen.components[0], {}, seen.now).banner
    assert facts(banner)["Next update was due"] == after(minutes=39, seconds=50)


def test_a_card_lists_what_is_its_own_as_not_working_and_what_works_of_all(two):
    cards = {card.title.split()[0]: card for card in overview(after(minutes=40)).incidents}
    assert {name: card.not_working for name, card in cards.items()} == {"API": ("API",), "Chat": ("Chat",)}
    assert {card.working for card in cards.values()} == {("Search",)}
