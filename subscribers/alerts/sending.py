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
    """What an alert says. `id` stays the same in every attempt; `tag` in all messages of one alert."""

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
    """The mail: nothing in it asks the database, which may be what it is about."""
    title = one_line(message.title, most=300)
    subject, page = messages.header(title), one_line(identity.last_known().name, most=100)
    label = "Open the console"
    note = _Note(title, tuple(part for part in (one_line(message.body, most=1000),) if part),
                 (label, message.url))  # fmt: skip
    host = emails.host_of(settings.PUBLIC_URL)
    made = EmailMessage(policy=emails.POLICY)
    made["From"], made["To"] = emails.sender(page), emails.receiver(address)
    made["Subject"], made["Date"] = subject, format_datetime(now.astimezone(UTC))
    made["Message-ID"] = f"<{message.id}@{host}>"
    made["References"] = f"<{message.tag.replace(':', '.')}@{host}>"
    made["Auto-Submitted"] = "auto-generated"
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
    made.set_content(writable("\n".join(text) + "\n"))
    given = {
        "subject": subject,
        "house": heading(page, settings.PUBLIC_URL),
        "looks": {},
        "note": note,
    }
    made.add_alternative(writable(render_to_string("mail/note.html", given)), subtype="html")
    return made


async def _push(address: str, message: Message, door: Egress) -> Result:
    said = {
        "title": one_line(message.title, most=150), "body": one_line(message.body, most=300),
        "url": message.url, "tag": message.tag,
    }  # fmt: skip
    return await web_push.show(address, said, door)


async def _apprise(address: str, message: Message, door: Egress) -> Result:
    """Apprise opens sockets of its own, so the host it names is judged first."""
    try:
        await judge(address, door)
    except EgressError as error:
        return Result(End.LATER, why=error.sentence)
    body = "\n".join(part for part in (message.body, message.url) if part)
    kind = "success" if message.is_back else "warning"
    return await apprise.notify(address, message.title, body, kind)


async def judge(address: str, door: Egress) -> None:
    """Refuse an Apprise address whose own host leads where we do not look. Raises EgressError."""
    plugin = await asyncio.to_thread(apprise.library().Apprise.instantiate, address)
    if plugin is not None and names_host(plugin):
        port = plugin.port or (443 if plugin.secure else 80)
        await door.addresses(plugin.host or urlsplit(address).hostname or "", port)


def names_host(plugin: Any) -> bool:
    """Whether the service stands on a host that the address names, as json:// and ntfy:// may."""
    return any("{host}" in template for template in getattr(plugin, "templates", ()))


WAYS = {Channel.EMAIL: _mail, Channel.WEB_PUSH: _push, Channel.APPRISE: _apprise}


@cache
def _door() -> Egress:
    return egress.through(egress.Door.ALERTS)


@cache
def _loop() -> asyncio.AbstractEventLoop:
    """One loop for all alerts of this process: lines to the mail server are kept by loop."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="alerts loop", daemon=True).start()
    return loop


def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Wait for it here, within the deadline it keeps itself."""
    return asyncio.run_coroutine_threadsafe(coroutine, _loop()).result(DEADLINE_S + 5)
