"""Text that comes back as a draft: a form that was published before, or an update that was undone."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4

from incidents.models import Draft, Incident, Update
from statuspage.console.compose import Composition, newest, to_draft
from statuspage.console.promises import USUAL


def keep_changed(form: Composition, incident: Incident, author: Any, now: datetime) -> bool:
    """Keep a form that was published before, and changed since, as a draft of the next update."""
    body = form.data["body"].strip()
    if not body or incident.updates.filter(author=author, body=body).exists():
        return False
    fresh = {"key": uuid4().hex, "opened": now.isoformat(), "seen": str(newest(incident))}
    Draft.objects.keep(incident, author, to_draft(form) | fresh, now)
    return True


def keep_undone(update: Update, typed: Mapping[str, str], author: Any, now: datetime) -> None:
    """Keep an undone update with all its choices as a draft, above what its author has begun since."""
    is_new = update.incident.deleted_at is not None  # its incident was undone too: a new incident again
    incident = None if is_new else update.incident
    data = {"title": update.incident.title if is_new else "", "promise": str(USUAL), **typed}
    # a new form, with a new key and a new start for the promised time
    data |= {"body": update.body, "phase": update.phase, "seen": str(update.number), "key": "", "opened": ""}
    if data.get("workaround", "") != data.get("workaround_was", ""):
        data["workaround_was"] = update.incident.workaround if incident else ""
    begun = Draft.objects.of(incident, author)
    later = begun.data.get("body", "").strip() if begun else ""
    if later and later != update.body.strip():
        data["body"] = f"{update.body}\n\n{later}"
    Draft.objects.keep(incident, author, data, now)
