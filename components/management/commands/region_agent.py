"""`manage.py region_agent`: checks from a place that can reach neither the database nor Redis."""

import asyncio
import base64
import binascii
import resource
import signal
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from components import canaries, egress
from components.egress import Door
from components.networks import allowed
from components.regions.agent import Agent
from components.regions.server import Server, address_fault
from components.regions.spool import Spool, SpoolError
from components.webhook_signature import PREFIX

FOLDER = "region-spool"
MIN_KEY_BYTES = 24  # as Standard Webhooks asks
MAX_SPOOL_MB = 10_000


class Command(BaseCommand):
    help = "Run the checks of a remote region (REGION, REGION_SERVER, REGION_KEY)."
    requires_system_checks = ()  # they look at the page, which is not here

    def handle(self, *args: Any, **options: Any) -> None:
        if fault := _fault():
            raise CommandError(fault)
        _raise_file_limit()
        try:
            spool = Spool(settings.VAR_DIR / FOLDER, settings.REGION_SPOOL_MB * 1024 * 1024)
        except SpoolError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"Region {settings.REGION} asks {settings.REGION_SERVER} for work;"
            f" {spool.waiting} earlier results are waiting."
        )
        self.stdout.flush()
        asyncio.run(_run(spool))


async def _run(spool: Spool) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    server = Server(settings.REGION_SERVER, settings.REGION, settings.REGION_KEY, egress.through(Door.REGION))
    agent = Agent(server, spool, egress=egress.through(Door.PROBES), canaries=settings.CANARIES)
    await agent.run(stop)


def _fault() -> str:
    """Why the agent cannot start, in a sentence; empty if it can."""
    if not settings.REGION or settings.REGION == "local":
        return "REGION is not set: use the name of the region, as “manage.py region add” printed it."
    if not settings.REGION_SERVER:
        return "REGION_SERVER is not set: use the address of the status page, as https://status.example.org."
    if fault := address_fault(settings.REGION_SERVER):
        return f"REGION_SERVER cannot be used: {fault}."
    if not _is_key(settings.REGION_KEY):
        return "REGION_KEY is not a key: use the one that “manage.py region add” printed, with its whsec_."
    if not 1 <= settings.REGION_SPOOL_MB <= MAX_SPOOL_MB:
        return f"REGION_SPOOL_MB is {settings.REGION_SPOOL_MB}: use a number from 1 to {MAX_SPOOL_MB}."
    if refused := canaries.refused(settings.CANARIES):
        return f"CANARIES cannot be used: {refused}"
    try:
        allowed(settings.EGRESS_ALLOW)
    except ValueError as error:
        return (
            f"EGRESS_ALLOW cannot be read ({error}): write it as 10.1.0.0/16, 127.0.0.1:8000 or"
            " name=10.1.0.0/16."
        )
    return ""


def _is_key(text: str) -> bool:
    try:
        raw = base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return False
    return text.startswith(PREFIX) and len(raw) >= MIN_KEY_BYTES


def _raise_file_limit() -> None:
    """Each connection of a check is a file."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
