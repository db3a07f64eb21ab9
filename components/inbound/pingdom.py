"""Pingdom: the webhook of its integrations, for uptime and transaction checks.

https://www.pingdom.com/resources/webhooks/
"""

from dataclasses import replace

from components.inbound.message import Message, Source, Terms, kind_at, moment_at, report, text_at
from components.passive.reports import Kind, Report

STATES = {
    "UP": Kind.RESOLVED,
    "SUCCESS": Kind.RESOLVED,
    "DOWN": Kind.FIRING,
    "FAILING": Kind.FIRING,
    "UNKNOWN": Kind.NO_DATA,
    "PAUSED": Kind.NO_DATA,
}


def read(message: Message, terms: Terms) -> list[Report]:
    """The one report of a message. Raises PayloadError."""
    body = message.json_object
    kind = kind_at(body, "current_state", STATES, folded=str.upper)
    texts = [text_at(body, name, needed=False) for name in ("description", "long_description")]
    name = text_at(body, "check_name", needed=False)
    changed_at = moment_at(body, "state_changed_timestamp")
    said = report(message, kind, text_at(body, "check_id"), name=name, texts=texts, changed_at=changed_at)
    return [replace(said, is_ordered=True)]


PINGDOM = Source(
    "pingdom", "Pingdom", "Add an integration of type Webhook with its address, and choose it in each check.",
    read,
)  # fmt: skip
