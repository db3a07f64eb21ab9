"""The mails: from an envelope to a message, plain text and HTML with the same words.

Nothing that staff or strangers wrote enters a header but on one line and cut.
There is nothing remote in the HTML but links, and nothing that tells us who read it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime, parseaddr
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse

from components.egress import EgressError, ascii_host
from components.status import Status, worst
from incidents import messages, words
from incidents.markdown import to_html
from incidents.messages import Said, one_line
from incidents.models import NoticeKind
from subscribers.envelope import Envelope
from subscribers.models import Purpose
from subscribers.story import Story, Word

MOST_BYTES = 20_000  # of the whole message; DESIGN.md, section 12
BUDGETS = (4_000, 2_000, 1_000, 300, 0)  # bytes of words in each part, the first that fits
MOST_STORIES = 5  # of a digest, in full; of the others the title alone
MOST_NAMED = 15
BUTTONS = {
    NoticeKind.INCIDENT: "Follow this incident",
    NoticeKind.MAINTENANCE: "See this maintenance",
    NoticeKind.POSTMORTEM: "Read the postmortem",
    NoticeKind.COMPONENT: "See this component",
}


@dataclass(frozen=True, slots=True)
class Look:
    """How a state looks without a picture: fill, tint and text, light and dark (DESIGN.md, section 3)."""

    glyph: str
    light: tuple[str, str, str]
    dark: tuple[str, str, str]


# no glyph that mail programs turn into an emoji
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


class NoAddress(Exception):
    """This is no address that mail can be written to."""


class _Policy(EmailPolicy):
    """Headers that hold one long word stay whole: Python would encode them, and nobody could read them."""

    WHOLE = frozenset({"list-unsubscribe", "references", "in-reply-to", "message-id", "list-id"})

    def fold(self, name: str, value: str) -> str:
        if name.lower() in self.WHOLE:
            return f"{name}: {value}{self.linesep}"
        folded: str = super().fold(name, value)
        return folded

    def fold_binary(self, name: str, value: str) -> bytes:
        if name.lower() in self.WHOLE:
            return self.fold(name, value).encode("ascii", "replace")
        return super().fold_binary(name, value)


# seven bits: every server takes them, whatever it says it can do
POLICY = _Policy(linesep="\r\n", cte_type="7bit")


@dataclass(frozen=True, slots=True)
class _Sheet:
    """What a mail says, in both parts."""

    subject: str
    text: str
    html: str


def letter(envelope: Envelope, now: datetime) -> EmailMessage:
    """The whole message, under 20 KB however much was said. Raises NoAddress."""
    for most in BUDGETS:
        message = _message(envelope, _sheet(envelope, most), now)
        if len(message.as_bytes()) <= MOST_BYTES:
            break
    return message


def receiver(address: str) -> Address:
    """An address as mail servers know it: its domain in ASCII. Raises NoAddress."""
    name, _, domain = address.rpartition("@")
    try:
        if not name.isascii() or one_line(address, most=400) != address:
            raise NoAddress
        return Address(addr_spec=f"{name}@{ascii_host(domain)}")
    except (ValueError, IndexError, MessageError, EgressError) as error:
        raise NoAddress from error


def _message(envelope: Envelope, sheet: _Sheet, now: datetime) -> EmailMessage:
    house, links = envelope.house, envelope.links
    host = _host(house.url)
    message = EmailMessage(policy=POLICY)
    message["From"] = _sender(house.name)
    message["To"] = receiver(envelope.address)
    message["Subject"] = sheet.subject
    message["Date"] = format_datetime(now.astimezone(UTC))
    message["Message-ID"] = f"<{envelope.id}@{host}>"
    if envelope.story is not None and not envelope.others:
        thread = f"<{envelope.story.thread.replace(':', '.')}@{host}>"
        message["In-Reply-To"] = message["References"] = thread
    message["List-Id"] = f"<{host}>"
    if links.leave:
        message["List-Unsubscribe"] = f"<{links.leave}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(_writable(sheet.text))
    message.add_alternative(_writable(sheet.html), subtype="html")
    return message


def _writable(text: str) -> str:
    """Half a character (a lone surrogate) cannot be written in any mail."""
    return text.encode(errors="replace").decode()


def _host(url: str) -> str:
    """A host for ids; of a page on an address or one name alone it is no real domain, and need not be."""
    return ascii_host(urlsplit(url).hostname or "localhost").replace(":", "-")


def _sender(page_name: str) -> Address:
    """The page, or the name EMAIL_FROM gives."""
    name, address = parseaddr(settings.DEFAULT_FROM_EMAIL)
    return Address(display_name=messages.header(one_line(name or page_name, most=100)), addr_spec=address)


def _sheet(envelope: Envelope, most: int) -> _Sheet:
    if envelope.story is None:
        return _note(envelope)
    if envelope.others:
        return _digest(envelope, (envelope.story, *envelope.others), most)
    return _news(envelope, envelope.story, most)


# News


def _news(envelope: Envelope, story: Story, most: int) -> _Sheet:
    """One story: what is said now, what was said since the last mail, and what the last mail said."""
    unsent = envelope.unsent or (story.newest,)
    said = _cut([_said(word) for word in (unsent[0], *_before(story, unsent))], most, story.url)
    newest, earlier = _advised(said[0], story, most), said[1:]
    since = earlier[: len(unsent) - 1]
    reason = messages.why(_scope(envelope), envelope.house.name)
    links = envelope.links
    text = _lines(story, newest)
    for one in since:
        text += [messages.said_when(one), "", messages.plain(one.text), ""]
    text += [story.url, ""]
    if story.kind == NoticeKind.MAINTENANCE:
        text += [f"Calendar: {_calendar(envelope)}", ""]
    text += messages.mail_end(reason, links.manage, links.leave)
    if links.only:
        text.append(f"Only this incident: {links.only}")
    subject = messages.subject_line(story.label, story.title)
    shown = _block(story, newest)
    if story.kind == NoticeKind.MAINTENANCE and not story.is_over:
        shown["calendar"] = _calendar(envelope)
    html = _rendered(
        "news", envelope, subject, [shown], one=shown, earlier=[_shown(one) for one in earlier], reason=reason
    )
    return _Sheet(subject, "\n".join(text) + "\n", html)


def _before(story: Story, unsent: Sequence[Word]) -> list[Word]:
    """Further words that were not sent, and the last one that was."""
    told = [word for word in story.words if word.number < unsent[-1].number]
    return [*unsent[1:], *told[:1]]


def _digest(envelope: Envelope, stories: Sequence[Story], most: int) -> _Sheet:
    """The day's stories, each at its newest."""
    name, stories, rest = envelope.house.name, stories[:MOST_STORIES], stories[MOST_STORIES:]
    more = [(messages.subject_line(one.label, one.title)[:120], one.url) for one in rest[:MOST_NAMED]]
    subject = messages.header(f"{len(stories) + len(rest)} updates from {name}")
    reason = f"{messages.why(_scope(envelope), name)} You chose one mail a day."
    room = most // len(stories)
    newest = [_advised(_cut([_said(one.newest)], room, one.url)[0], one, room) for one in stories]
    text: list[str] = []
    for story, said in zip(stories, newest, strict=True):
        text += [*_lines(story, said), story.url, "", "", ""]
    for title, url in more:
        text += [title, url, ""]
    text += messages.mail_end(reason, envelope.links.manage, envelope.links.leave)
    shown = [_block(story, said) for story, said in zip(stories, newest, strict=True)]
    html = _rendered("digest", envelope, subject, shown, stories=shown, more=more, reason=reason)
    return _Sheet(subject, "\n".join(text) + "\n", html)


def _lines(story: Story, said: Said) -> list[str]:
    return messages.told_in_mail(
        story.title,
        said,
        status=_state(story),
        components=story.components,
        next_update_at=_promise(story),
        facts=_facts(story),
    )


def _block(story: Story, said: Said) -> dict[str, Any]:
    """One story as the templates show it."""
    state = _state(story)
    facts = [*_facts(story)]
    if promise := _promise(story):
        facts.append(messages.next_word(promise, said.at))
    return {
        "status": state.value if state else "",
        "state": state.label if state else "",
        "look": LOOKS[state] if state else None,
        "names": messages.names(story.components),
        "title": one_line(story.title, most=messages.MOST_SUBJECT),
        "facts": facts,
        "rows": messages.each(story.components),
        "url": story.url,
        "button": BUTTONS[story.kind],
        **_shown(said),
    }


def _shown(said: Said) -> dict[str, Any]:
    label = one_line(said.label, most=60)
    advice = to_html(said.workaround) if said.workaround else ""
    return {
        "label": label,
        "when": messages.moment(said.at),
        "html": to_html(said.text),
        "workaround": advice,
    }


def _state(story: Story) -> Status | None:
    """None where a state would say something untrue: a report, or trouble that names no component."""
    if story.kind == NoticeKind.POSTMORTEM or not (story.components or story.is_over):
        return None
    if story.kind == NoticeKind.MAINTENANCE and story.is_over:
        return worst(status for _, status in story.components)
    return story.status


def _facts(story: Story) -> list[str]:
    if story.starts_at and story.ends_at:
        return [f"Planned for {words.span(story.starts_at.astimezone(UTC), story.ends_at.astimezone(UTC))}"]
    return []


def _promise(story: Story) -> datetime | None:
    return None if story.is_over else story.next_update_at


def _said(word: Word) -> Said:
    return Said(word.label, word.at, _writable(word.text))


def _advised(said: Said, story: Story, most: int) -> Said:
    """The same with what customers can do, which is cut as the words are, and left out where nothing fits."""
    if not (story.workaround and most):
        return said
    advice = Said(said.label, said.at, _writable(story.workaround))
    return replace(said, workaround=_cut([advice], most, story.url)[0].text)


def _cut(said: Sequence[Said], most: int, url: str) -> list[Said]:
    """The newest in full as long as it can be, the others with what room is left."""
    kept = []
    for one in said:
        raw = one.text.encode(errors="replace")
        room = max(most, 60)
        most -= len(raw)
        if len(raw) <= room:
            kept.append(one)
            continue
        text = raw[:room].decode(errors="ignore")
        text = text[: max(text.rfind("\n\n"), text.rfind(" "), room // 2)].rstrip()
        kept.append(replace(one, text=f"{text} …\n\nThe rest is on the page: <{url}>"))
    return kept


def _calendar(envelope: Envelope) -> str:
    return f"{envelope.house.url}{reverse('calendar')}"


def _rendered(
    name: str, envelope: Envelope, subject: str, blocks: Sequence[dict[str, Any]] = (), **more: Any
) -> str:
    looks = {block["status"]: block["look"] for block in blocks if block["look"]}
    page = {"name": one_line(envelope.house.name, most=100), "url": envelope.house.url}
    given = {"subject": subject, "house": page, "links": envelope.links, "looks": looks, **more}
    html: str = render_to_string(f"mail/{name}.html", given)
    return html


# Letters about the subscription itself


@dataclass(frozen=True, slots=True)
class _Note:
    """A short letter. `after` stands below the button, `reason` says why it came."""

    title: str
    paragraphs: tuple[str, ...]
    button: tuple[str, str]
    after: str = ""
    reason: str = ""


def _scope(envelope: Envelope) -> str:
    return one_line(envelope.scope, most=200) or "all components"


def _note(envelope: Envelope) -> _Sheet:
    page = one_line(envelope.house.name, most=100)
    note = NOTES.get(envelope.purpose, _known)(envelope, page)
    subject = messages.header(note.title)
    label, address = note.button
    text = [subject, "", *(f"{one}\n" for one in note.paragraphs), f"{label}:", address, ""]
    text += [note.after, ""] if note.after else []
    text += ["-- ", note.reason]
    html = _rendered("note", envelope, subject, note=note)
    return _Sheet(subject, "\n".join(text) + "\n", html)


def _confirm(envelope: Envelope, page: str) -> _Note:
    scope = _scope(envelope)
    return _Note(
        f"Confirm your subscription to {page}",
        (
            (
                f"Somebody, we hope you, entered this address on the status page of {page} and asked for "
                f"mail about {scope}."
            ),
            "Nothing more is sent unless you confirm. The link works for 7 days.",
        ),
        ("Confirm", envelope.links.confirm),
        "If it was not you, do nothing: the address is then forgotten.",
        f"You get this one mail because the address was entered on {envelope.house.url}.",
    )


def _known(envelope: Envelope, page: str) -> _Note:
    return _Note(
        f"You are subscribed to {page} already",
        (
            (
                f"This address was entered again on the status page of {page}. It is subscribed already, "
                f"to {_scope(envelope)}, and nothing has changed."
            ),
        ),
        ("Choose components or leave", envelope.links.manage),
        "If it was not you, do nothing.",
        f"You get this one mail because the address was entered on {envelope.house.url}.",
    )


def _welcome(envelope: Envelope, page: str) -> _Note:
    return _Note(
        f"You are subscribed to {page}",
        (f"From now on we write to you about {_scope(envelope)}.",),
        ("Choose components or leave", envelope.links.manage),
        reason=messages.why(_scope(envelope), page),
    )


def _test(envelope: Envelope, page: str) -> _Note:
    return _Note(
        f"A test from {page}",
        ("This is a test, and nothing is wrong. News about incidents will reach you the same way.",),
        ("Choose components or leave", envelope.links.manage),
        reason=messages.why(_scope(envelope), page),
    )


def _stopped(envelope: Envelope, page: str) -> _Note:
    """A webhook or room of theirs was given up; `context`: what, why, and its key."""
    what = one_line(str(envelope.context.get("what", "")), most=200) or "Your webhook"
    why = one_line(str(envelope.context.get("why", "")), most=300)
    key = str(envelope.context.get("key", ""))
    restore = f"{settings.PUBLIC_URL}{reverse('subscription', args=[key])}" if key else envelope.links.manage
    return _Note(
        f"{page} no longer writes to {what}",
        (
            f"Messages to {what} could not be delivered, so we have stopped sending them.",
            *((f"The last failure: {why}",) if why else ()),
            "Once it works, start it again. What was missed is not sent later: it is on the page.",
        ),
        ("See it and start it again", restore),
        reason=f"You get this because you gave this address as the contact of {what}.",
    )


NOTES = {
    Purpose.CONFIRM.value: _confirm,
    Purpose.KNOWN.value: _known,
    Purpose.WELCOME.value: _welcome,
    Purpose.TEST.value: _test,
    Purpose.STOPPED.value: _stopped,
}
