"""Keeps secrets out of what a check stores: a server may repeat what it was sent, in its own spelling.

The beginning of one that was cut off is hidden as well. A short one, which may be part of any word or number,
is hidden only where it stands alone, and not where it is a number that we counted ourselves.
"""

import base64
import binascii
import html
import itertools
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import quote, quote_plus

from components.outcomes import Reading
from components.texts import harmless

HIDDEN = "•••"
APOSTROPHES, QUOTES = ("'", "&#x27;", "&#39;", "&apos;"), ('"', "&quot;", "&#34;")  # as HTML writes them
MIN_LENGTH = 3  # a shorter one would take letters out of every word
ALONE_UNDER = 6  # characters: a shorter one of letters and digits is hidden as a whole word only
CUT_FROM = 190  # characters: texts from here on may have been cut anywhere
CUT = "…"
NUMBER = re.compile(r"\d+")
WRITTEN = ("detail", "degraded", "excerpt")
OURS = ("steps",)  # names that staff typed, and times
# "87", "0.93", "4 of 100", "1,200 ms": what we counted or timed
COUNTED = re.compile(r"[\d.,]+(?: of [\d.,]+)?(?: ?(?:ms|s|%))?")


def without(reading: Reading, secrets: Iterable[str], *, port: int | None = None) -> Reading:
    """The reading with these texts replaced wherever they stand, however they are spelled.

    `port` is where it was asked: our own sentences name it.
    """
    given = {text for text in secrets if len(text) >= MIN_LENGTH}
    if not given:
        return reading
    forms = _forms(given, _own_numbers(reading, port))
    words: dict[str, Any] = {name: _hidden(getattr(reading, name), forms) for name in WRITTEN}
    facts = {
        name: fact if name in OURS or _is_counted(fact) else _hidden(fact, forms)
        for name, fact in reading.facts.items()
    }
    return replace(reading, facts=facts, **words)


def with_tokens(values: Iterable[str]) -> tuple[str, ...]:
    """Secret values of headers, and what follows a scheme in them, as in “Bearer …”."""
    every = tuple(values)
    return (*every, *(value.partition(" ")[2] for value in every))


def hidden_in(text: str, secrets: Iterable[str]) -> str:
    """The text, such as a traceback, with these texts replaced, however they are spelled."""
    return str(_hidden(text, _forms({secret for secret in secrets if len(secret) >= MIN_LENGTH}, set())))


def _forms(secrets: set[str], own: set[str]) -> list[str]:
    """Every spelling, the longest first, without numbers of our own."""
    spelled = {form for text in secrets for form in spellings(text) if len(form) >= MIN_LENGTH}
    return sorted(spelled - own, key=len, reverse=True)


def spellings(text: str) -> Iterator[str]:
    """A secret as given, and as it stands in addresses, JSON, HTML, quotes and base64, or in what we keep."""
    quoted = text.replace("\\", "\\\\")
    yield from _seen(text)
    for encoded in (quote(text), quote(text, safe=""), quote_plus(text)):
        yield from (encoded, re.sub("%[0-9A-F]{2}", lambda match: match[0].lower(), encoded))
    yield from _seen(json.dumps(text, ensure_ascii=False)[1:-1])
    yield json.dumps(text)[1:-1]
    for single, double in itertools.product(APOSTROPHES, QUOTES):
        yield from _seen(html.escape(text, quote=False).replace("'", single).replace('"', double))
    yield from _seen(quoted.replace('"', '\\"'))
    yield from _seen(quoted.replace("'", "\\'"))
    yield from _seen(text.replace("'", "''"))
    data = text.encode("utf-8", "replace")
    yield from _seen(data.decode("latin-1"))
    for packed in (base64.b64encode(data), base64.urlsafe_b64encode(data)):
        yield packed.decode().rstrip("=")
    yield from _login_in(text)


def _seen(text: str) -> tuple[str, ...]:
    """Also as what we keep of an answer shows it (`base.printable`, `texts.harmless`)."""
    shown = "".join(char if char.isprintable() or char in "\n\t" else "·" for char in text)
    return text, shown, harmless(text)


def _login_in(text: str) -> Iterator[str]:
    """The password in a value of Basic authorization."""
    try:
        pair = base64.b64decode(text.rpartition(" ")[2], validate=True).decode()
    except (binascii.Error, ValueError):
        return
    if pair.isprintable() and ":" in pair:
        yield from (pair, pair.partition(":")[2])


def _own_numbers(reading: Reading, port: int | None) -> set[str]:
    """Small numbers that we counted or chose: as passwords they would be hidden in our own sentences."""
    numbers = {str(number) for number in (reading.status_code, reading.days_left, port) if number is not None}
    for fact in filter(_is_counted, reading.facts.values()):
        numbers |= set(NUMBER.findall(fact.replace(",", "")))
    return {number for number in numbers if len(number) < ALONE_UNDER}


def _is_counted(fact: Any) -> bool:
    """Whether it is numbers alone, none of them long enough to be a secret worth the name."""
    if not isinstance(fact, str) or COUNTED.fullmatch(fact) is None:
        return False
    return all(len(number) < ALONE_UNDER for number in NUMBER.findall(fact))


def _hidden(text: Any, secrets: list[str]) -> Any:
    if not isinstance(text, str) or not text:
        return text
    for secret in secrets:
        if secret not in text:
            continue
        if secret.isalnum() and len(secret) < ALONE_UNDER:
            text = re.sub(rf"(?<![^\W_])(?<!\d[.,]){re.escape(secret)}(?![^\W_])(?![.,]\d)", HIDDEN, text)
        else:
            text = text.replace(secret, HIDDEN)
    if CUT in text or len(text) >= CUT_FROM:
        text = CUT.join(_without_beginning(part, secrets) for part in text.split(CUT))
    return text


def _without_beginning(text: str, secrets: list[str]) -> str:
    """The same where it ends in the first letters of a secret, the rest of which was cut off."""
    for secret in secrets:
        if text[-MIN_LENGTH:] not in secret:
            continue
        for length in range(min(len(secret) - 1, len(text)), MIN_LENGTH - 1, -1):
            if text.endswith(secret[:length]):
                return text[:-length] + HIDDEN
    return text
