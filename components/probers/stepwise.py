"""Steps probes: several requests in a row, each with what earlier answers gave: log in, then look.

Each step is a request of an http probe. Cookies go back to where they came from; what staff typed, and
so every secret, goes to the origin that its step names and to no other, whatever a redirect says.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from components import cookies, steps
from components.egress import Egress, EgressError, Line
from components.outcomes import Failure, Reading
from components.probers import body, exchange, json_answers, scenario, services
from components.probers.base import Clock, Option, options_of, too_late
from components.probers.body import Answer
from components.probers.hops import followed, location_of
from components.probers.http import HTTPTarget, failure_of, judge
from components.probers.json_values import spelled
from components.probers.redirects import Hop, first_hop, next_hop
from components.probers.scenario import ScenarioStep, Take
from components.targets import InvalidProbeError
from components.web_addresses import split_address
from components.wire import Head

MAX_VALUE = 4096  # characters of a value that is taken
HIDDEN_FROM = 8  # characters: a shorter value that was taken is no token
SPARE_S = 0.05  # before the hard deadline, to say which step it was
OF_A_STEP = ("hop", "host", "address", "location", "retry_after", "protocol")


@dataclass(frozen=True, slots=True)
class StepsTarget:
    steps: tuple[ScenarioStep, ...]
    named_secrets: Mapping[str, str] = field(repr=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not be stored with a reading."""
        return tuple(self.named_secrets.values())


@dataclass(slots=True)
class Course:
    """Where a check is: the values taken so far, the cookies, and the time of each step (ms)."""

    value_of: dict[str, str]
    jar: tuple[cookies.Cookie, ...] = ()
    times: list[float] = field(default_factory=list)


class Steps(services.Service):
    kind = "steps"
    label = "Steps (log in, then look)"
    target_help = "http:// or https:// address that the steps' paths belong to"
    steps: tuple[str, ...] = (steps.DNS, steps.CONNECT, steps.TLS_IF_SPOKEN, steps.FIRST_BYTE)
    options = (
        Option(
            "steps",
            "Steps",
            type="text",
            rows=14,
            help='A JSON list, such as [{"name": "Log in", "url": "/login", "json": {"password":'
            ' "{{secret.password}}"}, "take": {"token": {"json": "$.token"}}}, {"name": "Read", "url": "/me",'
            ' "headers": {"Authorization": "Bearer {{token}}"}, "expect_text": "Ada"}].',
        ),
        Option("secrets", "Secrets", type="secrets", default={}, help="One “name: value” per line."),
    )

    def parse(self, target: str, options: Mapping[str, Any]) -> StepsTarget:
        """The order, checked. Raises InvalidProbeError."""
        given = options_of(self, options)
        base = split_address(target).geturl()
        if not given["steps"].strip():
            raise InvalidProbeError("steps", 'Write a list of steps, such as [{"name": "Home", "url": "/"}].')
        for name in given["secrets"]:
            if not scenario.NAME.fullmatch(name):
                raise InvalidProbeError(
                    "secrets", f"“{name[:40]}” is not a name: use letters, digits and “_”."
                )
        return StepsTarget(scenario.steps_of(given["steps"], base, given["secrets"]), given["secrets"])

    def address(self, order: StepsTarget) -> tuple[str, int]:
        """Of the first step; the others are judged when they come."""
        hop = first_hop(order.steps[0].order.url, "GET", {}, b"")
        return hop.host, hop.port

    def places(self, order: StepsTarget) -> str:
        """Every origin that a step names: there the secrets may go."""
        return scenario.origins(order.steps)

    def named_hosts(self, order: StepsTarget) -> set[str]:
        """Hosts that headers name: behind one address there may be several sites."""
        headers = (pair for step in order.steps for pair in step.headers.items())
        return {text.strip().lower() for name, text in headers if name.strip().lower() == "host"}

    async def run(self, order: StepsTarget, clock: Clock, egress: Egress) -> Reading:
        """One step after the other, until one fails."""
        course = Course({f"{scenario.PREFIX}{name}": text for name, text in order.named_secrets.items()})
        reading = clock.reading()
        for number, step in enumerate(order.steps, 1):
            began_ms = clock.total_ms
            _note(order, course, clock)
            reading = await self._in_time(step, course, clock, egress)
            if reading.failure is not None:
                detail = f"Step {number} (“{step.name}”): {reading.detail}"
                return replace(reading, detail=detail)
            course.times.append(clock.total_ms - began_ms)
        _note(order, course, clock)
        return replace(clock.reading(), total_ms=reading.total_ms)

    async def _in_time(self, step: ScenarioStep, course: Course, clock: Clock, egress: Egress) -> Reading:
        """One step; what goes wrong, and the deadline, is its own reading."""
        left_s = clock.deadline_s - clock.total_ms / 1000 - SPARE_S
        try:
            async with asyncio.timeout(left_s):
                return await _run(step, course, clock, egress)
        except TimeoutError:
            return too_late(clock, clock.deadline_s)
        except EgressError as error:
            return clock.reading(failure=error.failure, detail=error.sentence, dns_ms=error.dns_ms)


def _note(order: StepsTarget, course: Course, clock: Clock) -> None:
    """The time of each step (ms) so far, for the ladder; what was seen of the step before is dropped."""
    facts = {name: text for name, text in clock.seen.get("facts", {}).items() if name not in OF_A_STEP}
    if len(course.times) < len(order.steps):
        kept = {name: value for name, value in clock.seen.items() if name == "days_left"}
        clock.seen = {**kept, "facts": facts}
    times = [*map(round, course.times), *[None] * len(order.steps)]
    pairs = [[step.name, took_ms] for step, took_ms in zip(order.steps, times, strict=False)]
    clock.note(steps=json.dumps(pairs, ensure_ascii=False, separators=(",", ":")))


async def _run(step: ScenarioStep, course: Course, clock: Clock, egress: Egress) -> Reading:
    """Ask, follow redirects, judge, and take values. Raises EgressError."""
    try:
        order = step.filled(course.value_of)
    except (InvalidProbeError, UnicodeError) as error:
        why = error.sentence if isinstance(error, InvalidProbeError) else "It is not valid UTF-8."
        detail = f"A value that was taken cannot be sent: {why}"
        return clock.reading(failure=Failure.PROTOCOL, detail=detail)

    async def visit(hop: Hop, line: Line) -> Hop | Reading:
        head, pieces = await exchange.ask(hop, line, clock)
        if order.follows and (location := location_of(head)):
            return _onward(next_hop(hop, head.status, location, head.values("set-cookie")), clock)
        course.jar = cookies.updated(hop.jar, head.values("set-cookie"), hop.url)
        for cookie in course.jar:
            _hide(cookie.value, clock)
        taking = _Taking(step, order, head, hop, course.jar)
        answer = await body.read(pieces, head, clock, method=hop.method, is_enough=taking.is_enough)
        return taking.judged(answer, course, clock)

    first = replace(first_hop(order.url, order.method, order.headers, order.body), jar=course.jar)
    return await followed(first, clock, egress, visit)


def _onward(hop: Hop, clock: Clock) -> Hop | Reading:
    """The same hop; a body that staff typed, which may hold a secret, goes nowhere but home."""
    if hop.is_home or not hop.body:
        return hop
    detail = f"Redirected to {hop.host} with the body of the request, which may hold a secret."
    return clock.reading(failure=Failure.REDIRECT, detail=detail)


@dataclass(frozen=True, slots=True)
class _Taking:
    """What is expected of an answer, and taken from it."""

    step: ScenarioStep
    order: HTTPTarget
    head: Head
    hop: Hop
    jar: tuple[cookies.Cookie, ...]

    @property
    def is_enough(self) -> Callable[[Answer], bool] | None:
        """Whether what was read holds all that is looked for; None if nothing is."""
        in_body = [take for take in self.step.takes if take.source in ("json", "regex")]
        if not self.order.accepts(self.head.status) or not (self.order.reads_body or in_body):
            return None
        return lambda answer: (
            failure_of(self.order, self.head, answer)[0] is None
            and all(self.value(take, answer) for take in in_body)
        )

    def judged(self, answer: Answer, course: Course, clock: Clock) -> Reading:
        """The reading of an answer; its values are taken once it is as expected."""
        reading = judge(self.order, self.head, answer, clock)
        if reading.failure is not None:
            return reading
        for take in self.step.takes:
            value = self.value(take, answer)
            if not value:
                detail = f"The value “{take.name}” is not in the response ({take.source}: {take.text[:80]})."
                return replace(reading, failure=Failure.ASSERTION, detail=detail)
            if len(value) > MAX_VALUE:
                detail = f"The value “{take.name}” is longer than {MAX_VALUE:,} characters."
                return replace(reading, failure=Failure.TOO_LARGE, detail=detail)
            course.value_of[take.name] = value
            _hide(value, clock)
        return reading

    def value(self, take: Take, answer: Answer) -> str:
        """The value; empty if it is not there."""
        if take.source == "header":
            return next(iter(self.head.values(take.text.lower())), "")
        if take.source == "cookie":
            own = (cookie for cookie in self.jar if cookie.name == take.text)
            return next((cookie.value for cookie in own if cookie.goes_to(self.hop.url)), "")
        if take.source == "regex":
            match = take.how.search(answer.text(self.head))
            return "" if match is None else str((match.group(1) if match.re.groups else match.group(0)) or "")
        try:
            values = json_answers.values_at(take.how, json_answers.document(answer, self.head))
        except json_answers.UnreadableError:
            return ""
        is_text = bool(values) and values[0] is not None and not isinstance(values[0], (list, dict))
        return spelled(values[0]) if is_text else ""


def _hide(value: str, clock: Clock) -> None:
    """Keep it out of what is stored: an answer, or an error of ours, may repeat it."""
    if len(value) >= HIDDEN_FROM:
        clock.taken.add(value)
