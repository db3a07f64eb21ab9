"""Every format of a chat vendor: within its schema and limits, and unable to call or mislead anybody."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape
from html.parser import HTMLParser

import pytest
from markdown_it import MarkdownIt

from components.status import Status, page_state
from incidents import messages
from incidents.lifecycle import Phase
from incidents.models import NoticeKind
from subscribers import channels
from subscribers.channels import discord
from subscribers.channels.chat_message import compose
from subscribers.channels.markdown_runs import runs
from subscribers.channels.slack import SLACK
from subscribers.channels.text_runs import CUT
from subscribers.delivery.content import Publisher, Story, Word
from subscribers.delivery.envelope import Envelope, Links
from subscribers.states import CHATS, Channel
from tests.subscribers.letters import envelope as envelope_of
from tests.subscribers.letters import story
from tests.subscribers.schemas import faults, schema_of

AT = datetime(2026, 11, 21, 3, 21, tzinfo=UTC)
HOUSE = Publisher("Widgetify", "https://status.widgetify.example", "abc", page_state([Status.MAJOR_OUTAGE]))
LINKS = Links(
    "https://status.widgetify.example/subscription/k3y", "https://status.widgetify.example/unsubscribe/k3y"
)
INCIDENT = Story(
    kind=NoticeKind.INCIDENT,
    key="incident:5",
    public_id="abc",
    title="Chat refuses new connections",
    url="https://status.widgetify.example/incidents/abc",
    label="Identified",
    status=Status.MAJOR_OUTAGE,
    components=(("Chat", Status.MAJOR_OUTAGE), ("Files", Status.DEGRADED_PERFORMANCE)),
    words=(Word(2, "Identified", AT, "We found a **full pool**. See [the notes](https://w.example/a(b))."),),
    sequence=2,
    next_update_at=AT + timedelta(minutes=30),
)
WORK = replace(
    INCIDENT,
    kind=NoticeKind.MAINTENANCE,
    key="maintenance:2",
    title="We move",
    label="Scheduled",
    status=Status.UNDER_MAINTENANCE,
    words=(Word(1, "Scheduled", AT, "We move the database."),),
    starts_at=AT,
    ends_at=AT + timedelta(hours=2),
    next_update_at=None,
)
REPORT = replace(
    INCIDENT,
    kind=NoticeKind.POSTMORTEM,
    title="What happened",
    label="Postmortem",
    status=Status.OPERATIONAL,
    next_update_at=None,
)
CHANGE = replace(
    INCIDENT,
    kind=NoticeKind.COMPONENT,
    key="component:1",
    title="Chat",
    label="Major outage",
    components=(("Chat", Status.MAJOR_OUTAGE),),
    words=(Word(9, "Major outage", AT, "Chat: Operational → Major outage"),),
    next_update_at=None,
)
TOGETHER = (
    *INCIDENT.words,
    Word(1, "Investigating", AT - timedelta(minutes=9), "We look."),
)
BARE = replace(INCIDENT, components=(), next_update_at=None, words=(Word(1, "Identified", AT, ""),))
ADDRESS = {
    Channel.TELEGRAM: "https://api.telegram.org/bot1:abc/sendMessage?chat_id=-100123&message_thread_id=7"
}


def envelope(channel, story=INCIDENT, **more):
    given = {"purpose": "news", "unsent": story.words if story else (), **more}
    return Envelope(
        "msg_1",
        channel,
        ADDRESS.get(channel, "https://x.example/"),
        house=HOUSE,
        links=LINKS,
        story=story,
        **given,
    )


def all_texts(value):
    """Every string in a body that is more than the plain text of a notification."""
    if isinstance(value, str):
        yield value
    if isinstance(value, dict):
        value = [one for name, one in value.items() if not name.startswith("fallback")]
    for one in value if isinstance(value, list) else ():
        yield from all_texts(one)


def checked(channel, made):
    """The body, after every look at its limits."""
    assert list(faults(made, schema_of(channel.value))) == []
    json.dumps(made).encode("ascii")
    if channel is Channel.DISCORD:
        assert discord.total(made["embeds"][0]) <= 6_000
    if channel is Channel.TELEGRAM:
        assert len(Html(made["text"], "b i s a code").visible.encode("utf-16-le")) // 2 <= 4_096
    if channel is Channel.GOOGLE_CHAT:
        (section,) = made["cardsV2"][0]["card"]["sections"]
        assert len(section["widgets"]) <= 100
        for widget in section["widgets"]:
            for text in (widget.get(kind, {}).get("text") for kind in ("textParagraph", "decoratedText")):
                Html(text or "", "b i s a br")
    if channel is Channel.TEAMS:
        card = {name: one for name, one in made["attachments"][0]["content"].items() if name != "msteams"}
        assert list(faults(card, schema_of("adaptive_card"))) == []
    if channel is Channel.SLACK:
        blocks = [*made["blocks"], *made["attachments"][0]["blocks"]]
        assert len(json.dumps(blocks, ensure_ascii=False)) <= 13_000
    if channel is Channel.MATTERMOST:
        assert sum(len(text) for text in all_texts(made)) <= 16_383
    return made


class Html(HTMLParser):
    """Telegram refuses what is not balanced or not among its tags; Google Chat shows it as it is."""

    def __init__(self, text, tags):
        super().__init__(convert_charrefs=True)
        self.tags = tags.split()
        self.open, self.visible, self.links = [], "", []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        assert tag in self.tags
        if tag != "br":
            self.open.append(tag)
        self.links += [value for name, value in attrs if name == "href"]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.visible += data


STORIES = {
    "incident": (INCIDENT, {}),
    "several words": (INCIDENT, {"unsent": TOGETHER}),
    "resolved": (replace(INCIDENT, status=Status.OPERATIONAL, label="Resolved", is_over=True), {}),
    "no words": (BARE, {}),
    "maintenance": (WORK, {}),
    "postmortem": (REPORT, {}),
    "component": (CHANGE, {}),
    **{purpose: (None, {"purpose": purpose, "scope": "Chat and Files"})
       for purpose in ("confirm", "known", "welcome", "test", "stopped")},
}  # fmt: skip


@pytest.mark.parametrize("name", STORIES)
@pytest.mark.parametrize("channel", sorted(CHATS))
def test_every_kind_of_message_fits_the_schema_of_every_vendor(channel, name):
    story, more = STORIES[name]
    made = checked(channel, channels.kind(channel).body(envelope(channel, story, **more)))
    words = "\n".join(all_texts(made))
    assert LINKS.manage in words
    if story is None:
        assert HOUSE.name in words
        return
    assert story.title in words
    assert story.url in words
    if story is WORK:
        assert "21 Nov, 03:21 to 05:21 UTC" in words
    if story is INCIDENT:
        assert "Major outage · Identified" in words
        assert "Chat: Major outage" in words
        assert "by 03:51 UTC" in words
    if name == "several words":
        assert words.index("full pool") < words.index("We look.")
        assert "Investigating, 03:12 UTC" in words


@pytest.mark.parametrize("channel", sorted(CHATS))
def test_the_first_message_says_what_the_room_will_be_told(channel):
    made = channels.kind(channel).body(envelope(channel, None, purpose="confirm", scope="Chat and Files"))
    assert "This channel will get updates about Chat and Files" in "\n".join(all_texts(made))


def test_a_story_stays_in_its_thread():
    made = channels.kind(Channel.GOOGLE_CHAT).body(envelope(Channel.GOOGLE_CHAT))
    assert made["thread"] == {"threadKey": "incident:5"}


def test_a_telegram_topic_and_chat_are_taken_from_the_address():
    made = channels.kind(Channel.TELEGRAM).body(envelope(Channel.TELEGRAM))
    assert (made["chat_id"], made["message_thread_id"]) == ("-100123", 7)


def test_what_a_telegram_address_asks_for_arrives_in_the_types_of_the_api():
    asked = "?chat_id=@status&direct_messages_topic_id=3&disable_notification=true&protect_content=0&text=x"
    made = channels.kind(Channel.TELEGRAM).body(
        replace(envelope(Channel.TELEGRAM), address=f"https://api.telegram.org/bot1:abc/sendMessage{asked}")
    )
    assert list(faults(made, schema_of("telegram"))) == []
    assert made["chat_id"] == "@status"
    assert made["direct_messages_topic_id"] == 3
    assert made["disable_notification"] is True
    assert made["protect_content"] is False
    assert INCIDENT.title in made["text"]


def test_an_odd_topic_in_a_telegram_address_is_left_out():
    odd = envelope(Channel.TELEGRAM)
    made = channels.kind(Channel.TELEGRAM).body(
        replace(odd, address=f"{odd.address}&message_thread_id=x&reply_markup=y")
    )
    assert made["message_thread_id"] == 7
    assert list(faults(made, schema_of("telegram"))) == []


def test_notifications_read_as_the_preview_does():
    told = messages.UpdateMessage(
        page_name="Widgetify",
        title=INCIDENT.title,
        phase=Phase.IDENTIFIED,
        status=Status.MAJOR_OUTAGE,
        text="We found a full pool. See the notes.",
        at=AT,
        url=INCIDENT.url,
        components=INCIDENT.components,
        next_update_at=INCIDENT.next_update_at,
    )
    assert compose(envelope(Channel.SLACK)).fallback == messages.chat(told)


HOSTILE = {
    "mentions": "@here @everyone @channel <@U123> <!channel> <!here|x> <@&1> <users/all> <at>All</at> @all",
    "marks": "*a* _b_ ~c~ `d` ||e|| > f\n# g\n```\nh `i`\n```\n* * *\n<b>j</b> &amp; \\*k\\*",
    "spoofed": "[https://bank.example](https://evil.example) <https://evil.example|bank> "
    "[b](javascript:alert(1)) [c](tg://user?id=1) [d](https://e.example/a)b|c>\"x') <slack://x|y>",
    "parentheses": "[wiki](https://en.example/Pool_(water)) and [x](<https://en.example/a b>)",
    "long": "longer words " * 2_000,
    "one long word": "w" * 25_000,
    "long marks": "**bold** _x_ [l](https://w.example) `c` " * 700,
    "ampersands": "&<>*_" * 5_000,
    "emoji": "👩‍👩‍👧‍👦🔥" * 3_000,
    "rtl": "\u202egnp.exe \u2066مرحبا بالعالم\u2069 שלום",
    "control": "a\x00b\x07c\x1b[31m\ud800d\u2028e",
    "lines": "x\n\n" * 8_000,
    "deep list": "".join(f"{'  ' * n}- x\n" for n in range(40)),
    "table": "| a | b |\n|---|---|\n" + "| 1 | @here |\n" * 500,
    "nothing": "   \n\n ",
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("channel", sorted(CHATS))
def test_hostile_words_stay_within_limits_and_call_nobody(channel, name):
    words = HOSTILE[name]
    names = tuple((f"{words[:3_000]} {n}", Status.MAJOR_OUTAGE) for n in range(60))
    story = replace(
        INCIDENT, title=words[:3_000] or "t", components=names, words=(Word(1, "Identified", AT, words),)
    )
    more = {"unsent": (*story.words, *(Word(1, "Investigating", AT, words) for _ in range(5)))}
    made = checked(channel, channels.kind(channel).body(envelope(channel, story, **more)))
    texts = list(all_texts(made))
    for text in texts:
        assert not re.search(r"@(here|everyone|channel|all|U123)\b", text)
        assert not re.search(r"<([!#]|@[\w&]|users/|at>)", text)
        assert not re.search("[\u202a-\u202e\u2066-\u2069\x00-\x08\x1b]", text)
        assert (
            "javascript:alert(1))" not in text.replace("\\", "").replace("(javascript", "") or "](" in words
        )
    assert any(INCIDENT.url in text for text in texts)
    assert any(LINKS.manage in text for text in texts)
    if len(words) > 20_000:
        assert any(CUT in text for text in texts)


LEADS_TO = {
    Channel.SLACK: r"<((?:https?|mailto|tg|javascript|slack)[^|>]*)\|",
    Channel.DISCORD: r"(?<!\\)\]\(([^)]*)\)",
    Channel.MATTERMOST: r"(?<!\\)\]\(([^)]*)\)",
    Channel.TELEGRAM: r'href="([^"]*)"',
    Channel.GOOGLE_CHAT: r'href="([^"]*)"',
    Channel.TEAMS: r"^((?:https?|tg|javascript|slack):\S*)$",
}


@pytest.mark.parametrize("channel", sorted(CHATS))
def test_a_link_shows_where_it_leads(channel):
    story = replace(INCIDENT, words=(Word(1, "Identified", AT, HOSTILE["spoofed"]),))
    made = channels.kind(channel).body(envelope(channel, story))
    texts = list(all_texts(made))
    found = {url for text in texts for url in re.findall(LEADS_TO[channel], text)}
    ours = {url for url in found if "widgetify" in url or "adaptivecards" in url}
    assert found - ours == {"https://evil.example", "https://e.example/a", "https://evil.example%7Cbank"}
    assert any("evil.example" in text and "→" not in text for text in texts) or any(
        "→" in text for text in texts
    )


def test_brackets_in_an_address_do_not_end_a_link():
    made = channels.kind(Channel.DISCORD).body(envelope(Channel.DISCORD))
    assert "[the notes](https://w.example/a%28b%29)" in made["embeds"][0]["description"]


CUTS = (
    ("one two three four", 12, "one two…"),
    ("one two three", 13, "one two three"),
    ("**one two** three", 11, "*one two*…"),
    ("abcdefghij", 6, "abcde…"),
)


@pytest.mark.parametrize(("text", "most", "cut"), CUTS)
def test_a_text_is_cut_at_a_word_with_its_marks_closed(text, most, cut):
    assert SLACK.fitted(runs(text), most) == cut


READ = (
    ("- a\n- b\n  1. c\n", "• a\n• b\n\u20031. c"),
    ("a  \nb", "a\nb"),
    ("# h\n\ntext", "*h*\n\ntext"),
    ("a\n\n\n\nb", "a\n\nb"),
    ("snake_case 2*3 *not bold", "snake_case 2*3 ∗not bold"),
    ("a & b < c", "a &amp; b &lt; c"),
    ("![alt](https://x.example/y.png)", "<https://x.example/y.png|alt>"),
    (
        "> Our provider says:\n> all is well.\n\nWe wait.",
        "&gt; Our provider says:\n&gt; all is well.\n\nWe wait.",
    ),
    ("> a\n>\n> > b", "&gt; a\n\n&gt; &gt; b"),
    ("> - a\n> - **b**", "&gt; • a\n&gt; • *b*"),
    ("- [x] done", "• ☑ done"),
    ("[x]() is down", "x is down"),
    ("[the\nstatus](https://ex.org/a) of it", "<https://ex.org/a|the status> of it"),
    ("the `code` [`a` b]() here", "the `code` a b here"),
    ("one\u2028two\u2029three\x0bfour", "one two three four"),
)


@pytest.mark.parametrize(("text", "slack"), READ)
def test_markdown_becomes_the_dialect(text, slack):
    assert SLACK.joined(runs(text)) == slack


def test_the_checker_finds_what_is_wrong():
    schema = schema_of("slack")
    good = channels.kind(Channel.SLACK).body(envelope(Channel.SLACK))
    good["blocks"][0]["text"]["text"] = "x" * 3_001
    assert len(list(faults(good, schema))) == 1
    found = list(faults({"text": "x", "blocks": [], "more": 1}, schema))
    assert found == ["$.blocks: 0 items", "$: more is unknown"]


def test_the_checker_finds_what_no_adaptive_card_may_hold():
    schema = schema_of("adaptive_card")
    card = channels.kind(Channel.TEAMS).body(envelope(Channel.TEAMS))["attachments"][0]["content"]
    (found,) = faults(card, schema)
    assert "msteams is unknown" in found
    del card["msteams"]
    assert list(faults(card, schema)) == []
    card["body"][0]["items"][0]["inlines"][0]["weight"] = "heavy"
    assert len(list(faults(card, schema))) == 1


def test_a_clock_in_a_chat_is_never_without_its_day():
    """A promise for another day, words of days before told with the newest, work in another year."""
    said = story().words
    late = (said[0], replace(said[1], at=said[1].at - timedelta(days=2)))
    of = story(next_update_at=said[0].at + timedelta(hours=32), words=late)
    told = compose(envelope_of(of, unsent=late))
    assert ("Next update", "by 18 Nov, 11:46 UTC") in told.facts
    assert "Investigating, 15 Nov, 03:20 UTC:" in "".join(run.text for run in told.words)
    preview = messages.UpdateMessage(
        "Tern", "Chat is slow", Phase.IDENTIFIED, Status.PARTIAL_OUTAGE, "We look.", said[0].at, "https://x.example",
        next_update_at=said[0].at + timedelta(hours=32),
    )  # fmt: skip
    assert "Next update by 18 Nov, 11:46 UTC" in messages.chat(preview)
    begins = said[0].at.replace(year=2027)
    ends = begins.replace(hour=23)
    work = story(kind=NoticeKind.MAINTENANCE, next_update_at=None, starts_at=begins, ends_at=ends)
    assert compose(envelope_of(work)).facts == (("Planned", "17 Nov 2027, 03:46 to 23:46 UTC"),)


COPIED = {
    "https://ex.org/a_b": "see https://ex.org/a_b now",
    "https://ex.org/x(1)/~me/*?q=a_b&c=%20d": "see https://ex.org/x(1)/~me/*?q=a_b&c=%20d.",
    "http://[2001:db8::1]:8080/a_b": "(http://[2001:db8::1]:8080/a_b)",
    "ssh ops@jump.example.org": "Run `ssh ops@jump.example.org` first",
    "git log @{u}..HEAD <dir> @everyone": "Run `git log @{u}..HEAD <dir> @everyone`",
    "help_me@ex-ample.org": "Write to help_me@ex-ample.org, please",
    "first.last+status@example.co.uk": "first.last+status@example.co.uk",
    "echo a_b *c* ~d~": "    echo a_b *c* ~d~",
    "https://ex.org/~me/__init__.py": "see https://ex.org/~me/__init__.py now",
    "https://ex.org/?a=*b*&c=~~d~~e": "**see https://ex.org/?a=*b*&c=~~d~~e**",
    "www.ex.org/a_b_c": "see www.ex.org/a_b_c, please",
    "ftp://ex.org/a_b_c": "see ftp://ex.org/a_b_c now",
    "help_me@ex.org": "Write to <help_me@ex.org>",
    "us_all@ex.org": "Write to [us](mailto:us_all@ex.org?subject=x), please",
    "    if a_b:": "Run\n\n```\n    if a_b:\n        echo  c\n```",
    "        echo  c": "Run\n\n```\n    if a_b:\n        echo  c\n```",
}


def read_back(channel, text):
    """What a reader of this vendor sees and copies."""
    if channel in (Channel.DISCORD, Channel.MATTERMOST):
        html = MarkdownIt("commonmark", {"html": False}).enable("strikethrough").render(text)
        alone = " ".join(re.findall(r"<(https?://[^>]*)>", text))  # markdown-it shows these decoded
        return f"{unescape(re.sub(r'<[^>]*>', '', html))} {alone}"
    if channel is Channel.SLACK:
        text = re.sub(r"<([^|>]*)\|([^>]*)>", r"\2", text)
        text = re.sub(r"<([^>]*)>", r"\1", text)
    elif channel in (Channel.TELEGRAM, Channel.GOOGLE_CHAT):
        text = re.sub(r"<[^>]*>", "", text)
    return text if channel is Channel.TEAMS else unescape(text)


@pytest.mark.parametrize("copied", COPIED)
@pytest.mark.parametrize("channel", sorted(CHATS))
def test_what_people_copy_is_there_byte_for_byte(channel, copied):
    story = replace(INCIDENT, words=(Word(1, "Identified", AT, COPIED[copied]),))
    texts = list(all_texts(channels.kind(channel).body(envelope(channel, story))))
    assert any(copied in read_back(channel, text) for text in texts), texts


@pytest.mark.parametrize(
    "call", ["@everyone", "@here", "(@channel)", "x@all", "@Mira", "<@U123>", "<!here>", "a@here!"]
)
@pytest.mark.parametrize("channel", sorted(CHATS))
def test_in_running_words_nobody_is_called(channel, call):
    story = replace(INCIDENT, words=(Word(1, "Identified", AT, f"We ask {call} to wait"),))
    told = channels.kind(channel).body(envelope(channel, story))
    assert not any(re.search(r"@(everyone|here|channel|all|Mira|U123)\b", text) for text in all_texts(told))
    assert channel is not Channel.DISCORD or told["allowed_mentions"] == {"parse": []}


@pytest.mark.parametrize("channel", sorted(CHATS))
def test_what_customers_can_do_is_told_in_chat_as_well(channel):
    story = replace(INCIDENT, workaround="Use the app meanwhile.")
    texts = "\n".join(all_texts(channels.kind(channel).body(envelope(channel, story))))
    assert texts.index("What you can do") < texts.index("Use the app meanwhile")
