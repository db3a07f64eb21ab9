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


def address(postmortem: Postmortem) -> str:
    """Its absolute address."""
    return f"{settings.PUBLIC_URL}{postmortem.get_absolute_url()}"


def as_json(postmortem: Postmortem, today: date) -> bytes:
    """Every field (docs/api.md). Texts are Markdown as written; times end in Z."""
    incident = postmortem.incident
    body: dict[str, Any] = {
        "id": incident.public_id,
        "url": address(postmortem),
        "incident": {
            "id": incident.public_id,
            "name": incident.title,
            "url": f"{settings.PUBLIC_URL}{incident.get_absolute_url()}",
            "impact": incident.shown_impact.value,
            "components": [place.component.name for place in incident_cards.affected(incident)],
        },
        "title": postmortem.title,
        "authors": postmortem.authors,
        "published_at": _at(postmortem.published_at),
        "edited_at": _at(postmortem.edited_at),
        "started_at": _at(postmortem.started_at),
        "ended_at": _at(postmortem.ended_at),
        "duration_s": int(postmortem.lasted.total_seconds()),
        "detected_at": _at(postmortem.detected_at),
        "first_public_word_at": _at(postmortem.told_at),
        "users_affected_percent": float(postmortem.users_percent)
        if postmortem.users_percent is not None
        else None,
        "users_affected_how": postmortem.users_how,
        **{name: getattr(postmortem, name) for name in ("summary", "impact", "detection", *HEADINGS)},
        "timeline": [{"at": _at(at), "tag": tag, "text": text} for at, tag, text in timeline_of(postmortem)],
        "misled": [{"saw": saw, "true": true} for saw, true in postmortem.misled],
        "actions": [_action(action, today) for action in postmortem.actions.all()],
        "edits": [{"at": _at(version.at), "what": version.what} for version in postmortem.versions.all()],
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


def as_csv(postmortem: Postmortem) -> bytes | None:
    """The curve's points as CSV; None if there is no curve."""
    drawn = curve(
        postmortem, postmortem.incident.past_state(incident_cards.affected(postmortem.incident)).status
    )
    if drawn is None:
        return None
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(("time", "checks_well", "checks", "percent_well"))
    for at, passed, total in drawn.rows:
        writer.writerow((_at(at), passed, total, f"{100 * passed / total:.1f}" if total else ""))
    return out.getvalue().encode()


def as_markdown(postmortem: Postmortem, today: date) -> bytes:
    """The whole postmortem as Markdown, to paste into a wiki."""
    pieces = [
        f"# {_line(postmortem.title)}",
        _facts(postmortem),
        *(
            _section(name, getattr(postmortem, name))
            for name in ("summary", "impact", "what_happened", "root_cause")
        ),
        _section("timeline", _timeline(postmortem)),
        _section("what misled us", _table(("What we saw", "What was true"), postmortem.misled)),
        *(_section(name, getattr(postmortem, name)) for name in ("escalation", "resolution", "lessons")),
        _section("corrective actions", _actions(postmortem, today)),
        _section(
            "changes",
            "\n".join(f"- {_at(version.at)}: {_line(version.what)}" for version in postmortem.versions.all()),
        ),
        f"{address(postmortem)}",
    ]
    return ("\n\n".join(piece for piece in pieces if piece) + "\n").encode()


def _facts(postmortem: Postmortem) -> str:
    beginning, rest = beginning_of(postmortem.detection)
    detected = ", ".join(part for part in (beginning, _line(rest)) if part)
    users = ", ".join(part for part in (share(postmortem.users_percent), _line(postmortem.users_how)) if part)
    facts = {
        "Published": " by ".join(
            part for part in (_at(postmortem.published_at), _line(postmortem.authors)) if part
        ),
        "Components": ", ".join(
            place.component.name for place in incident_cards.affected(postmortem.incident)
        ),
        "Started": _at(postmortem.started_at),
        "Ended": _at(postmortem.ended_at),
        "Duration": duration(postmortem.lasted.total_seconds()),
        "Users affected": users,
        "Detected by": detected,
        "Time to detect": after(postmortem.started_at, postmortem.detected_at),
        "Time to first public update": after(postmortem.started_at, postmortem.told_at),
    }
    return "\n".join(f"- **{name}:** {value}" for name, value in facts.items() if value)


def _section(name: str, words: str) -> str:
    heading = HEADINGS.get(name, name.replace("_", " ").capitalize())
    return f"## {heading}\n\n{words.strip()}" if words.strip() else ""


def _timeline(postmortem: Postmortem) -> str:
    return "\n".join(
        f"- {_at(at)} {f'**{_line(tag)}** ' if tag else ''}{_line(text)}"
        for at, tag, text in timeline_of(postmortem)
    )


def _actions(postmortem: Postmortem, today: date) -> str:
    rows = [
        (
            f"[{_line(action.text)}](<{action.link}>)" if action.link else action.text,
            action.get_kind_display(),
            action.team,
            action.due.isoformat() if action.due else "",
            f"{action.get_state_display()}{', late' if action.is_late(today) else ''}",
        )
        for action in postmortem.actions.all()
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
