"""Apprise: a hundred more services, such as SMS, for addresses set by the operator.

It opens its own sockets, not through the egress door, and blocks: so it runs in a
thread, and the public cannot add an address. It reports success or failure only.
"""

import asyncio
import logging
import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

from django.conf import settings

from components import identity
from components.egress import Egress
from components.status import Status
from subscribers.channels.chat_message import Message, compose
from subscribers.channels.kind import ChannelKind
from subscribers.delivery.envelope import End, Envelope, Result
from subscribers.delivery.leases import PER_CHAT_HOST

MAX_WORDS = 600  # UTF-16 units: most of these services allow little text
KINDS = {
    Status.OPERATIONAL: "success",
    Status.UNDER_MAINTENANCE: "info",
    Status.UNKNOWN: "info",
    Status.DEGRADED_PERFORMANCE: "warning",
    Status.PARTIAL_OUTAGE: "warning",
    Status.MAJOR_OUTAGE: "failure",
}
POOL = ThreadPoolExecutor(PER_CHAT_HOST, thread_name_prefix="apprise")


async def send(envelope: Envelope, _: Egress) -> Result:
    """Send one message. A thread that outlives the deadline ends by Apprise's own limits of 4 s a step."""
    message = compose(envelope)
    return await notify(
        envelope.address, f"{message.head}: {message.title}", _body(message), KINDS[message.status]
    )


async def notify(url: str, title: str, body: str, kind: str) -> Result:
    """Send a title and text by Apprise, in a thread of its own. `kind`: "success", "info", …"""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(POOL, _notify, url, title, body, kind)


def _notify(url: str, title: str, body: str, kind: str) -> Result:
    apprise = library()
    asset = apprise.AppriseAsset(
        app_id=identity.last_known().name, app_url=settings.PUBLIC_URL, async_mode=False, secure_logging=True
    )
    sender = apprise.Apprise(asset=asset)
    if not sender.add(url):
        return Result(End.LATER, why="Apprise cannot read this address.")
    is_sent = sender.notify(title=title, body=body, notify_type=kind, body_format="text")
    return Result(End.SENT) if is_sent else Result(End.LATER, why="Apprise could not deliver it.")


def _body(message: Message) -> str:
    """The plain text without its first line, which is sent as the title."""
    return message.plain(MAX_WORDS).split("\n", 1)[1]


@cache
def library() -> Any:
    """Imported late, with all its plugins, as that takes long. It logs addresses, so it is silenced."""
    with warnings.catch_warnings():  # its plugins import deprecated modules
        warnings.simplefilter("ignore")
        import apprise

        apprise.Apprise.instantiate("json://localhost")
    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
    return apprise


CHANNEL = ChannelKind(send=send)
