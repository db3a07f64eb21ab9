"""What staff read beside the editor while they write an update."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components import failures
from incidents import generated_text
from incidents.style_check import MAX_WARNINGS, Remark, remarks

NOW = datetime(2026, 3, 14, 8, 0, tzinfo=UTC)
CLEAR = "Sending messages does not work for all customers. Search works as usual."
LAST = "Chat did not work from 08:00 to 09:30. The cause was a full disk. No data was lost."


def read(text, phase="investigating", components=(), has_promise=True):
    return remarks(text, phase=phase, components=components, has_promise=has_promise)


def good(*args, **kwargs):
    return [one.text for one in read(*args, **kwargs) if one.is_good]


def found(text, **kwargs):
    """The words it stumbles over in a text that is otherwise clear."""
    return [one.word for one in read(f"{CLEAR} {text}", **kwargs) if not one.is_good]


@pytest.mark.parametrize("phase", ["investigating", "identified", "monitoring"])
def test_an_update_that_answers_everything_gets_three_ticks(phase):
    assert read(CLEAR, phase) == (
        Remark(True, "Says what is broken"),
        Remark(True, "Says what works"),
        Remark(True, "Next update is set"),
    )


@pytest.mark.parametrize("text", ["", "We are looking into it.", "We do not yet know how long this takes."])
def test_an_update_that_says_nothing_is_asked_three_questions(text):
    assert read(text, has_promise=False) == (
        Remark(False, "What does not work, and for whom?"),
        Remark(False, "What still works?"),
        Remark(False, "When is the next update? Promise a time."),
    )


def test_a_last_word_that_answers_everything_gets_four_ticks():
    assert read(LAST, "resolved", has_promise=False) == (
        Remark(True, "Says what did not work"),
        Remark(True, "Says how long"),
        Remark(True, "Says the cause"),
        Remark(True, "Says whether anything was lost"),
    )


def test_a_last_word_that_says_nothing_is_asked_four_questions():
    assert [one.text for one in read("All is well.", "resolved", has_promise=False)] == [
        "What did not work, and for whom?",
        "How long did it last?",
        "What was the cause?",
        "Was anything lost? Say so if not.",
    ]


@pytest.mark.parametrize(
    ("text", "is_said"),
    [
        ("Chat does not work.", True),
        ("Chat doesn’t open.", True),
        ("You can't sign in.", True),
        ("Customers cannot\r\npay.", True),
        ("Payments fail.", True),
        ("Chat refuses new connections.", True),
        ("Search is slow.", True),
        ("Mail is delayed.", True),
        ("Chat is DOWN.", True),
        ("Phones lost their connection.", True),
        ("Chat isn't working.", True),
        ("Search is back. Chat still isn’t.", True),
        ("Chat isn't affected.", False),
        ("We aren't sure.", False),
        ("Chat works.", False),
        ("We do not know yet.", False),
        ("We cannot say more.", False),
        ("This does not affect sign-in.", False),
        ("You do not need to do anything.", False),
        ("Search answers without errors.", False),
        ("You can download it.", False),
        ("{What does not work}", False),
        ("See https://example.org/down", False),
        ("Error tracking works.", False),
    ],
)
def test_it_knows_whether_the_text_says_what_is_broken(text, is_said):
    assert ("Says what is broken" in good(text, components=["Error tracking"])) == is_said


@pytest.mark.parametrize(
    ("text", "is_said"),
    [
        ("Search works.", True),
        ("Search and Mail work as usual.", True),
        ("Search and Mail work.", True),
        ("Sign-in is not affected.", True),
        ("Sign-in isn’t affected.", True),
        ("Sign-in is unaffected.", True),
        ("Your messages are safe.", True),
        ("No message that was sent is lost.", True),
        ("Search is working normally.", True),
        ("Search is working again for all customers.", True),
        ("Chat recovered at 09:00 UTC.", True),
        ("Chat has not recovered yet.", False),
        ("Chat hasn't fully recovered.", False),
        ("We are working on it.", False),
        ("Chat still isn't working.", False),
        ("Chat does not work.", False),
        ("Chat still does not work as usual.", False),
        ("Chat doesn't work as usual.", False),
        ("Chat no longer works.", False),
        ("Nothing works.", False),
        ("Chat works slowly.", False),
        ("We work on it.", False),
        ("The network is slow.", False),
        ("{What works}", False),
    ],
)
def test_it_knows_whether_the_text_says_what_works(text, is_said):
    assert ("Says what works" in good(text)) == is_said


def test_that_it_works_again_says_what_was_broken_once_it_is_fixed():
    assert "Says what is broken" in good("Chat works again since 09:10.", "monitoring")
    assert "Says what is broken" not in good("Chat works again since 09:10.", "identified")


@pytest.mark.parametrize(
    ("text", "is_said"),
    [
        ("for 2 h 10 min", True),
        ("(31 min)", True),
        ("a 31-minute outage", True),
        ("1.5 hours", True),
        ("It took two hours.", True),
        ("half an hour", True),
        ("from 08:00 to 09:30", True),
        ("from 08:00 UTC to 09:30 UTC", True),
        ("08:00–09:30", True),
        ("between 8 am and 9 am", True),
        ("from 23:00 to 3 May, 01:00", True),
        ("since 08:00", False),
        ("for a while", False),
        ("2 hats", False),
        ("from {time} to {time} ({duration})", False),
    ],
)
def test_it_knows_whether_the_last_word_says_how_long(text, is_said):
    assert ("Says how long" in good(text, "resolved")) == is_said


@pytest.mark.parametrize(
    ("text", "is_said"),
    [
        ("caused by a disk", True),
        ("because it was full", True),
        ("due to a fault", True),
        ("The root was", True),
        ("The reason:", True),
        ("a full disk", False),
        ("{Cause}", False),
    ],
)
def test_it_knows_whether_the_last_word_says_the_cause(text, is_said):
    assert ("Says the cause" in good(text, "resolved")) == is_said


@pytest.mark.parametrize(
    ("text", "is_said"),
    [
        ("Nothing was lost.", True),
        ("without loss", True),
        ("Phones lost their connection.", False),
        ("Glossy", False),
    ],
)
def test_it_knows_whether_the_last_word_says_what_was_lost(text, is_said):
    assert ("Says whether anything was lost" in good(text, "resolved")) == is_said


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("Some users may see this.", "Some users may"),
        ("You may experience delays.", "may experience"),
        ("A small number of accounts.", "A small number of"),
        ("Intermittent issues.", "Intermittent issues"),
        ("A minor fault.", "minor"),
        ("slightly late", "slightly"),
        ("Some users\r\nmay see this.", "Some users\r\nmay"),
        ("Sorry!!!", "!"),
        ("It was human error.", "human error"),
        ("It was the vendor’s fault.", "vendor’s fault"),
        ("Our supplier knows.", "supplier"),
        ("It will be fixed by noon.", "will be fixed by"),
        ("It should be back in an hour.", "should be back in"),
        ("More shortly.", "shortly"),
        ("More soon.", "soon"),
        ("Back as soon as possible.", "as soon as possible"),
        ("Fixed ASAP.", "ASAP"),
        ("Safeguard restarts.", "Safeguard"),
        ("Two pods.", "pods"),
        ("A node left the room.", "node"),
        ("The backend.", "backend"),
        ("The connection pool.", "connection pool"),
        ("The load balancer.", "load balancer"),
        ("Many 5xx.", "5xx"),
        ("It says HTTP 503.", "HTTP 503"),
        ("A rollback.", "rollback"),
        ("A failover.", "failover"),
        ("On chat-gw-2.", "chat-gw-2"),
        ("For {whom}.", "{whom}"),
        ("For {whom|all}.", "{whom|all}"),
    ],
)
def test_words_that_help_nobody_are_pointed_at(text, word):
    assert found(text) == [word]


@pytest.mark.parametrize(
    "text",
    [
        "We will write again by 08:30 UTC, or as soon as this changes.",
        "503 customers.",
        "Podcasts and clustering.",
        "https://example.org/soon!",
        "![picture]",
        "Sooner or later.",
        "{{whom}}",
    ],
)
def test_harmless_words_are_left_in_peace(text):
    assert found(text) == []


def test_a_word_is_jargon_unless_customers_know_it_as_a_component():
    assert found("The Load balancer rests.", components=["Load", "Load balancer", ""]) == []
    assert found("The Load balancer rests.", components=["Chat (EU)"]) == ["Load balancer"]


def test_jargon_and_open_blanks_are_named_in_the_remark():
    texts = [one.text for one in read("Safeguard failed for {whom}.") if one.word]
    assert texts == ["“{whom}” is not filled in yet.", "“Safeguard”: explain or leave out?"]


def test_a_word_used_twice_is_pointed_at_once():
    assert found("A pod, a Pod, a\npod! Really!") == ["pod", "!"]


def test_nobody_is_shown_more_than_eight_warnings():
    text = "{whom} minor soon pod node cluster backend upstream rollback supplier slight!"
    warnings = [one for one in read(text, has_promise=False) if not one.is_good]
    assert len(warnings) == MAX_WARNINGS == 8
    assert warnings[3].word == "{whom}"


@pytest.mark.parametrize("failure", [*failures.ROWS, "timeout"])
def test_the_machine_writes_as_we_ask_people_to(failure):
    until = NOW + timedelta(minutes=30)
    text = generated_text.opened(["Web app"], failure, working=["Search"], since=NOW, until=until)
    assert all(one.is_good for one in read(text, components=["Web app", "Search"]))


@pytest.mark.parametrize(
    "piece",
    [
        "a",
        " ",
        "\n",
        "!",
        "{",
        "{a",
        "no ",
        "some a ",
        "1:00 to ",
        "a-",
        "http://",
        "soon ",
        "we do not ",
        "'",
    ],
)
@pytest.mark.parametrize("phase", ["investigating", "resolved"])
def test_a_long_text_is_read_at_once(piece, phase):
    # a quadratic scan would take minutes
    read(piece * 50_000, phase, components=["a a", "Chat"])


@settings(deadline=None)  # a busy machine is no failure
@given(
    st.text() | st.text(alphabet="{}!’İ not work\n"),
    st.sampled_from(["investigating", "identified", "monitoring", "resolved"]),
    st.lists(st.text()),
    st.booleans(),
)
def test_no_text_is_too_odd_to_remark_on(text, phase, components, has_promise):
    told = read(text, phase, components, has_promise)
    assert all(one.text for one in told)
    assert all(one.word in text for one in told)
    assert sum(not one.is_good for one in told) <= MAX_WARNINGS
