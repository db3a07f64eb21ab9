"""Texts with blanks: what staff write, and what comes out."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from incidents.placeholders import InvalidTemplateError, blanks, check, fill, written


@pytest.mark.parametrize(
    ("text", "values", "filled"),
    [
        ("", {}, ""),
        ("No blanks here.", {"what": "Chat"}, "No blanks here."),
        ("{What} does not work.", {"What": "Chat"}, "Chat does not work."),
        ("{What works} works.", {"what WORKS": "Search"}, "Search works."),
        ("{what  works }.", {"What works": "Search"}, "Search."),
        ("{next_update-at2}", {"next_update-at2": "08:30"}, "08:30"),
        ("{größe}", {"Größe": "12"}, "12"),
        ("for {whom}", {}, "for {whom}"),
        ("for {whom}", {"whom": ""}, "for {whom}"),
        ("for {whom|all customers}", {}, "for all customers"),
        ("for {whom|all customers}", {"whom": ""}, "for all customers"),
        ("for {whom|all customers}", {"whom": "you"}, "for you"),
        ("{Loss|No data was lost}.", {}, "No data was lost."),
        ("nothing{more|}", {}, "nothing"),
        ("{a|b|c}", {}, "b|c"),
        ("{a}{a}", {"a": "x"}, "xx"),
    ],
)
def test_blanks_take_their_value_or_their_fallback_or_stay_open(text, values, filled):
    assert fill(text, values) == filled


@pytest.mark.parametrize(
    ("text", "filled"),
    [("{{", "{"), ("}}", "}"), ("{{a}}", "{a}"), ("{{{a}}}", "{x}"), ("{{{{a}}}}", "{{a}}"), ("{a}}}", "x}")],
)
def test_doubled_braces_print_as_one(text, filled):
    assert fill(text, {"a": "x"}) == filled
    check(text)


@pytest.mark.parametrize("value", ["{b}", "{{b}}", r"\1 \g<name>", "{a}", "{a|b}", "%s", "<b>"])
def test_a_value_goes_in_as_it_is_and_is_not_read_again(value):
    assert fill("{a}", {"a": value, "b": "secret"}) == value


@pytest.mark.parametrize(
    "text", ["{a.b}", "{x!r}", "{0}", "{a[b]}", "{a:>9}", "{}", "{ a}", "{", "}", "{a {", "{a()}"]
)
def test_what_looks_like_code_is_left_alone(text):
    assert fill(text, {"a": "x", "x": "x", "0": "x", "": "x"}) == text
    assert blanks(text) == ()


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", ()),
        ("plain", ()),
        ("{What} and {whom}", ("What", "whom")),
        ("{What}, {what}, {WHAT}", ("What",)),
        ("{b} {a} {b|c}", ("b", "a")),
        ("{whom|all}", ("whom",)),
        ("{{whom}}", ()),
        ("{{{whom}}}", ("whom",)),
    ],
)
def test_open_blanks_are_named_once_in_their_order(text, names):
    assert blanks(text) == names


def test_an_open_blank_can_be_found_in_the_text_as_it_stands_there():
    assert written("for {Whom|all}, {whom}") == {"Whom": "{Whom|all}"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("for {whom", "“{whom” is not closed"),
        ("{", "“{” is not closed"),
        ("{{{", "“{” is not closed"),
        ("{a {b}}", "“{a {b}}” is not closed"),
        ("for whom}", "has no “{” before it"),
        ("{a}}", "has no “{” before it"),
        ("{{a}", "has no “{” before it"),
        ("{}", "has no name"),
        ("{  }", "has no name"),
        ("{|all}", "has no name"),
        ("{a.b}", "“a.b” cannot be a name"),
        ("{x!r}", "“x!r” cannot be a name"),
        ("{0}", "“0” cannot be a name"),
        ("{a[b]}", "“a[b]” cannot be a name"),
        ("{ a}", "“ a” cannot be a name"),
        ("{_a}", "“_a” cannot be a name"),
        ("{a\nb}", "cannot be a name"),
        ("{a:>9}", "“a:>9” cannot be a name"),
        ("{" + "a" * 61 + "}", "is too long: use at most 60"),
    ],
)
def test_a_template_that_is_wrong_says_how_to_mend_it(text, says):
    with pytest.raises(InvalidTemplateError) as wrong:
        check(text)
    assert says in wrong.value.sentence
    assert str(wrong.value) == wrong.value.sentence
    assert len(wrong.value.sentence) < 160


@pytest.mark.parametrize("text", ["", "plain", "{a}", "{a|b. c!}", "{a|}", "{" + "a" * 60 + "}", "{{ {a} }}"])
def test_a_template_that_is_right_passes(text):
    check(text)


@pytest.mark.parametrize("piece", ["{", "}", "{a", "{a|", "{a|b}", "a", "{{a}", "{" + "a" * 60])
def test_a_hostile_text_comes_to_an_end(piece):
    text = "{a|" + piece * 100_000
    # a quadratic scan would take minutes
    fill(text, {"a": "x"})
    blanks(text)
    with pytest.raises(InvalidTemplateError):
        check(text + "{")


WORDS = st.text(st.characters(exclude_characters="{}"))
NAMES = st.from_regex(r"[a-zA-Z][a-zA-Z0-9 _-]{0,59}", fullmatch=True)


@settings(deadline=None)  # a busy machine is no failure
@given(st.text(alphabet="{}|ab .!0\n") | st.text(), st.dictionaries(st.text(), st.text()))
def test_no_text_is_too_odd_to_fill(text, values):
    fill(text, values)
    blanks(text)


# Plain braces are left out here: "{{a}}" comes out as "{a}", which is meant and looks like a blank.
@settings(deadline=None)  # a busy machine is no failure
@given(st.lists(st.tuples(WORDS, NAMES)), WORDS.filter(bool))
def test_with_a_value_for_every_name_nothing_stays_open(pieces, value):
    text = "".join(f"{words}{{{name}}}" for words, name in pieces)
    check(text)
    filled = fill(text, dict.fromkeys(blanks(text), value))
    assert blanks(filled) == ()
    assert filled == "".join(words + value for words, _ in pieces)
