"""The content of a mail before it has headers: text and HTML, and the frame around them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.template.loader import render_to_string

from incidents.messages import one_line
from subscribers.delivery.envelope import Envelope
from subscribers.emails.heading import heading


@dataclass(frozen=True, slots=True)
class Sheet:
    """The content of a mail: subject, plain text and HTML."""

    subject: str
    text: str
    html: str


def scope(envelope: Envelope) -> str:
    """What the receiver subscribed to, as in "all components"."""
    return one_line(envelope.scope, most=200) or "all components"


def writable(text: str) -> str:
    """The text with lone surrogates replaced, which cannot be encoded in a mail."""
    return text.encode(errors="replace").decode()


def rendered(
    name: str, envelope: Envelope, subject: str, blocks: Sequence[dict[str, Any]] = (), **more: Any
) -> str:
    """The HTML of `mail/NAME.html`. `blocks`: the stories in it, for their colours."""
    looks = {block["status"]: block["look"] for block in blocks if block["look"]}
    page = heading(one_line(envelope.house.name, most=100), envelope.house.url)
    context = {"subject": subject, "house": page, "links": envelope.links, "looks": looks, **more}
    html: str = render_to_string(f"mail/{name}.html", context)
    return html
