"""Envelopes for tests, without a database."""

from datetime import UTC, datetime

from components.status import Indicator, PageState, Status
from incidents.models import NoticeKind
from subscribers.delivery.content import Publisher, Story, Word
from subscribers.delivery.envelope import Envelope, Links
from subscribers.states import Channel

NOW = datetime(2026, 11, 17, 3, 46, tzinfo=UTC)
SITE = "https://status.tern.example"
KEY = "8c1f8c1f8c1f8c1f8c1f8c1f8c1f8c1f"
LINKS = Links(
    f"{SITE}/subscription/{KEY}",
    f"{SITE}/unsubscribe/{KEY}",
    f"{SITE}/subscription/{KEY}/confirm",
    f"{SITE}/subscription/{KEY}?only=1117",
)
HOUSE = Publisher("Tern", SITE, "abc", PageState(Status.PARTIAL_OUTAGE, Indicator.MAJOR, "Partial outage"))
SERVERS = (
    "Chat servers are healthy again, but a safeguard we added after 3 November has locked up and still "
    "refuses new connections. We are switching it off, server by server. Posts and comments work as usual, "
    "and no messages are lost."
)
MOST = "New chat messages are still not sent or received for most people. Posts and comments work."


def story(**more) -> Story:
    """A partial outage with one update."""
    status = Status.PARTIAL_OUTAGE
    return Story(
        **{
            "kind": NoticeKind.INCIDENT,
            "key": "incident:5",
            "public_id": "1117",
            "title": "Chat refuses new connections",
            "url": f"{SITE}/incidents/1117",
            "label": "Identified",
            "status": status,
            "components": (("Chat", status), ("Notifications", status)),
            "words": (
                Word(3, "Identified", NOW, SERVERS),
                Word(2, "Investigating", NOW.replace(hour=3, minute=20), MOST),
                Word(1, "Investigating", NOW.replace(hour=3, minute=2), "Chat is slow. We look."),
            ),
            "sequence": 3,
            "next_update_at": NOW.replace(hour=4, minute=15),
            **more,
        }
    )


def envelope(of=None, **more) -> Envelope:
    of = of or story()
    return Envelope(
        **{
            "id": "msg_0123456789abcdef01234567",
            "channel": Channel.EMAIL,
            "address": "reader@example.org",
            "purpose": "news",
            "house": HOUSE,
            "links": LINKS,
            "story": of,
            "unsent": of.words[:1],
            "scope": "all components",
            **more,
        }
    )


def letter_about_itself(purpose, **context) -> Envelope:
    return envelope(purpose=purpose, story=None, unsent=(), links=Links(*LINKS_OF_ITS_OWN), context=context)


LINKS_OF_ITS_OWN = (LINKS.manage, LINKS.leave, LINKS.confirm)
