"""The content of a chat message, before it is put into a vendor's format."""

from dataclasses import dataclass
from datetime import datetime

from components.status import Status
from incidents import messages
from incidents.models import NoticeKind
from incidents.times import clock, is_today, span
from subscribers.channels.markdown_runs import runs
from subscribers.channels.text_runs import END, Run, clipped, one_line
from subscribers.delivery.content import Story, Word
from subscribers.delivery.envelope import Envelope

MAX_COMPONENTS = 20
MAX_TITLE_LENGTH = 200
MAX_EARLIER = 5  # earlier updates included with the newest
MAX_RUNS = 1_000
MAX_NAME_LENGTH = 60
MAX_FALLBACK_LENGTH = 2_000
COLOURS = {
    Status.OPERATIONAL: 0x1A8F66,
    Status.UNDER_MAINTENANCE: 0x4457C8,
    Status.UNKNOWN: 0x66707D,
    Status.DEGRADED_PERFORMANCE: 0xB68200,
    Status.PARTIAL_OUTAGE: 0xAC3A05,
    Status.MAJOR_OUTAGE: 0x7F0A3C,
}


@dataclass(frozen=True, slots=True)
class Message:
    """`head`: "🔴 Major outage · Identified". `words`: the text of all new updates, newest first.

    `facts`: ("Next update", "by 08:50 UTC"). `manage`: the URL of the subscription's settings.
    """

    head: str
    title: str
    url: str
    words: tuple[Run, ...]
    status: Status
    page_name: str
    manage: str
    components: tuple[tuple[str, Status], ...] = ()
    more_components: int = 0
    facts: tuple[tuple[str, str], ...] = ()
    at: datetime | None = None
    key: str = ""
    link_word: str = "Open the status page"

    @property
    def colour(self) -> str:
        """As "#7F0A3C"."""
        return f"#{COLOURS[self.status]:06X}"

    @property
    def component_lines(self) -> list[str]:
        """ "🔴 Chat: Major outage", one component per line."""
        lines = [f"{messages.EMOJI[status]} {name}: {status.label}" for name, status in self.components]
        return [*lines, f"and {self.more_components} more"] if self.more_components else lines

    @property
    def fallback(self) -> str:
        """The plain text, for notifications and for clients that show no cards."""
        return self.plain(MAX_FALLBACK_LENGTH)

    def plain(self, most: int) -> str:
        """The plain text with at most `most` UTF-16 units of `words`."""
        return messages.chat_text(
            self.head,
            self.title,
            clipped("".join(run.text for run in self.words), most),
            components=self.components,
            facts=[f"{name} {value}" for name, value in self.facts],
            url=self.url,
        )


def compose(envelope: Envelope) -> Message:
    """The chat message of an envelope."""
    return _of_story(envelope, envelope.story) if envelope.story else _about_subscription(envelope)


def _of_story(envelope: Envelope, story: Story) -> Message:
    shown = story.components[:MAX_COMPONENTS]
    return Message(
        head=_head(story),
        title=clipped(story.title, MAX_TITLE_LENGTH) or "No title",
        url=story.url,
        words=_words(envelope, story),
        status=story.status,
        page_name=clipped(envelope.house.name, MAX_NAME_LENGTH),
        manage=envelope.links.manage,
        components=tuple((clipped(name, MAX_NAME_LENGTH), status) for name, status in shown),
        more_components=len(story.components) - len(shown),
        facts=_facts(story, envelope.at or story.newest.at),
        at=story.newest.at,
        key=story.thread,
        link_word=LINK_WORDS[story.kind],
    )


LINK_WORDS = {
    NoticeKind.INCIDENT: "Open the incident",
    NoticeKind.MAINTENANCE: "Open the maintenance",
    NoticeKind.POSTMORTEM: "Read the postmortem",
    NoticeKind.COMPONENT: "Open the component",
}


def _head(story: Story) -> str:
    if story.kind == NoticeKind.POSTMORTEM:
        return "📄 Postmortem"
    return messages.chat_head(story.state, story.label)


def _words(envelope: Envelope, story: Story) -> tuple[Run, ...]:
    """The newest update, then earlier ones with label and time; the newest also, if it is of another day."""
    newest, *earlier = envelope.unsent or (story.newest,)
    sent_at = envelope.at or newest.at
    # a component's change is our own sentence: its name is no Markdown
    text = [Run(one_line(newest.text))] if story.kind == NoticeKind.COMPONENT else runs(newest.text)
    if not is_today(newest.at, sent_at):
        text = [*_step(newest, sent_at), *text]
    if story.workaround:
        text += [END, END, Run("What you can do", strong=True), END, *runs(story.workaround)]
    for word in earlier[:MAX_EARLIER]:
        if len(text) > MAX_RUNS:
            break  # more than any vendor shows
        text += [END, END, *_step(word, newest.at, sent_at), *runs(word.text)]
    return tuple(text)


def _step(word: Word, *seen_at: datetime) -> tuple[Run, ...]:
    return Run(f"{word.label}, {_clock(word.at, *seen_at)}:", strong=True), END


def _clock(at: datetime, *seen_at: datetime) -> str:
    """The time, with its date if any of `seen_at` is another day."""
    return max((clock(at, now) for now in seen_at), key=len)


def _facts(story: Story, sent_at: datetime) -> tuple[tuple[str, str], ...]:
    facts = []
    if story.starts_at and story.ends_at:
        facts.append(("Planned", span(story.starts_at, story.ends_at, sent_at)))
    if story.next_update_at:
        facts.append(("Next update", f"by {_clock(story.next_update_at, story.newest.at, sent_at)}"))
    return tuple(facts)


def _about_subscription(envelope: Envelope) -> Message:
    """A message about the subscription itself."""
    name, house = clipped(envelope.house.name, MAX_NAME_LENGTH), envelope.house
    title, text = SUBSCRIPTION_TEXTS.get(envelope.purpose, SUBSCRIPTION_TEXTS["welcome"])
    scope = clipped(envelope.scope, MAX_NAME_LENGTH) or "all components"
    return Message(
        head=f"🔔 {name}",
        title=title.format(scope=scope),
        url=house.url,
        words=(Run(text.format(name=name)),),
        status=house.state.status,
        page_name=name,
        manage=envelope.links.manage,
        key=f"letter:{envelope.purpose}",
    )


SUBSCRIPTION_TEXTS = {
    "confirm": (
        "This channel will get updates about {scope}",
        "Someone subscribed this channel on the status page of {name}. Change or cancel it under “Manage”.",
    ),
    "welcome": (
        "This channel gets updates about {scope}",
        "Status updates from {name} will appear here. Change or cancel it under “Manage”.",
    ),
    "known": (
        "This channel already gets updates about {scope}",
        "Someone subscribed this channel on the status page of {name} again. Nothing has changed.",
    ),
    "test": (
        "This is a test",
        "Nothing is wrong. Someone is testing whether messages from {name} arrive here, and they do.",
    ),
    "stopped": (
        "A subscription was stopped",
        "Messages from {name} could not be delivered for days, or were rejected. Start again under “Manage”.",
    ),
}
