"""The nouns of the first floor, one a file."""

from incidents.models.affected import Affected
from incidents.models.incident import AlreadyResolved, Incident
from incidents.models.update import Update

__all__ = ["Affected", "AlreadyResolved", "Incident", "Update"]
