"""One alert to one channel: the text of a mail, a browser notification or an Apprise message."""

import asyncio
import threading
from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.template.loader import render_to_string

from components import egress, identity
from components.egress import Egress, EgressError
from incidents import messages
from incidents.messages import one_line
from subscribers import emails
from subscribers.channels import apprise, email, web_push
from subscribers.delivery.envelope import End, Result
from subscribers.emails.heading import heading
from subscribers.emails.sheet import writable
from subscribers.states import Channel

DEADLINE_S = 10.0
REASON = "You get this because you added this address under Alerts in the console."


@dataclass(frozen=True, slots=True)
class Message:
    """The content of an alert. `id` is the same in every attempt, `tag` in all messages of one alert."""

    id: str
    title: str
    body: str
    url: str
    tag: str
    is_back: bool = False


@dataclass(frozen=True, slots=True)
class _Note:
    title: str
    paragraphs: tuple[str, ...]
    button: tuple[str, str]
    reason: str = REASON
    after: str = ""


async def send(channel: Channel, address: str, message: Message) -> Result:
    """One attempt under one deadline. Never raises."""
    try:
        async with asyncio.timeout(DEADLINE_S):
            return await WAYS[channel](address, message, _door())
    except TimeoutError:
        return Result(End.LATER, why=f"No response within {DEADLINE_S:g} s.")
    except emails.NoAddressError as error:
        return Result(End.GONE, why=str(error.__doc__))


async def _mail(address: str, message: Message, door: Egress) -> Result:
    return await email.carry(message.id, address, letter(address, message, datetime.now(UTC)), door)


def letter(address: str, message: Message, now: datetime) -> EmailMessage:
    """The mail. It needs no database, as that may be what it is about."""
    title = one_line(message.title, most=300)
    subject, page = messages.header(title), one_line(identity.last_known().name, most=100)
    label = "Open the console"
    note = _Note(title, tuple(part for part in (one_line(message.body, most=1000),) if part),
                 (label, message.url))  # fmt: skip
    host = emails.host_of(settings.PUBLIC_URL)
    mail = EmailMessage(policy=emails.POLICY)
    mail["From"], mail["To"] = emails.sender(page), emails.receiver(address)
    mail["Subject"], mail["Date"] = subject, format_datetime(now.astimezone(UTC))
    mail["Message-ID"] = f"<{message.id}@{host}>"
    mail["References"] = f"<{message.tag.replace(':', '.')}@{host}>"
    mail["Auto-Submitted"] = "auto-generated"
    text = [
        title,
        "",
        *(f"{part}\n" for part in note.paragraphs),
        f"{label}:",
        message.url,
        "",
        "-- ",
        REASON,
    ]
    mail.set_content(writable("\n".join(text) + "\n"))
    context = {
        "subject": subject,
        "house": heading(page, settings.PUBLIC_URL),
        "looks": {},
        "note": note,
    }
    mail.add_alternative(writable(render_to_string("mail/note.html", context)), subtype="html")
    return mail


async def _push(address: str, message: Message, door: Egress) -> Result:
    payload = {
        "title": one_line(message.title, most=150), "body": one_line(message.body, most=300),
        "url": message.url, "tag": message.tag,
    }  # fmt: skip
    return await web_push.show(address, payload, door)


async def _apprise(address: str, message: Message, door: Egress) -> Result:
    """Apprise opens its own sockets, so the host is checked by the egress rules first."""
    try:
        await judge(address, door)
    except EgressError as error:
        return Result(End.LATER, why=error.sentence)
    body = "\n".join(part for part in (message.body, message.url) if part)
    kind = "success" if message.is_back else "warning"
    return await apprise.notify(address, message.title, body, kind)


async def judge(address: str, door: Egress) -> None:
    """Raises EgressError for an Apprise URL whose host is denied by the egress rules."""
    plugin = await asyncio.to_thread(apprise.library().Apprise.instantiate, address)
    if plugin is not None and names_host(plugin):
        port = plugin.port or (443 if plugin.secure else 80)
        await door.addresses(plugin.host or urlsplit(address).hostname or "", port)


def names_host(plugin: Any) -> bool:
    """Whether the URL may name the service's host, as json:// and ntfy:// do."""
    return any("{host}" in template for template in getattr(plugin, "templates", ()))


WAYS = {Channel.EMAIL: _mail, Channel.WEB_PUSH: _push, Channel.APPRISE: _apprise}


@cache
def _door() -> Egress:
    return egress.through(egress.Door.ALERTS)


@cache
def loop() -> asyncio.AbstractEventLoop:
    """One loop for all alerts of this process: connections to the mail server are kept per loop."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="alerts loop", daemon=True).start()
    return loop


def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine in the alert loop and wait for it. Raises TimeoutError 5 s after DEADLINE_S."""
    return asyncio.run_coroutine_threadsafe(coroutine, loop()).result(DEADLINE_S + 5)
