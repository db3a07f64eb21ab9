"""A published postmortem as a file: Markdown, JSON, and CSV of its chart."""

import csv
import io
import json
from datetime import UTC, date, datetime
from typing import Any

from django.conf import settings

from incidents.generated_text import duration
from incidents.models import ActionItem, Postmortem
from statuspage.public import incident_cards
from statuspage.public.availability_chart import curve
from statuspage.public.postmortems import HEADINGS, after, beginning_of, share, timeline_of

MARKDOWN = "text/markdown; charset=utf-8"
CSV = "text/csv; charset=utf-8"


def address(found: Postmortem) -> str:
    """Its whole address."""
    return f"{settings.PUBLIC_URL}{found.get_absolute_url()}"


def as_json(found: Postmortem, today: date) -> bytes:
    """Every field, as docs/api.md tells. Texts are Markdown as written; times end in Z."""
    incident = found.incident
    body: dict[str, Any] = {
        "id": incident.public_id,
        "url": address(found),
        "incident": {
            "id": incident.public_id,
            "name": incident.title,
            "url": f"{settings.PUBLIC_URL}{incident.get_absolute_url()}",
            "impact": incident.shown_impact.value,
            "components": [place.component.name for place in incident_cards.affected(incident)],
        },
        "title": found.title,
        "authors": found.authors,
        "published_at": _at(found.published_at),
        "edited_at": _at(found.edited_at),
        "started_at": _at(found.started_at),
        "ended_at": _at(found.ended_at),
        "duration_s": int(found.lasted.total_seconds()),
        "detected_at": _at(found.detected_at),
        "first_public_word_at": _at(found.told_at),
        "users_affected_percent": float(found.users_percent) if found.users_percent is not None else None,
        "users_affected_how": found.users_how,
        **{name: getattr(found, name) for name in ("summary", "impact", "detection", *HEADINGS)},
        "timeline": [{"at": _at(at), "tag": tag, "text": text} for at, tag, text in timeline_of(found)],
        "misled": [{"saw": saw, "true": true} for saw, true in found.misled],
        "actions": [_action(action, today) for action in found.actions.all()],
        "edits": [{"at": _at(one.at), "what": one.what} for one in found.versions.all()],
    }
    return json.dumps(body, ensure_ascii=False, indent=2).encode()


def _at(at: datetime | None) -> str | None:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if at else None


def _action(action: ActionItem, today: date) -> dict[str, Any]:
    return {
        "text": action.text,
        "kind": action.kind,
        "team": action.team,
        "due": action.due.isoformat() if action.due else None,
        "state": action.state,
        "is_late": action.is_late(today),
        "done_at": _at(action.done_at),
        "link": action.link,
    }


def as_csv(found: Postmortem) -> bytes | None:
    """The curve's points; None when there is none."""
    drawn = curve(found, found.incident.past_state(incident_cards.affected(found.incident)).status)
    if drawn is None:
        return None
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(("time", "checks_well", "checks", "percent_well"))
    for at, well, seen in drawn.rows:
        writer.writerow((_at(at), well, seen, f"{100 * well / seen:.1f}" if seen else ""))
    return out.getvalue().encode()


def as_markdown(found: Postmortem, today: date) -> bytes:
    """The whole of it, to paste into a wiki."""
    pieces = [
        f"# {_line(found.title)}",
        _facts(found),
        *(
            _section(name, getattr(found, name))
            for name in ("summary", "impact", "what_happened", "root_cause")
        ),
        _section("timeline", _timeline(found)),
        _section("what misled us", _table(("What we saw", "What was true"), found.misled)),
        *(_section(name, getattr(found, name)) for name in ("escalation", "resolution", "lessons")),
        _section("corrective actions", _actions(found, today)),
        _section("changes", "\n".join(f"- {_at(one.at)}: {_line(one.what)}" for one in found.versions.all())),
        f"{address(found)}",
    ]
    return ("\n\n".join(piece for piece in pieces if piece) + "\n").encode()


def _facts(found: Postmortem) -> str:
    beginning, rest = beginning_of(found.detection)
    detected = ", ".join(part for part in (beginning, _line(rest)) if part)
    users = ", ".join(part for part in (share(found.users_percent), _line(found.users_how)) if part)
    facts = {
        "Published": " by ".join(part for part in (_at(found.published_at), _line(found.authors)) if part),
        "Components": ", ".join(place.component.name for place in incident_cards.affected(found.incident)),
        "Started": _at(found.started_at),
        "Ended": _at(found.ended_at),
        "Duration": duration(found.lasted.total_seconds()),
        "Users affected": users,
        "Detected by": detected,
        "Time to detect": after(found.started_at, found.detected_at),
        "Time to first public update": after(found.started_at, found.told_at),
    }
    return "\n".join(f"- **{name}:** {value}" for name, value in facts.items() if value)


def _section(name: str, words: str) -> str:
    heading = HEADINGS.get(name, name.replace("_", " ").capitalize())
    return f"## {heading}\n\n{words.strip()}" if words.strip() else ""


def _timeline(found: Postmortem) -> str:
    return "\n".join(
        f"- {_at(at)} {f'**{_line(tag)}** ' if tag else ''}{_line(text)}"
        for at, tag, text in timeline_of(found)
    )


def _actions(found: Postmortem, today: date) -> str:
    rows = [
        (
            f"[{_line(one.text)}](<{one.link}>)" if one.link else one.text,
            one.get_kind_display(),
            one.team,
            one.due.isoformat() if one.due else "",
            f"{one.get_state_display()}{', late' if one.is_late(today) else ''}",
        )
        for one in found.actions.all()
    ]
    return _table(("Action", "Kind", "Team", "Due", "State"), rows)


def _table(heads: tuple[str, ...], rows: Any) -> str:
    if not rows:
        return ""
    lines = [heads, ("---",) * len(heads), *rows]
    return "\n".join(
        "| " + " | ".join(_line(cell).replace("|", "\\|") for cell in row) + " |" for row in lines
    )


def _line(text: str) -> str:
    """The text on one line, as headings, lists and tables want it."""
    return " ".join(text.split())
