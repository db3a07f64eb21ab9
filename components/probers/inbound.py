"""Inbound probes: another monitor reports its alerts, and is silent at most so long."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import jsonpath

from components.inbound import SOURCES, SecretError, Source, Terms
from components.outcomes import Outcome, Reading
from components.passive import alerts, lengths
from components.passive.hearing import Heard
from components.passive.reports import Kind
from components.probers import json_paths, json_walks
from components.probers.base import Option, options_of
from components.probers.passive import Passive
from components.targets import InvalidProbeError

NONE, BASIC, BEARER, SIGNATURE = "none", "basic", "bearer", "signature"
GENERIC_ONLY = "Only for generic JSON."
FIRING = {"down": Outcome.DOWN, "degraded": Outcome.DEGRADED}


@dataclass(frozen=True, slots=True)
class InboundOrder:
    """`secret` is plain; `terms` are for generic JSON. `silence`: None for no limit."""

    source: Source
    when_firing: Outcome
    silence: timedelta | None
    auth: str
    secret: str = field(repr=False)
    terms: Terms
    heard: Heard | None = None


class Inbound(Passive):
    kind = "inbound"
    label = "Inbound alerts (another monitor reports)"
    target_label = "Sent by"
    target_help = "The program or service that sends its alerts to the probe’s address."
    target_choices = tuple((source.name, source.label) for source in SOURCES.values())
    options = (
        Option("firing", "While an alert fires", type="choice", default="down", choices=tuple(FIRING),
               help="What the probe is while any alert fires."),
        Option("silence", "Unknown after silence",
               help="Unknown when nothing arrives for this long, such as 6 h. Empty: no limit."),
        Option("auth", "Also ask for", type="choice", default=NONE, choices=(NONE, BASIC, BEARER, SIGNATURE),
               help="Beside the secret address. signature: Standard Webhooks for generic JSON, HMAC-SHA256 "
               "for Grafana. Messages from SNS are always verified."),
        Option("secret", "Secret", type="secret",
               help="user:password for basic, the token for bearer, the signing secret for signature."),
        Option("id_path", "JSON path of the id", default="$.id", help=GENERIC_ONLY),
        Option("state_path", "JSON path of the state", default="$.status", help=GENERIC_ONLY),
        Option("text_path", "JSON path of the text", default="$.message", help=GENERIC_ONLY),
        Option("firing_states", "Firing states", help=GENERIC_ONLY,
               default="firing, alerting, down, critical, error, failed, open"),
        Option("resolved_states", "Resolved states", default="resolved, ok, up, normal, recovered, closed",
               help=GENERIC_ONLY),
        Option("unknown_states", "Unknown states", default="unknown, no_data, nodata", help=GENERIC_ONLY),
    )  # fmt: skip

    def parse(self, target: str, options: Mapping[str, Any]) -> InboundOrder:
        """The order, checked. Raises InvalidProbeError."""
        given = options_of(self, options)
        source = SOURCES.get(target.strip().lower())
        if source is None:
            raise InvalidProbeError("target", f"Choose one of {', '.join(SOURCES)}.")
        auth, secret = given["auth"], _secret(given, source)
        silence = _silence(given["silence"])
        return InboundOrder(source, FIRING[given["firing"]], silence, auth, secret, _terms(given))

    def judge(self, order: InboundOrder, heard: Heard) -> Reading:
        """Up while nothing fires; unknown while the source cannot tell, or says nothing."""
        return alerts.judge(order.when_firing, order.silence, heard)


def _terms(given: Mapping[str, Any]) -> Terms:
    """Raises InvalidProbeError for a path that is none, or a state that means two things."""
    find = {name: _finder(name, given[name]) for name in ("id_path", "state_path", "text_path")}
    words: dict[str, Kind] = {}
    options = {"firing_states": Kind.FIRING, "resolved_states": Kind.RESOLVED, "unknown_states": Kind.NO_DATA}
    for name, kind in options.items():
        for word in given[name].replace("\n", ",").split(","):
            state = word.strip().lower()
            if words.get(state, kind) is not kind:
                raise InvalidProbeError(name, f"“{state}” is listed twice, with two meanings.")
            if state:
                words[state] = kind
    return Terms(find, words)


def _finder(name: str, text: str) -> Callable[[Any], list[Any]]:
    try:
        path = json_paths.compiled(text)
    except InvalidProbeError as error:
        raise InvalidProbeError(name, error.sentence) from error

    def find(document: Any) -> list[Any]:
        """What is there; nothing where the path leads too far."""
        try:
            return json_walks.walk(path, document)
        except (json_walks.TooFar, jsonpath.JSONPathError, RecursionError):
            return []

    return find


def _silence(text: str) -> timedelta | None:
    if not text.strip():
        return None
    try:
        return timedelta(seconds=lengths.parse(text, least_s=10))
    except lengths.LengthError as error:
        raise InvalidProbeError("silence", str(error)) from error


def _secret(given: Mapping[str, Any], source: Source) -> str:
    auth, secret = given["auth"], str(given["secret"])
    if auth == NONE:
        return ""
    if auth == SIGNATURE and not source.signs:
        raise InvalidProbeError("auth", f"{source.label} does not sign its messages: choose another.")
    if not secret:
        raise InvalidProbeError("secret", f"Enter the secret for “{auth}”, or choose none.")
    if auth == BASIC and ":" not in secret:
        raise InvalidProbeError("secret", "Write it as user:password.")
    if auth == SIGNATURE:
        try:
            source.check_secret(secret)
        except SecretError as error:
            raise InvalidProbeError("secret", str(error)) from error
    return secret
