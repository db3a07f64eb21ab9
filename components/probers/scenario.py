"""The steps of a `steps` probe as staff type them: a JSON list, checked to the last field.

What one step takes from its answer, later ones use as `{{name}}`; `{{secret.name}}` is a stored secret.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, urlencode, urljoin, urlsplit

import re2

from components.probers import json_paths
from components.probers.base import HALVES
from components.probers.http import HTTP, HTTPTarget
from components.probers.redirects import origin
from components.probers.typed_headers import refuse_unprintable
from components.targets import InvalidProbeError
from components.web_addresses import split_address

MAX_STEPS = 10
MAX_NAME = 40
MAX_DEPTH = 50  # of values in a body
MAX_REGEX_LENGTH = 500
NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]{0,39}")
PLACE = re.compile(r"\{\{([^{}]*)\}\}")
PREFIX = "secret."  # what the name of a stored secret begins with
EXPECTATIONS = ("expected_status", "expect_text", "expect_regex", "json_path", "json_equals", "expect_header",
                "expect_header_value", "follow_redirects")  # fmt: skip
BODIES = ("body", "json", "form")
FIELDS = ("name", "method", "url", "headers", *BODIES, *EXPECTATIONS, "take")
SOURCES = ("json", "header", "regex", "cookie")
TYPES = {"form": "application/x-www-form-urlencoded", "json": "application/json"}
Fill = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Take:
    """One value to take from an answer: `how` compiled for json and regex, as typed otherwise."""

    name: str
    source: str
    text: str
    how: Any


@dataclass(frozen=True, slots=True)
class ScenarioStep:
    """One request: `url`, `headers` and `content` may hold places; `order` has its expectations."""

    name: str
    url: str
    headers: Mapping[str, str]
    kind_of_body: str  # of BODIES; empty without one
    content: Any
    order: HTTPTarget
    takes: tuple[Take, ...]

    def filled(self, value_of: Mapping[str, str]) -> HTTPTarget:
        """The request with these values in its places. Raises InvalidProbeError for what cannot be sent."""

        def fill(text: str) -> str:
            return PLACE.sub(lambda place: value_of[place[1].strip()], text)

        def encoded(text: str) -> str:
            return PLACE.sub(lambda place: quote(value_of[place[1].strip()], safe=""), text)

        headers = {name: fill(text) for name, text in self.headers.items()}
        refuse_unprintable(headers)
        return replace(
            self.order,
            url=split_address(encoded(self.url)).geturl(),
            headers=headers,
            body=body_of(self.kind_of_body, self.content, fill),
            text=fill(self.order.text),
            json_equals=fill(self.order.json_equals),
        )


def body_of(kind: str, content: Any, fill: Fill) -> bytes:
    """The bytes of a body: values are put in before JSON and forms are written, so that they stay values."""
    if kind == "json":
        return json.dumps(_deeply(content, fill), ensure_ascii=False).encode()
    if kind == "form":
        return urlencode({name: fill(str(value)) for name, value in content.items()}).encode()
    return fill(content).encode() if kind else b""


def _deeply(value: Any, fill: Fill) -> Any:
    if isinstance(value, str):
        return fill(value)
    if isinstance(value, list):
        return [_deeply(item, fill) for item in value]
    if isinstance(value, dict):
        return {name: _deeply(item, fill) for name, item in value.items()}
    return value


def steps_of(text: str, base: str, secrets: Mapping[str, str]) -> tuple[ScenarioStep, ...]:
    """The steps, checked. Raises InvalidProbeError that names the step and the field."""
    try:
        typed = json.loads(text)
    except json.JSONDecodeError as error:
        raise InvalidProbeError(
            "steps", f"This is not valid JSON: {error.msg} in line {error.lineno}, column {error.colno}."
        ) from error
    except ValueError as error:  # Python reads no number of more than 4,300 digits
        raise InvalidProbeError("steps", "A number in the JSON is too long: write it as a text.") from error
    except RecursionError as error:
        raise InvalidProbeError("steps", "The JSON is nested too deeply.") from error
    if not isinstance(typed, list) or not typed:
        raise InvalidProbeError(
            "steps", 'Write a list of steps, such as [{"name": "Front page", "url": "/"}].'
        )
    if len(typed) > MAX_STEPS:
        raise InvalidProbeError("steps", f"Use at most {MAX_STEPS} steps.")
    known = {f"{PREFIX}{name}" for name in secrets}
    steps: list[ScenarioStep] = []
    for number, fields in enumerate(typed, 1):
        try:
            step = _step(number, fields, base, known)
        except RecursionError as error:
            raise wrong(number, "", "", "A value in it is nested too deeply.") from error
        if step.name in {other.name for other in steps}:
            raise wrong(number, step.name, "name", "Two steps have this name: change one.")
        known |= {take.name for take in step.takes}
        steps.append(step)
    return tuple(steps)


def origins(steps: tuple[ScenarioStep, ...]) -> str:
    """Everywhere the steps go, as "https://app.example.org:443"."""
    places = {origin(urlsplit(step.order.url)) for step in steps}
    return ", ".join(sorted(f"{scheme}://{host}:{port}" for scheme, host, port in places))


def wrong(number: int, name: str, field: str, sentence: str) -> InvalidProbeError:
    """The error that says where it is."""
    label = f"Step {number} (“{name}”)" if name else f"Step {number}"
    return InvalidProbeError("steps", f"{label}, “{field}”: {sentence}" if field else f"{label}: {sentence}")


def _step(number: int, fields: Any, base: str, known: set[str]) -> ScenarioStep:
    if not isinstance(fields, dict):
        raise wrong(number, "", "", 'Write it in braces, as {"name": "Log in", "url": "/login"}.')
    for field, value in fields.items():
        if any(HALVES.search(text) for text in (field, *_strings(value))):
            raise wrong(number, "", "", "Half of a character (\\ud800 to \\udfff) cannot be sent: remove it.")
    name = fields.get("name", f"Step {number}")
    if not isinstance(name, str) or not name.strip() or len(name) > MAX_NAME or not name.isprintable():
        raise wrong(number, "", "name", f"Enter a name of at most {MAX_NAME} characters.")
    name = name.strip()
    for field in fields:
        if field not in FIELDS:
            raise wrong(number, name, field, f"There is no such field. There are: {', '.join(FIELDS)}.")
    if not isinstance(fields.get("url"), str) or not fields["url"]:
        raise wrong(number, name, "url", "Enter an address, or a path on the target such as /login.")
    _refuse_unknown(number, name, fields, known)
    url = _address(number, name, fields["url"], base)
    headers = _texts(number, name, "headers", fields.get("headers", {}))
    kind = _kind_of_body(number, name, fields)
    if kind in TYPES and "content-type" not in {header.lower() for header in headers}:
        headers["Content-Type"] = TYPES[kind]
    order = _order(number, name, fields, url=url, headers=headers, kind=kind)
    return ScenarioStep(name, url, headers, kind, fields.get(kind), order, _takes(number, name, fields))


def _refuse_unknown(number: int, name: str, fields: Mapping[str, Any], known: set[str]) -> None:
    """Refuse a place for which no value can be there."""
    for field, value in fields.items():
        for text in _strings(value):
            for place in map(str.strip, PLACE.findall(text)):
                if field in ("name", "take", "expect_regex", "json_path", "method"):
                    raise wrong(number, name, field, "Values cannot be used here.")
                if place in known:
                    continue
                if place.startswith(PREFIX):
                    sentence = f"There is no secret “{place[len(PREFIX) :]}”: add it under Secrets."
                else:
                    sentence = f"No earlier step takes “{place}”."
                raise wrong(number, name, field, sentence)


def _strings(value: Any, depth: int = 0) -> Iterator[str]:
    """All texts in a value, names included. Raises RecursionError beyond MAX_DEPTH."""
    if depth > MAX_DEPTH:
        raise RecursionError
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item, depth + 1)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield str(key)
            yield from _strings(item, depth + 1)


def _address(number: int, name: str, url: str, base: str) -> str:
    """The whole address; values may stand in its path and query only: who is asked is chosen by staff."""
    whole = urljoin(base, url)
    if PLACE.search(whole.partition("://")[2].partition("/")[0].partition("?")[0]) or PLACE.match(url):
        raise wrong(number, name, "url", "Values can stand in the path and the query, not in the host.")
    return whole


def _texts(number: int, name: str, field: str, value: Any) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise wrong(number, name, field, 'Write names and texts, as {"Accept": "application/json"}.')
    return dict(value)


def _kind_of_body(number: int, name: str, fields: Mapping[str, Any]) -> str:
    kinds = [kind for kind in BODIES if kind in fields]
    if len(kinds) > 1:
        raise wrong(number, name, kinds[1], f"There is “{kinds[0]}” already: use one of body, json and form.")
    if kinds == ["body"] and not isinstance(fields["body"], str):
        raise wrong(number, name, "body", "Write a text, or use “json” for a value.")
    if kinds == ["form"] and not isinstance(fields["form"], dict):
        raise wrong(number, name, "form", 'Write names and values, as {"user": "ada"}.')
    return kinds[0] if kinds else ""


def _order(
    number: int, name: str, fields: Mapping[str, Any], *, url: str, headers: Mapping[str, str], kind: str
) -> HTTPTarget:
    """The request with its expectations, its places still open."""
    options = {field: fields[field] for field in EXPECTATIONS if field in fields}
    for field, value in options.items():
        if not isinstance(value, (str, int, float, bool)):
            raise wrong(number, name, field, "Write a text or a number.")
        if field != "follow_redirects":
            options[field] = value if isinstance(value, str) else json.dumps(value)
    method = fields.get("method", "POST" if kind else "GET")
    try:
        return HTTP().parse(
            PLACE.sub("0", url),
            {**options, "method": method, "headers": {key: PLACE.sub("0", headers[key]) for key in headers}},
        )
    except InvalidProbeError as error:
        field = {"target": "url"}.get(error.field, error.field)
        raise wrong(number, name, field, error.sentence) from error


def _takes(number: int, name: str, fields: Mapping[str, Any]) -> tuple[Take, ...]:
    typed = fields.get("take", {})
    if not isinstance(typed, dict):
        raise wrong(number, name, "take", 'Write it as {"token": {"json": "$.token"}}.')
    takes = []
    for value, source in typed.items():
        if not NAME.fullmatch(value):
            raise wrong(number, name, "take", f"“{value[:40]}” is not a name: use letters, digits and “_”.")
        if not isinstance(source, dict) or len(source) != 1 or next(iter(source)) not in SOURCES:
            raise wrong(
                number, name, "take", f"Write for “{value}” one of {', '.join(SOURCES)} and where it is."
            )
        ((kind, text),) = source.items()
        if not isinstance(text, str) or not text:
            raise wrong(number, name, "take", f"Write for “{value}” where it is, as a text.")
        takes.append(Take(value, kind, text, _compiled(number, name, kind, text)))
    return tuple(takes)


def _compiled(number: int, name: str, kind: str, text: str) -> Any:
    try:
        if kind == "json":
            return json_paths.compiled(text)
        if kind == "regex":
            if len(text) > MAX_REGEX_LENGTH:
                raise wrong(number, name, "take", f"A regular expression is longer than {MAX_REGEX_LENGTH}.")
            return json_paths.linear(text)
    except re2.error as error:
        raise wrong(number, name, "take", f"“{text[:40]}” does not compile (RE2 syntax): {error}.") from error
    except InvalidProbeError as error:
        raise wrong(number, name, "take", error.sentence) from error
    return text
