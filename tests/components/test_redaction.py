"""A secret is in nothing that a check stores, however a server repeats it; what we counted stays readable."""

import base64
import html
import json
from urllib.parse import quote, quote_plus

import pytest

from components.outcomes import Failure, Reading
from components.probers.redaction import HIDDEN, without

WORD = "p\"ä\\s<s> & o'w/r+d"
SPELLINGS = {
    "as it is": WORD,
    "in a path": quote(WORD),
    "in a query": quote_plus(WORD),
    "in an address": quote(WORD, safe=""),
    "in an address, in small letters": quote(WORD, safe="").lower(),
    "in json": json.dumps(WORD)[1:-1],
    "in json, letters as they are": json.dumps(WORD, ensure_ascii=False)[1:-1],
    "in html": html.escape(WORD),
    "in html, as other makers write it": html.escape(WORD).replace("&#x27;", "&#39;"),
    "in html text": html.escape(WORD, quote=False),
    "quoted, as in IMAP": WORD.replace("\\", "\\\\").replace('"', '\\"'),
    "quoted, as in SQL": WORD.replace("'", "''"),
    "in base64": base64.b64encode(WORD.encode()).decode(),
    "read in another charset": WORD.encode().decode("latin-1"),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_secret_is_hidden_in_every_spelling(spelling):
    said = f"before {SPELLINGS[spelling]} after"
    reading = Reading(
        1.0, Failure.STATUS, detail=said, degraded=said, excerpt=said, facts={"greeting": said, "x": "y"}
    )
    hidden = without(reading, [WORD])
    for text in (hidden.detail, hidden.degraded, hidden.excerpt, hidden.facts["greeting"]):
        assert (text[:7], text[-6:]) == ("before ", " after")
        assert HIDDEN in text
        assert SPELLINGS[spelling] not in text
    assert hidden.facts["x"] == "y"


@pytest.mark.parametrize("odd", ["open\u00a0sesame", "open\u202esesame", "open\x01sesame"])
def test_a_secret_with_letters_that_are_not_kept_is_hidden_as_it_is_kept(odd):
    kept = "".join(letter if letter.isprintable() else "·" for letter in odd)
    hidden = without(Reading(1.0, Failure.STATUS, "no", excerpt=f"you said {kept}"), [odd])
    assert hidden.excerpt == f"you said {HIDDEN}"


@pytest.mark.parametrize("length", [3, 5, 11])
def test_the_beginning_of_a_secret_that_was_cut_off_is_hidden(length):
    token = "Zq4711-abcdef"
    cut = "x" * (1000 - length) + token[:length]
    hidden = without(
        Reading(1.0, Failure.STATUS, f"It says “{token[:length]}…” and no more.", excerpt=cut), [token]
    )
    assert hidden.excerpt == "x" * (1000 - length) + HIDDEN
    assert hidden.detail == f"It says “{HIDDEN}…” and no more."


def test_a_short_text_that_ends_like_a_secret_begins_is_left():
    reading = Reading(1.0, Failure.STATUS, "The server rejects the pass")
    assert without(reading, ["password-4711"]) == reading


def test_a_short_secret_takes_nothing_out_of_words_and_numbers():
    said = "Responded after 1123 ms, 123.5 or 12,123 of them; the login 123 is wrong: (123)."
    reading = Reading(
        123.0, Failure.STATUS, said,
        excerpt="id=4123 x123 pin=123", facts={"steps": '[["Log in",123],["Read",null]]', "value": "123"},
    )  # fmt: skip
    hidden = without(reading, ["123"])
    assert hidden.detail == said  # it is a number that was measured as well
    assert hidden.facts == reading.facts
    hidden = without(Reading(1.0, Failure.STATUS, reading.detail, excerpt=reading.excerpt), ["123"])
    assert hidden.detail == said.replace(" 123 ", f" {HIDDEN} ").replace("(123)", f"({HIDDEN})")
    assert hidden.excerpt == f"id=4123 x123 pin={HIDDEN}"


@pytest.mark.parametrize("secret", ["503", "5432", "100", "12"])
def test_numbers_of_our_own_are_not_hidden(secret):
    facts = {"connections": "4 of 100", "value": "0.04"}
    detail = "Port 5432: responded with 503; 4 of 100 connections are in use, 12 days left."
    reading = Reading(1.0, Failure.STATUS, detail, status_code=503, days_left=12, facts=facts)
    assert without(reading, [secret], port=5432) == reading


def test_a_long_number_is_a_secret_anywhere():
    reading = Reading(1.0, Failure.STATUS, "no", facts={"retry_after": "12345678", "server": "x12345678y"})
    assert dict(without(reading, ["12345678"]).facts) == {"retry_after": HIDDEN, "server": f"x{HIDDEN}y"}


def test_the_password_inside_a_basic_login_is_hidden_as_well():
    login = base64.b64encode(b"ada:open sesame").decode()
    for secret in (login, f"Basic {login}"):
        hidden = without(Reading(1.0, Failure.STATUS, "no", excerpt="ada may not use open sesame"), [secret])
        assert hidden.excerpt == f"ada may not use {HIDDEN}"
