"""The mails themselves: what stands in the headers, that each part is whole, and that nothing gets in."""

import re
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from html.parser import HTMLParser

import pytest

from components.status import Status
from incidents.lifecycle import Phase
from incidents.messages import UpdateMessage, one_line, plain_mail, subject_line
from incidents.models import Incident, Notice, NoticeKind, Post
from subscribers import emails
from subscribers.delivery.content import Publisher, Word
from subscribers.delivery.content import read as stories
from tests.subscribers.letters import (
    HOUSE,
    KEY,
    LINKS,
    MOST,
    NOW,
    SERVERS,
    SITE,
    envelope,
    letter_about_itself,
    story,
)

HEADERS = {
    "From", "To", "Subject", "Date", "Message-ID", "In-Reply-To", "References", "List-Id", "List-Unsubscribe",
    "List-Unsubscribe-Post", "Auto-Submitted", "MIME-Version", "Content-Type",
}  # fmt: skip
HOSTILE = [
    "Chat\r\nBcc: everybody@example.org",
    "Chat\nX-Injected: yes\n\n<script>alert(1)</script>",
    "Chat\r\n\r\n<html>",
    "Chat\rBcc: x@example.org",
    "Chat\x00\x0b\x0c\x1b[31m",
    "Chat\u2028Bcc: x@example.org\u2029\x85X: y",
    "=?utf-8?q?Chat=0D=0ABcc=3A_x=40example.org?=",
    "=?utf-8?b?DQpCY2M6IHhAZXhhbXBsZS5vcmc=?=",
    "\u202egnihton \u2066is\u2069 as it seems",
    "x" * 10_000,
    "чат " * 2_500,
    "💥" * 3_000,
    "a\ud800b",
    "",
    '"><img src=https://evil.example/x onerror=alert(1)>',
    "{{ secret }} {% include 'x' %} %s %(x)s {0}",
]


def read(env, now=NOW):
    """The mail as a mail program reads it."""
    raw = emails.letter(env, now).as_bytes()
    assert len(raw) <= 20_000
    assert max(map(len, raw.split(b"\r\n"))) <= 998  # RFC 5322, section 2.1.1
    assert raw.isascii()
    return message_from_bytes(raw, policy=default)


def text(message):
    return message.get_body(("plain",)).get_content()


def html(message):
    return message.get_body(("html",)).get_content()


@pytest.mark.parametrize("words", HOSTILE)
def test_no_words_make_a_header(words):
    house = Publisher(words or "Tern", SITE, "abc", HOUSE.state)
    of = story(title=words, label=words, components=((words, Status.MAJOR_OUTAGE),))
    message = read(envelope(of, house=house, scope=words))
    assert set(message.keys()) == HEADERS
    assert len(message.keys()) == len(HEADERS)
    assert message["To"] == "reader@example.org"
    assert message["From"].addresses[0].addr_spec == "status@status.widgetify.example"
    assert len(message["Subject"]) <= 200
    assert not re.search(r"[\r\n\x00-\x1f\u202e\u2066]", str(message["Subject"]))
    about_itself = read(letter_about_itself("stopped", what=words, why=words, key=KEY))
    assert set(about_itself.keys()) == HEADERS - {"In-Reply-To", "References"}


class _Reader(HTMLParser):
    """What a mail program would do with the HTML."""

    def __init__(self):
        super().__init__()
        self.tags, self.attributes, self.addresses = set(), set(), []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.addresses += [value for name, value in attrs if name in ("href", "src", "background", "action")]


def look(source):
    reader = _Reader()
    reader.feed(source)
    return reader


@pytest.mark.parametrize(
    "words",
    [*HOSTILE, "<svg/onload=alert(1)>", "[x](javascript:alert(1))", "![pixel](data:image/png;base64,AAAA)"],
)
def test_the_html_holds_nothing_but_words_and_links(words):
    of = story(title=words, components=((words, Status.UNKNOWN), ("Chat", Status.MAJOR_OUTAGE)))
    of = story(title=words, words=(Word(1, words, NOW, words),), components=of.components, workaround=words)
    for env in (envelope(of, scope=words), envelope(of, others=(story(title=words),)),
                letter_about_itself("stopped", what=words, why=words)):  # fmt: skip
        source = html(read(env))
        seen = look(source)
        assert not seen.tags & {"script", "img", "svg", "iframe", "form", "input", "link", "object", "video"}
        assert not any(name.startswith("on") for name in seen.attributes)
        # an address that was typed is a link to where it says
        assert all(
            one.startswith((f"{SITE}/", "https://status.wi")) or one in words for one in seen.addresses
        )
        assert not re.search(r"url\(|@import", source.split("</style>")[0])


def test_a_mail_in_plain_text_is_whole_by_itself():
    message = read(envelope())
    assert text(message).splitlines() == [
        "PARTIAL OUTAGE: Chat, Notifications",
        "",
        "Chat refuses new connections",
        "Identified, 17 Nov 2026 03:46 UTC",
        "Next update by 04:15 UTC",
        "",
        SERVERS,
        "",
        f"{SITE}/incidents/1117",
        "",
        "-- ",
        "You get this because you follow all components of Tern.",
        f"Choose components: {LINKS.manage}",
        f"Unsubscribe: {LINKS.leave}",
        f"Only this incident: {LINKS.only}",
    ]


def test_the_plain_part_reads_as_somebody_would_type_it():
    typed = "**Chat** is back:\n\n* `chat-1`\n* see [our notes](https://tern.example/n)\n\n" + SERVERS
    message = read(envelope(story(words=(Word(1, "Identified", NOW, typed),))))
    lines = text(message).splitlines()
    assert lines[6:12] == [
        "Chat is back:",
        "",
        "- chat-1",
        "- see our notes (https://tern.example/n)",
        "",
        SERVERS,
    ]
    for said in ("<strong>Chat</strong>", "<code>chat-1</code>", 'href="https://tern.example/n"'):
        assert said in html(message)


@pytest.mark.parametrize("typed", [*HOSTILE, "-- \nYou get this", "- " * 4_000 + "x", "> x\ny\n" * 1_500])
def test_odd_words_leave_the_plain_part_whole(typed):
    of = story(words=(Word(1, "Identified", NOW, typed),))
    for env in (envelope(of), envelope(of, others=(of,))):
        message = read(env)
        assert set(message.keys()) <= HEADERS
        assert text(message).splitlines().count("-- ") == 1  # the end, and nothing before it is one
        assert f"Unsubscribe: {LINKS.leave}" in text(message)
        assert f"{SITE}/incidents/1117" in text(message)


def test_what_staff_preview_is_what_is_sent():
    one = story()
    told = UpdateMessage(
        "Tern",
        one.title,
        Phase.IDENTIFIED,
        one.status,
        SERVERS,
        NOW,
        one.url,
        one.components,
        one.next_update_at,
    )
    sent, seen = text(read(envelope())).splitlines(), plain_mail(told).splitlines()
    assert seen[:12] == sent[:12]
    assert seen[12:] == [re.sub(r": https.*", ": (a link for this subscriber)", line) for line in sent[12:14]]


def test_what_customers_can_do_stands_below_the_newest_words():
    message = read(envelope(story(workaround="Use the *app*.")))
    assert f"{SERVERS}\n\nWhat you can do:\nUse the app.\n\n{SITE}/inc" in text(message).replace("\r", "")
    source = html(message)
    assert source.index(SERVERS) < source.index("What you can do</b>") < source.index("<em>app</em>")
    assert source.index("<em>app</em>") < source.index(MOST)
    told = UpdateMessage(
        "Tern", "t", Phase.IDENTIFIED, Status.UNKNOWN, SERVERS, NOW, SITE, workaround="Use the *app*."
    )
    assert f"{SERVERS}\n\nWhat you can do:\nUse the app.\n" in plain_mail(told)
    assert "What you can do" not in text(read(envelope())) + html(read(envelope()))


def test_only_the_newest_word_of_an_open_incident_tells_what_customers_can_do(db):
    incident = Incident.objects.open("Slow", "One.", phase="identified", now=NOW, workaround="Use the app.")
    first = Notice.objects.get()
    assert stories([first.pk], "abc")[first.pk].workaround == "Use the app."
    incident.post(Post("Two.", phase="identified", workaround="Wait a little."), now=NOW)
    told = stories([first.pk, first.pk + 1], "abc")
    assert [one.workaround for one in told.values()] == ["", "Wait a little."]
    incident.post(Post("Over.", phase="resolved"), now=NOW)
    assert {one.workaround for one in stories(range(first.pk, first.pk + 3), "abc").values()} == {""}


def test_both_parts_tell_the_same_and_the_last_word_before_it():
    message = read(envelope())
    source = html(message)
    told = ("Partial outage", "Chat, Notifications", "Identified, 17 Nov 2026 03:46 UTC", SERVERS, MOST)
    for words in (*told, "Next update by 04:15 UTC", "Follow this incident", "Only this incident"):
        assert words in source
    assert "Chat is slow" not in source
    assert MOST not in text(message)  # was sent before


def test_the_headers_are_what_mail_programs_ask_for():
    message = read(envelope(house=Publisher("Tern & Töchter", SITE, "abc", HOUSE.state)))
    assert message["From"].addresses[0].display_name == "Tern & Töchter"
    assert message["List-Unsubscribe"] == f"<{LINKS.leave}>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["List-Id"] == "<status.tern.example>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Date"].datetime == NOW
    raw = emails.letter(envelope(), NOW).as_bytes().decode()
    assert f"\r\nList-Unsubscribe: <{LINKS.leave}>\r\n" in raw  # in one piece, and not encoded


def test_an_incident_stays_one_thread():
    first = read(envelope(story(label="Investigating")))
    again = read(envelope(), NOW + timedelta(minutes=9))
    about = {"key": "postmortem:5", "title": "What happened", "label": "Postmortem"}
    report = story(kind=NoticeKind.POSTMORTEM, is_over=True, **about)
    last = read(envelope(report, id="msg_ffffffffffffffffffffffff"))
    assert first["Message-ID"] == again["Message-ID"] == "<msg_0123456789abcdef01234567@status.tern.example>"
    threads = {one[name] for one in (first, again, last) for name in ("References", "In-Reply-To")}
    assert threads == {"<incident.5@status.tern.example>"}
    subjects = {re.sub(r"^\[.*?\] ", "", one["Subject"]) for one in (first, again)}
    assert subjects == {"Chat refuses new connections"}


def test_everything_that_was_not_sent_is_told():
    of = story()
    message = read(envelope(of, unsent=of.words[:2]))
    plain, source = text(message), html(message)
    assert plain.index(SERVERS) < plain.index("Investigating, 17 Nov 2026 03:20 UTC") < plain.index(MOST)
    assert "Chat is slow" in source  # the last that was sent
    assert "Chat is slow" not in plain


def test_much_that_was_said_is_cut_with_a_link_to_the_rest():
    words = tuple(Word(n, "Identified", NOW, "**Сообщения** <&> не доходят. " * 400) for n in range(9, 0, -1))
    message = read(envelope(story(words=words), unsent=words))
    for part in (text(message), html(message)):
        assert "The rest is on the page" in part
        assert part.count("Identified, ") + part.count(", Identified") >= 9


@pytest.mark.parametrize(
    ("of", "line"),
    [
        (
            story(components=(("Chat", Status.MAJOR_OUTAGE),), status=Status.MAJOR_OUTAGE),
            "MAJOR OUTAGE: Chat",
        ),
        (story(components=(), status=Status.OPERATIONAL), "Chat refuses new connections"),
        (
            story(components=(("Chat", Status.OPERATIONAL),), status=Status.OPERATIONAL, is_over=True),
            "OPERATIONAL: Chat",
        ),
        (story(kind=NoticeKind.POSTMORTEM, is_over=True), "Chat refuses new connections"),
        (
            story(kind=NoticeKind.MAINTENANCE, status=Status.UNDER_MAINTENANCE),
            "MAINTENANCE: Chat, Notifications",
        ),
    ],
)
def test_the_first_line_says_the_state_and_only_what_is_true(of, line):
    message = read(envelope(of))
    assert text(message).splitlines()[0] == line
    assert (Status.OPERATIONAL.label in html(message)) == line.startswith("OPERATIONAL")


def test_states_that_differ_are_told_one_by_one():
    components = (("Chat", Status.PARTIAL_OUTAGE), ("Files", Status.DEGRADED_PERFORMANCE))
    message = read(envelope(story(components=components)))
    assert "- Chat: Partial outage\n- Files: Degraded" in text(message).replace("\r", "")
    assert "<li>Files: Degraded</li>" in html(message)


def test_planned_work_tells_its_window_and_leads_to_the_calendar():
    of = story(
        kind=NoticeKind.MAINTENANCE,
        key="maintenance:2",
        status=Status.UNDER_MAINTENANCE,
        label="Scheduled",
        starts_at=NOW + timedelta(days=11),
        ends_at=NOW + timedelta(days=11, hours=2),
        next_update_at=None,
    )
    message = read(envelope(of))
    for part in (text(message), html(message)):
        assert "Planned for 28 Nov, 03:46 to 05:46 UTC" in part
        assert f"{SITE}/maintenance.ics" in part
    assert "View this maintenance" in html(message)


def test_a_promise_for_another_day_names_the_day():
    message = read(envelope(story(next_update_at=NOW + timedelta(days=1))))
    assert "Next update by 18 Nov 2026 03:46 UTC" in text(message)


def test_a_day_of_news_is_one_mail():
    other = story(title="Files are slow", key="incident:6", url=f"{SITE}/incidents/1118")
    message = read(envelope(others=(other,)))
    assert message["Subject"] == "2 updates from Tern"
    assert message["References"] is None
    assert "Only this incident" not in html(message) + text(message)
    for part in (text(message), html(message)):
        for words in (
            "Chat refuses new connections",
            "Files are slow",
            f"{SITE}/incidents/1118",
            "one email a day",
        ):
            assert words in part


def test_a_day_on_which_everything_broke_is_still_one_small_mail():
    many = tuple(
        story(title=f"Part {n} is down", key=f"incident:{n}", workaround="**ж** " * 83) for n in range(10, 22)
    )
    message = read(envelope(others=many))
    assert message["Subject"] == "13 updates from Tern"
    for part in (text(message), html(message)):
        assert all(f"Part {n} is down" in part for n in range(10, 22))


@pytest.mark.parametrize(
    ("purpose", "subject", "leads_to", "says"),
    [
        (
            "confirm",
            "Confirm your subscription to Tern",
            LINKS.confirm,
            "You won’t get any updates until you confirm",
        ),
        ("known", "You are already subscribed to Tern", LINKS.manage, "nothing has changed"),
        ("welcome", "You are subscribed to Tern", LINKS.manage, "From now on"),
        ("test", "A test from Tern", LINKS.manage, "nothing is wrong"),
        (
            "stopped",
            "Tern no longer sends messages to hooks.example/x",
            f"/subscription/{KEY}",
            "Responded with 500.",
        ),
    ],
)
def test_a_letter_about_the_subscription_has_one_button(purpose, subject, leads_to, says):
    context = (
        {"what": "hooks.example/x", "why": "Responded with 500.", "key": KEY} if purpose == "stopped" else {}
    )
    message = read(letter_about_itself(purpose, **context))
    assert message["Subject"] == subject
    assert says in text(message)
    assert says in html(message)
    (button,) = re.findall(r'class="button" href="([^"]+)"', html(message))
    assert button.endswith(leads_to)
    assert button in text(message)


def test_one_line_keeps_every_script_and_joins_nothing_that_was_apart():
    assert one_line("a\r\n\tb\x00c", most=20) == "a b c"
    assert one_line("שלום 👩‍🚒 नमस्ते", most=40) == "שלום 👩‍🚒 नमस्ते"
    assert one_line("abcdef", most=4) == "abc…"
    assert subject_line("Identified", "x" * 300).startswith("[Identified] xxx")


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://127.0.0.1:8000", "127.0.0.1"), ("https://[2001:db8::1]", "2001-db8--1"),
        ("https://status.example.org", "status.example.org"), ("http://localhost:8000", "localhost"),
    ],
)  # fmt: skip
def test_a_page_on_an_address_writes_letters_too(url, host):
    assert emails.host_of(url) == host
