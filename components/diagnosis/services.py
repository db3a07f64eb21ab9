"""What a database or queue says of itself when it refuses a login, in the sentences of our own probes."""

import re
from collections.abc import Iterator

from components.diagnosis.maker import Maker
from components.diagnosis.phrases import GREETINGS
from components.diagnosis.signs import Sign
from components.diagnosis.view import View

SAID = (
    (re.compile(r"has used up its connections|\d+ of \d+ connections are in use"), "db_connections", 0.9),
    (
        re.compile(r"the server is (?:starting up|in recovery mode|restarting after a crash)"),
        "not_started",
        0.85,
    ),
    (re.compile(r"the server is shutting down"), "deploy", 0.75),
    (re.compile(r"is starting up or shutting down"), "not_started", 0.6),
    (re.compile(r"the replica has lost its primary"), "dependency", 0.85),
)


def services(view: View, maker: Maker) -> Iterator[Sign]:
    """The cause in a sentence of `components.probers`; of an answer over HTTP there is none."""
    if view.status:
        return
    detail = view.facts.detail
    for words, kind, weight in SAID:
        if words.search(detail.lower()):
            yield Sign(kind, weight, detail)
            return
    if "it greets with" in detail or "says goodbye" in detail:
        yield from _greeting(view)


def _greeting(view: View) -> Iterator[Sign]:
    """A mail server that refuses in its first line."""
    for words, kind, weight in GREETINGS:
        if match := re.search(words, view.body):
            yield Sign(kind, weight, f"Its greeting refuses us{view.quoted(match[0])}.")
            return
