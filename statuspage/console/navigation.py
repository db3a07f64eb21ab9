"""The navigation of every console page, in one query; none where the page has counted the incidents."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from components import identity
from incidents.models import Incident
from statuspage.models import Role
from statuspage.serving.event_stream import staff_token

# (address name, words, icon, least role)
ENTRIES = (
    ("console", "Overview", "M2 7.5 8 2l6 5.5V14H9.5v-4h-3v4H2z", Role.VIEWER),
    ("console_incidents", "Incidents", "M5 4h9M5 8h9M5 12h9M2 4h.5M2 8h.5M2 12h.5", Role.VIEWER),
    ("console_components", "Components", "M2 2h5v5H2zM9 2h5v5H9zM2 9h5v5H2zM9 9h5v5H9z", Role.VIEWER),
    ("console_probes", "Probes", "M1 8h3l2-5 4 10 2-5h3", Role.VIEWER),
    ("console_maintenance", "Maintenance", "M2 4h12v10H2zM2 7h12M5 2v3M11 2v3", Role.VIEWER),
    ("console_postmortems", "Postmortems", "M3 1h7l3 3v11H3zM5 7h6M5 10h6", Role.VIEWER),
    ("console_subscribers", "Subscribers", "M1.5 3.5h13v9h-13zM1.5 4l6.5 5 6.5-5", Role.VIEWER),
    ("console_templates", "Templates", "M2 3h12M2 8h8M2 13h10", Role.VIEWER),
    ("console_alerts", "Alerts", "M4 12V6a4 4 0 0 1 8 0v6l2 1H2zM6.5 15h3", Role.RESPONDER),
    ("people", "People", "M8 8a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM2 15c0-4 12-4 12 0", Role.ADMIN),
    ("console_settings", "Settings", "M2 4h7M12 4h2M2 12h3M8 12h6M10.5 2v4M6.5 10v4", Role.ADMIN),
    ("audit", "Audit log", "M3 2h10v12H3zM5 5h6M5 8h6M5 11h3", Role.ADMIN),
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the side bar."""

    words: str
    url: str
    icon: str
    is_here: bool
    count: int = 0


def frame(request: HttpRequest) -> dict[str, Any]:
    """The context of the side bar, with the person's role; empty on pages without one."""
    role: Role | None = getattr(request, "role", None)
    if role is None:
        return {}
    opened = getattr(request, "open_incidents", None)
    if opened is None:
        opened = Incident.objects.live().filter(resolved_at=None).count()
    section = getattr(request, "section", "")
    entries = [
        Entry(words, url, icon, name == section, opened if name == "console_incidents" else 0)
        for name, words, icon, least in ENTRIES
        if role >= least and (url := _address(name))
    ]
    return {
        "entries": entries,
        "role": role,
        "may_post": role >= Role.RESPONDER,
        "may_edit": role >= Role.EDITOR,
        "may_rule": role >= Role.ADMIN,
        "page_name": identity.current().name,
        "live": staff_token(),
        "initials": _initials(request.user),
    }


def _address(name: str) -> str:
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""


def _initials(user: Any) -> str:
    """ "MO" for Mira Okafor."""
    name = user.get_full_name() or user.get_username()
    return "".join(word[0] for word in name.split()[:2]).upper()
