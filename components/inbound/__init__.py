"""Who may report alerts to an inbound probe. A new source is one file, and one line in SOURCES."""

from components.inbound.alertmanager import ALERTMANAGER
from components.inbound.cloudwatch import CLOUDWATCH
from components.inbound.generic import GENERIC
from components.inbound.grafana import GRAFANA
from components.inbound.message import Message, PayloadError, SecretError, Source, Terms
from components.inbound.pingdom import PINGDOM
from components.inbound.uptimerobot import UPTIMEROBOT

SOURCES: dict[str, Source] = {
    source.name: source for source in (ALERTMANAGER, CLOUDWATCH, GENERIC, GRAFANA, PINGDOM, UPTIMEROBOT)
}

__all__ = ["SOURCES", "Message", "PayloadError", "SecretError", "Source", "Terms"]
