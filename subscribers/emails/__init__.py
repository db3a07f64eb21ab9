"""Mails: from an envelope to a message, plain text and HTML with the same words.

Its content is a `Sheet`, from `news` or `notes`. Text by staff or strangers enters a
header only on one line and cut. The HTML loads nothing remote but the page's logo, and
nothing that tells us who read it.
"""

from datetime import UTC, datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime, parseaddr
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from components.egress import EgressError, ascii_host
from incidents import messages
from incidents.messages import one_line
from subscribers.delivery.envelope import Envelope
from subscribers.emails import headers, news, notes
from subscribers.emails.monthly import monthly
from subscribers.emails.sheet import Sheet, writable

MAX_BYTES = 20_000  # of the whole message, so that no mail program clips it
BUDGETS = (4_000, 2_000, 1_000, 300, 0)  # bytes of words in each part, the first that fits


class NoAddressError(Exception):
    """This is no address that mail can be written to."""


class _Policy(EmailPolicy):
    """Folds headers with our `headers` module, and leaves headers of one long word unfolded."""

    WHOLE = frozenset({"list-unsubscribe", "references", "in-reply-to", "message-id", "list-id"})

    def fold(self, name: str, value: Any) -> str:
        return f"{_folded(name, value) or super().fold(name, value).removesuffix(self.linesep)}{self.linesep}"

    def fold_binary(self, name: str, value: Any) -> bytes:
        return self.fold(name, value).encode("ascii", "replace")


def _folded(name: str, value: Any) -> str:
    """The folded header without its line end; empty if Python's own folding is right."""
    match name.lower():
        case "subject":
            return headers.unstructured(name, str(value))
        case "from" | "to":
            return headers.mailbox(name, value.addresses[0])
        case word if word in _Policy.WHOLE:
            return f"{name}: {value}"
    return ""


# seven bits: accepted by every server
POLICY = _Policy(linesep="\r\n", cte_type="7bit")


def letter(envelope: Envelope, now: datetime) -> EmailMessage:
    """The whole message, cut to at most MAX_BYTES. Raises NoAddressError."""
    for most in BUDGETS:
        message = _message(envelope, _sheet(envelope, most), now)
        if len(message.as_bytes()) <= MAX_BYTES:
            break
    return message


def receiver(address: str) -> Address:
    """The address with its domain in ASCII. Raises NoAddressError."""
    name, _, domain = address.rpartition("@")
    try:
        if not name.isascii() or one_line(address, most=400) != address:
            raise NoAddressError
        return Address(addr_spec=f"{name}@{ascii_host(domain)}")
    except (ValueError, IndexError, MessageError, EgressError) as error:
        raise NoAddressError from error


def _message(envelope: Envelope, sheet: Sheet, now: datetime) -> EmailMessage:
    house, links = envelope.house, envelope.links
    host = host_of(house.url)
    message = EmailMessage(policy=POLICY)
    message["From"] = sender(house.name)
    message["To"] = receiver(envelope.address)
    message["Subject"] = headers.encoded(sheet.subject)  # else text by staff could be read as an encoded word
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
    message.set_content(writable(sheet.text))
    message.add_alternative(writable(sheet.html), subtype="html")
    return message


def host_of(url: str) -> str:
    """The host part of message ids; it need not be a real domain."""
    host = urlsplit(url).hostname or "localhost"
    is_number = host.replace(".", "").isdecimal() or ":" in host  # an IP address needs no IDNA
    return (host if is_number else ascii_host(host)).replace(":", "-")


def sender(page_name: str) -> Address:
    """The sender: the page's name, or the name in EMAIL_FROM."""
    name, address = parseaddr(settings.DEFAULT_FROM_EMAIL)
    return Address(display_name=messages.header(one_line(name or page_name, most=100)), addr_spec=address)


def _sheet(envelope: Envelope, most: int) -> Sheet:
    if envelope.story is None:
        return notes.note(envelope)
    if envelope.story.month is not None:
        return monthly(envelope, envelope.story.month, most)
    if envelope.others:
        return news.digest(envelope, (envelope.story, *envelope.others), most)
    return news.single(envelope, envelope.story, most)
