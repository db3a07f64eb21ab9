"""UptimeRobot: a webhook with its default variables, as query, form or JSON.

https://uptimerobot.com/help/web-hook-alert-contacts/
"""

from dataclasses import replace

from components.inbound.message import Message, PayloadError, Source, Terms, moment_at, report, text_at
from components.passive.reports import Kind, Report

# An expiring certificate is no outage: it is written down, and changes nothing
STATES = {"1": Kind.FIRING, "2": Kind.RESOLVED, "3": Kind.LOG}


def read(message: Message, terms: Terms) -> list[Report]:
    """The one report of a message. Raises PayloadError."""
    values = message.parameters
    state = text_at(values, "alertType")
    if state not in STATES:
        raise PayloadError("The parameter “alertType” must be 1 (down), 2 (up) or 3 (SSL expiry).")
    texts = [text_at(values, name, needed=False) for name in ("alertDetails", "monitorURL")]
    name = text_at(values, "monitorFriendlyName", needed=False)
    monitor, changed_at = text_at(values, "monitorID"), moment_at(values, "alertDateTime")
    said = report(message, STATES[state], monitor, name=name, texts=texts, changed_at=changed_at)
    return [replace(said, is_ordered=True)]


UPTIMEROBOT = Source(
    "uptimerobot",
    "UptimeRobot",
    "Add an alert contact of type Webhook with its address and a ? at the end, with the default variables.",
    read,
    takes_get=True,
)
