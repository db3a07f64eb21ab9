"""Prometheus Alertmanager, webhook version 4.

https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from components.inbound.message import (
    Message,
    PayloadError,
    Source,
    Terms,
    list_at,
    moment_at,
    number_at,
    object_at,
    report,
    spelled,
    text_at,
)
from components.passive.reports import Kind, Report

WATCHDOG = "Watchdog"  # fires always, to show that alerts get through
STATES = {"firing": Kind.FIRING, "resolved": Kind.RESOLVED}


def read(message: Message, terms: Terms) -> list[Report]:
    """A report per alert, by its fingerprint. Raises PayloadError."""
    body = message.json_object
    version = body.get("version")
    if version not in (None, "4"):
        raise PayloadError("The field “version” must be “4”: no other format is known.")
    reports = [read_alert(message, alert, f"alerts[{i}].") for i, alert in enumerate(list_at(body, "alerts"))]
    return with_note(reports or [report(message, Kind.CONTACT, "")], number_at(body, "truncatedAlerts"))


def read_alert(message: Message, alert: Any, where: str) -> Report:
    """One of `alerts`, as Grafana sends it too. Raises PayloadError."""
    if not isinstance(alert, dict):
        raise PayloadError(f"The field “{where.rstrip('.')}” must be an object.")
    labels = object_at(alert, "labels", where=where)
    notes = object_at(alert, "annotations", where=where)
    status = text_at(alert, "status", where=where)
    if status not in STATES:
        raise PayloadError(f"The field “{where}status” must be “firing” or “resolved”.")
    name = spelled(labels.get("alertname", ""))
    kind = Kind.CONTACT if name == WATCHDOG else STATES[status]
    texts = [spelled(notes[key]) for key in ("summary", "description", "message") if notes.get(key)]
    source = text_at(alert, "fingerprint", where=where)
    changed_at = moment_at(alert, "startsAt" if STATES[status] is Kind.FIRING else "endsAt")
    texts = [*texts, _labels(labels)]
    return report(message, kind, source, name=name, texts=texts, changed_at=changed_at)


def with_note(reports: list[Report], truncated: int) -> list[Report]:
    """These, with what the sender has left out."""
    if truncated <= 0:
        return reports
    alerts = "1 alert" if truncated == 1 else f"{truncated} alerts"
    note = (
        f"The sender left out {alerts} of its last message (max_alerts): more may fire than are known here."
    )
    return [replace(one, note=note) for one in reports]


def _labels(labels: Mapping[str, Any]) -> str:
    """ "alertname=HighLatency, job=api"."""
    return ", ".join(f"{name}={spelled(value)}" for name, value in sorted(labels.items()))


ALERTMANAGER = Source(
    "alertmanager",
    "Prometheus Alertmanager",
    "Add its address as webhook_configs with send_resolved: true, which is the default.",
    read,
)
