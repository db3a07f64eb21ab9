"""Text templates: staff write `{whom}`, a value takes its place.

`{name}` becomes a value, `{name|fallback words}` the value or else those words,
`{{` and `}}` are plain braces. There is nothing more: no attributes, no calls,
no formats, no loops. A placeholder without a value stays as it was written, for
a person to fill in.
"""

import re
from collections.abc import Iterable, Mapping

from components.texts import first_of

MAX_NAME_LENGTH = 60
MAX_SHOWN = 3
CONFIRM = "The braces are intentional"

# Neither a name nor a fallback may hold a brace: each scan ends at the next one, so time stays linear.
PART = re.compile(
    r"\{\{|\}\}"
    rf"|\{{(?P<name>[^\W\d_][\w -]{{0,{MAX_NAME_LENGTH - 1}}})(?:\|(?P<fallback>[^{{}}]*+))?\}}"
    r"|(?P<stray>[{}])"
)
CLOSED = re.compile(r"\{([^{}]*+)\}")


class InvalidTemplateError(ValueError):
    """This template cannot be used: a brace or a name in it is wrong."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


def fill(text: str, values: Mapping[str, str]) -> str:
    """The text with its placeholders filled in. An empty value counts as none.

    Values go in literally and are not parsed again. Fill a template only once: in the
    result `{{` has become a brace.
    """
    by_key = {_key(name): value for name, value in values.items()}

    def put(part: re.Match[str]) -> str:
        if part["name"] is None:
            return part[0][0]
        fallback = part[0] if part["fallback"] is None else part["fallback"]
        return by_key.get(_key(part["name"])) or fallback

    return PART.sub(put, text)


def blanks(text: str) -> tuple[str, ...]:
    """The names of placeholders still open in a text, in order, once each, as first spelled."""
    return tuple(written(text))


def written(text: str) -> dict[str, str]:
    """Each open placeholder as written, by its name: `{whom|all}` under `whom`."""
    first: dict[str, re.Match[str]] = {}
    for part in PART.finditer(text):
        if part["name"] is not None:
            first.setdefault(_key(part["name"]), part)
    return {part["name"].strip(): part[0] for part in first.values()}


def question(open_blanks: Iterable[str]) -> str:
    """The question asked once before a text with these placeholders is published."""
    names = list(dict.fromkeys(open_blanks))
    shown = first_of(names, MAX_SHOWN)
    return f"Not filled in yet: {shown}. Fill it in, or tick “{CONFIRM}” to publish it as it is."


def check(text: str) -> None:
    """Raise InvalidTemplateError for the first brace or name that is wrong."""
    for part in PART.finditer(text):
        if part["stray"]:
            raise InvalidTemplateError(_complaint(text, part.start()))


def _complaint(text: str, at: int) -> str:
    """What is wrong with the brace at this position, and how to fix it."""
    if text[at] == "}":
        return "A “}” has no “{” before it: remove it, or write “}}” to print a brace."
    closed = CLOSED.match(text, at)
    if closed is None:
        return f"“{_short(text[at:])}” is not closed: add “}}”, or write “{{{{” to print a brace."
    name = closed[1].partition("|")[0]
    if not name.strip():
        return "A placeholder has no name: write one between the braces, such as “{whom}”."
    if len(name) > MAX_NAME_LENGTH:
        return f"The name “{_short(name)}” is too long: use at most {MAX_NAME_LENGTH} characters."
    return (
        f"“{_short(name)}” cannot be a name: begin with a letter, "
        "then use only letters, digits, spaces, “_” and “-”."
    )


def _short(words: str) -> str:
    """Enough of it to find the place."""
    return words if len(words) <= 30 else f"{words[:30]}…"


def _key(name: str) -> str:
    """One spelling for `What works`, `what works` and `What  works`."""
    return " ".join(name.split()).casefold()
