"""Apprise: a hundred more services, SMS among them, for addresses the operator named.

It opens sockets of its own, past the egress door, and blocks: so it runs in a
thread, and no stranger can add an address. It tells yes or no, nothing else.
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
from subscribers.channels.chat_message import Message, message
from subscribers.channels.kind import ChannelKind
from subscribers.delivery.envelope import End, Envelope, Result
from subscribers.delivery.leases import PER_CHAT_HOST

MAX_WORDS = 600  # UTF-16 units: most of these services are short of room
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
    """One message. A thread that outlives the deadline ends by Apprise's own limits of 4 s a step."""
    told = message(envelope)
    return await notify(envelope.address, f"{told.head}: {told.title}", _body(told), KINDS[told.status])


async def notify(url: str, title: str, body: str, kind: str) -> Result:
    """Have Apprise say this, in a thread of its own."""
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


def _body(told: Message) -> str:
    """The plain words without the title, which stands by itself."""
    return told.plain(MAX_WORDS).split("\n", 1)[1]


@cache
def library() -> Any:
    """Imported late, with all its plugins, as that takes long. It logs addresses, so it is silenced."""
    with warnings.catch_warnings():  # what its plugins import is old
        warnings.simplefilter("ignore")
        import apprise

        apprise.Apprise.instantiate("json://localhost")
    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
    return apprise


CHANNEL = ChannelKind(send=send)
