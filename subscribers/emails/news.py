"""Mails about an incident, maintenance or postmortem, and the daily digest."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.urls import reverse

from components.status import State, Status, state_of, worst
from incidents import messages
from incidents.markdown import to_html
from incidents.messages import MailEntry, one_line
from incidents.models import NoticeKind
from incidents.times import span
from subscribers.delivery.content import Story, Word
from subscribers.delivery.envelope import Envelope
from subscribers.emails.sheet import Sheet, rendered, scope, writable

MAX_STORIES = 5  # in full in a digest; of the others only the title
MAX_NAMED = 15
BUTTONS = {
    NoticeKind.INCIDENT: "Follow this incident",
    NoticeKind.MAINTENANCE: "View this maintenance",
    NoticeKind.POSTMORTEM: "Read the postmortem",
    NoticeKind.COMPONENT: "View this component",
}


@dataclass(frozen=True, slots=True)
class Look:
    """How a state looks without a picture: fill, tint and text, light and dark."""

    glyph: str
    light: tuple[str, str, str]
    dark: tuple[str, str, str]


# no glyphs that mail programs replace by emoji
LOOKS = {
    Status.OPERATIONAL: Look("✓", ("#1A8F66", "#E7F5EE", "#0A5A3F"), ("#43C898", "#10261F", "#6FD8B1")),
    Status.DEGRADED_PERFORMANCE: Look(
        "▲", ("#B68200", "#FFF5D6", "#6A4A00"), ("#F3CE5E", "#2B2410", "#F0CB62")
    ),
    Status.PARTIAL_OUTAGE: Look("◆", ("#AC3A05", "#FFEEE2", "#8A3206"), ("#EC7430", "#2F1E12", "#F9A76F")),
    Status.MAJOR_OUTAGE: Look("✕", ("#7F0A3C", "#FCE8EC", "#8A0A3C"), ("#E93A63", "#33131C", "#FF93A7")),
    Status.UNDER_MAINTENANCE: Look("■", ("#4457C8", "#ECEFFD", "#33429F"), ("#8C9EFF", "#1B2040", "#AEBBFF")),
    Status.UNKNOWN: Look("?", ("#66707D", "#EDEFF2", "#434B57"), ("#8B96A5", "#1F262F", "#B7C0CC")),
}


def single(envelope: Envelope, story: Story, most: int) -> Sheet:
    """A mail of one story: the newest update, those since the last mail, and that of the last mail."""
    unsent = envelope.unsent or (story.newest,)
    entries = _cut([_entry(word) for word in (unsent[0], *_before(story, unsent))], most, story.url)
    newest, earlier = _advised(entries[0], story, most), entries[1:]
    since = earlier[: len(unsent) - 1]
    reason = messages.why(scope(envelope), envelope.house.name)
    links = envelope.links
    text = _lines(story, newest, envelope.at)
    for entry in since:
        text += [messages.dated_label(entry), "", messages.plain(entry.text), ""]
    text += [story.url, ""]
    if story.kind == NoticeKind.MAINTENANCE:
        text += [f"Calendar: {_calendar(envelope)}", ""]
    text += messages.mail_end(reason, links.manage, links.leave)
    if links.only:
        text.append(f"Only this incident: {links.only}")
    subject = messages.subject_line(story.label, story.title)
    shown = _block(story, newest, envelope.at)
    if story.kind == NoticeKind.MAINTENANCE and not story.is_over:
        shown["calendar"] = _calendar(envelope)
    html = rendered(
        "news",
        envelope,
        subject,
        [shown],
        one=shown,
        earlier=[_shown(entry) for entry in earlier],
        reason=reason,
    )
    return Sheet(subject, "\n".join(text) + "\n", html)


def _before(story: Story, unsent: Sequence[Word]) -> list[Word]:
    """The other unsent updates, and the last one that was sent."""
    older = [word for word in story.words if word.number < unsent[-1].number]
    return [*unsent[1:], *older[:1]]


def digest(envelope: Envelope, stories: Sequence[Story], most: int) -> Sheet:
    """A daily digest, with the newest update of each story."""
    name, stories, rest = envelope.house.name, stories[:MAX_STORIES], stories[MAX_STORIES:]
    more = [(messages.subject_line(story.label, story.title)[:120], story.url) for story in rest[:MAX_NAMED]]
    subject = messages.header(f"{len(stories) + len(rest)} updates from {name}")
    reason = f"{messages.why(scope(envelope), name)} You chose one email a day."
    room = most // len(stories)
    newest = [_advised(_cut([_entry(story.newest)], room, story.url)[0], story, room) for story in stories]
    text: list[str] = []
    for story, entry in zip(stories, newest, strict=True):
        text += [*_lines(story, entry, envelope.at), story.url, "", "", ""]
    for title, url in more:
        text += [title, url, ""]
    text += messages.mail_end(reason, envelope.links.manage, envelope.links.leave)
    shown = [_block(story, entry, envelope.at) for story, entry in zip(stories, newest, strict=True)]
    html = rendered("digest", envelope, subject, shown, stories=shown, more=more, reason=reason)
    return Sheet(subject, "\n".join(text) + "\n", html)


def _lines(story: Story, entry: MailEntry, sent_at: datetime | None) -> list[str]:
    return messages.mail_lines(
        story.title,
        entry,
        state=_state(story),
        components=story.components,
        next_update_at=_promise(story),
        facts=_facts(story),
        sent_at=sent_at,
    )


def _block(story: Story, entry: MailEntry, sent_at: datetime | None) -> dict[str, Any]:
    """The context of one story in the templates."""
    state = _state(story)
    facts = [*_facts(story)]
    if promise := _promise(story):
        facts.append(messages.next_update_line(promise, entry.at, sent_at))
    return {
        "status": state.status.value if state else "",
        "state": state.label if state else "",
        "look": LOOKS[state.status] if state else None,
        "names": messages.names(messages.affected_by(state, story.components) if state else story.components),
        "title": one_line(story.title, most=messages.MAX_SUBJECT_LENGTH),
        "facts": facts,
        "rows": messages.component_lines(story.components),
        "url": story.url,
        "button": BUTTONS[story.kind],
        **_shown(entry),
    }


def _shown(entry: MailEntry) -> dict[str, Any]:
    label = one_line(entry.label, most=60)
    advice = to_html(entry.workaround) if entry.workaround else ""
    return {
        "label": label,
        "when": messages.moment(entry.at),
        "html": to_html(entry.text),
        "workaround": advice,
    }


def _state(story: Story) -> State | None:
    """The state to show; None for a postmortem, or if “operational” would refer to no component."""
    is_said = story.components or story.is_over or story.status.is_trouble
    if story.kind == NoticeKind.POSTMORTEM or not is_said:
        return None
    if story.kind == NoticeKind.MAINTENANCE and story.is_over:
        status = worst(status for _, status in story.components)
        return state_of(status)
    return story.state


def _facts(story: Story) -> list[str]:
    if story.starts_at and story.ends_at:
        return [f"Planned for {span(story.starts_at, story.ends_at, story.newest.at)}"]
    return []


def _promise(story: Story) -> datetime | None:
    return None if story.is_over else story.next_update_at


def _entry(word: Word) -> MailEntry:
    return MailEntry(word.label, word.at, writable(word.text))


def _advised(entry: MailEntry, story: Story, most: int) -> MailEntry:
    """The entry with the story's workaround, cut to `most` bytes; without it if `most` is 0."""
    if not (story.workaround and most):
        return entry
    advice = MailEntry(entry.label, entry.at, writable(story.workaround))
    return replace(entry, workaround=_cut([advice], most, story.url)[0].text)


def _cut(entries: Sequence[MailEntry], most: int, url: str) -> list[MailEntry]:
    """The entries cut to `most` bytes together, the newest first; each has at least 60."""
    fitting = []
    for entry in entries:
        raw = entry.text.encode(errors="replace")
        room = max(most, 60)
        most -= len(raw)
        if len(raw) <= room:
            fitting.append(entry)
            continue
        text = raw[:room].decode(errors="ignore")
        text = text[: max(text.rfind("\n\n"), text.rfind(" "), room // 2)].rstrip()
        fitting.append(replace(entry, text=f"{text} …\n\nThe rest is on the page: <{url}>"))
    return fitting


def _calendar(envelope: Envelope) -> str:
    return f"{envelope.house.url}{reverse('calendar')}"
