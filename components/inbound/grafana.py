"""Grafana: unified alerting, which speaks as Alertmanager does, and the alerts of Grafana 8 and older.

https://grafana.com/docs/grafana/latest/alerting/ (contact points, webhook notifier)
"""

import hashlib
import hmac
from dataclasses import replace
from typing import Any

from components.inbound.alertmanager import read_alert, with_note
from components.inbound.message import (
    Message,
    Source,
    Terms,
    UnsignedError,
    kind_at,
    list_at,
    number_at,
    report,
    text_at,
)
from components.passive.reports import Kind, Report

BLIND = ("DatasourceNoData", "DatasourceError")  # the rule could not be evaluated: that says nothing
SIGNATURE, TIMESTAMP = "x-grafana-alerting-signature", "x-grafana-alerting-timestamp"
MAX_AGE_S = 300
OLD_STATES = {
    "alerting": Kind.FIRING,
    "ok": Kind.RESOLVED,
    "no_data": Kind.NO_DATA,
    "pending": Kind.RESOLVED,
    "paused": Kind.NO_DATA,
}


def read(message: Message, terms: Terms) -> list[Report]:
    """A report per alert. Raises PayloadError."""
    body = message.json_object
    if "alerts" not in body and ("ruleId" in body or "ruleName" in body):
        return [_old(message, body)]
    reports = []
    for place, alert in enumerate(list_at(body, "alerts")):
        one = read_alert(message, alert, f"alerts[{place}].")
        is_blind = one.name in BLIND and one.kind is Kind.FIRING
        reports.append(replace(one, kind=Kind.NO_DATA) if is_blind else one)
    return with_note(reports or [report(message, Kind.CONTACT, "")], number_at(body, "truncatedAlerts"))


def _old(message: Message, body: dict[str, Any]) -> Report:
    """The alert of a panel. Raises PayloadError."""
    kind = kind_at(body, "state", OLD_STATES, folded=str.lower)
    name = text_at(body, "ruleName", needed=False)
    source = text_at(body, "ruleId", needed=False) or name
    texts = (text_at(body, "title", needed=False), text_at(body, "message", needed=False))
    return report(message, kind, source, name=name, texts=texts)


def verify(message: Message, secret: str) -> None:
    """HMAC-SHA256 in hexadecimal, of the body or of the time and the body. Raises UnsignedError."""
    stamp = message.headers.get(TIMESTAMP, "")
    content = f"{stamp}:".encode() + message.body if stamp else message.body
    if stamp and not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12):
        raise UnsignedError(f"The header {TIMESTAMP} must be in seconds.")
    if stamp and abs(message.at.timestamp() - int(stamp)) > MAX_AGE_S:
        raise UnsignedError("The signature is too old: check the clocks.")
    expected = hmac.new(secret.encode(), content, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected.encode(), message.headers.get(SIGNATURE, "").encode()):
        raise UnsignedError(f"The header {SIGNATURE} is missing or not right.")


GRAFANA = Source(
    "grafana", "Grafana", "Add a contact point of type Webhook with its address.", read,
    signs=True, verify=verify,
)  # fmt: skip
