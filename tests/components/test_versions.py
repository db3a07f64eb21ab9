"""When good answers say that another version is out."""

import pytest

from components.versions import Change, follow


def changes(answers):
    """What each answer ("v1": a version, "e1": an ETag, "-": neither) changed."""
    last, found = "", []
    for answer in answers:
        version, etag = (answer, "") if answer[0] == "v" else ("", answer if answer[0] == "e" else "")
        last, change = follow(last, version, etag)
        found.append({Change.NONE: ".", Change.VERSION: "V", Change.ETAG: "E"}[change])
    return "".join(found)


@pytest.mark.parametrize(
    ("answers", "seen"),
    [
        ("v1 v1 v2 v2 v1", "..V.V"),
        ("v1 - v1 - v2", "....V"),
        ("e1 e1 e2 e2 e2", "...E."),  # sure once it stays
        ("e1 e2 e3 e4 e4 e4 e5 e5", "........"),  # of every answer another: it says nothing
        ("e1 e1 e2 e1 e1", "....."),
        ("e1 v1 v1 e2 e3 v2", ".....V"),
        ("- - -", "..."),
    ],
)
def test_a_change_is_a_deploy(answers, seen):
    assert changes(answers.split()) == seen


def test_an_etag_of_every_answer_is_remembered_for_a_few_checks_only():
    """What is remembered is a write: a page that differs each time costs three, not one a check."""
    last, writes = "", 0
    for number in range(100):
        new, _ = follow(last, "", f"e{number}")
        writes, last = writes + (new != last), new
    assert writes == 3
