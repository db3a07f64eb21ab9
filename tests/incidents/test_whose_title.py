"""Whether a title is the machine's, to be replaced, or people's, to be kept."""

import time
from datetime import timedelta
from itertools import permutations

import pytest

from incidents import automation, generated_text
from incidents.models import Incident
from tests.making import NOW, fell, rose, watched

OF = ["Web", "API", "Web and API", "Chat, eu", "Files", "Files"]


def test_whatever_the_machine_makes_of_some_of_the_names_is_its_own():
    for length in range(1, len(OF) + 1):
        for some in permutations(OF, length):
            for failure in ("status", "dns", ""):
                assert generated_text.is_ours(generated_text.title(some, failure), OF), some


@pytest.mark.parametrize(
    "title",
    [
        "Card payments are not working",
        "Web are not working",
        "Web and Mail are not working",
        "Logins to Web and API are not working",
        "Web and API for customers in Asia are not working",
        "Web, API and Mail are not working",
        "Web and Web are not working",
        "Files, Files and Files are not working",
        "Web, API and 1 more are not working",
        "Web, API and 5 more are not working",
        "Web, API and 02 more are not working",
        "Web, API and ² more are not working",
        "Web, Web and 3 more are not working",
        " are not working",
        "Web is returning errors again",
    ],
)
def test_what_people_wrote_stays_theirs(title):
    assert not generated_text.is_ours(title, OF)


def test_of_a_single_component_nothing_is_said_in_the_plural():
    assert not generated_text.is_ours("Web and API are not working", ["Web"])
    assert not generated_text.is_ours("Web, API and 2 more are not working", ["Web", "API", "Chat"])


@pytest.mark.parametrize(
    "of",
    [
        [f"Component number {number}" for number in range(500)],
        [", ".join(["A"] * number) for number in range(1, 501)],
        [" and ".join(["A"] * number) for number in range(1, 501)],
    ],
)
def test_it_takes_no_time_with_as_many_as_there_may_be(of):
    texts = [generated_text.title(of, ""), f"{', '.join(of)} and no other are not working"]
    began = time.perf_counter()
    told = [generated_text.is_ours(text, of) for text in texts]
    assert told == [True, False]
    assert time.perf_counter() - began < 1


def test_a_title_that_people_wrote_is_kept_to_the_end(db):
    web, chat = (watched(name, position=n) for n, name in enumerate(("Web", "Chat")))
    for probe in (web, chat):
        fell(probe)
    incident = Incident.objects.get()
    incident.amend(NOW, title="Card payments are not working")
    for probe in (web, chat):
        rose(probe, NOW + timedelta(minutes=5))
    automation.advance(NOW + timedelta(minutes=30))
    incident.refresh_from_db()
    assert (incident.phase, incident.title) == ("resolved", "Card payments are not working")
