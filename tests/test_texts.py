"""What people read is plain English: no turn that we have said goodbye to comes back."""

import re

import pytest

from tests.texts import ROOT, of_python, of_script, of_template, texts

# What to write instead is in the second column; matched without regard to case.
BANNED = (
    (r"somebody|nobody", "someone, no one; or name the role"),
    (r"we hope you", "hopefully you"),
    (r"(is|are|be|was|been) told|told of", "get updates, is notified"),
    (r"link is over", "this link has expired"),
    (r"by itself|by themselves", "automatically"),
    (r"works? again since", "has recovered (21:05 UTC)"),
    (r"(been|are|is|were|was|not|all) well\b(?! (formed|known))|well again", "healthy, passed, recovered"),
    (r"as usual", "normally"),
    (r"cannot tell you", "we don't currently know"),
    (r"looking into it|fixed, watching", "Investigating, Monitoring"),
    (r"the machine", "automatic, automation"),
    (r"people speak|who speaks", "managed by staff"),
    (r"taken back", "undone"),
    (r"your words are here", "your text is below"),
    (r"concern(ed|s) nobody|none waits", "no one was notified, nothing waiting"),
    (r"how bad must", "minimum severity"),
    (r"days stand taller", "leave it out"),
    (r"how we count", "how uptime is calculated"),
    (r"keeps what was found", "stores results"),
    (r"trouble|hearsay", "problem, outage; indirect"),
    (r"(first|public|newest|last) word\b", "first update, last update"),
    (r"anew", "again"),
    (r"can be no ", "is not a valid …"),
    (r"is no (address|colour|date|number|picture|role|state|status|time|phase)\b", "is not a …"),
    (r"stands? (beside|below|here|in its place|there)", "is shown, appears"),
    (r"(broke|broken|breaks) off", "closed, truncated"),
    (r"not taken|are taken\b|is taken\b", "not accepted"),
    (r"give (a|an|it|the) (at|number|pair|renewed|whole)", "enter, use"),
    (r"nothing (came|more is said)|news of", "update"),
    (r"with pauses|in vain|little by little", "in all, gradually"),
    (r"lets? nobody|says? no\b", "rejects"),
)


@pytest.fixture(scope="module")
def read():
    """All texts as (place, text)."""
    return [(f"{path}:{line}", text) for path, rows in texts().items() for line, text in rows]


@pytest.mark.parametrize(("turn", "instead"), BANNED, ids=[turn for turn, _ in BANNED])
def test_no_banned_turn_is_left(read, turn, instead):
    pattern = re.compile(rf"\b(?:{turn})", re.IGNORECASE)
    left = [f"{place} {text}" for place, text in read if pattern.search(text)]
    assert not left, f"write: {instead}"


def test_each_kind_of_file_is_read():
    """A reader of nothing would find nothing wrong."""
    assert list(
        of_python('"""A docstring."""\nsay(f"{name} is down now.")\nField(help_text="As it is")')
    ) == [
        (2, "{name} is down now."),
        (3, "As it is"),
    ]
    page = '{% load page %}<h1 title="Not shown">All {{ name|upper }}\nis <b>well</b></h1>{# No #}<p>Go on'
    assert list(of_template(page)) == [(1, "Not shown"), (1, "All {name|upper} is well"), (2, "Go on")]
    assert list(of_script('const x = 1\nsay("Saved at last.")')) == [(2, "Saved at last.")]
    assert len(texts()) > 200


def test_no_template_decides_by_a_word_that_people_read():
    """A label that is said in other words would change what a page does."""
    compared = re.compile(r"(?:==|!=|\bin) \"[A-Z][^\"]*\"")
    left = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in (ROOT / "templates").rglob("*.html")
        for match in compared.finditer("".join(re.findall(r"\{%.*?%\}", path.read_text(), re.DOTALL)))
    ]
    assert not left
