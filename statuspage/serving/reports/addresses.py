"""Which addresses take reports: in memory, and in a private file for a start without the database.

A key that is not known here is looked up, many at once, so that guessing costs the database little.
"""

import asyncio
import json
import logging
import os
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import DatabaseError, InterfaceError, close_old_connections, connection

from components import sealed_options
from components.models import deploy_address, inbox
from components.probers import PROBERS, InvalidProbeError
from components.probers.inbound import InboundOrder

log = logging.getLogger(__name__)

KEPT = "addresses.json"
GATHER_S = 0.05  # lookups that come within this are one query
LOOKUP_S = 2.0
MISSED_FOR_S = 2.0  # a key that does not exist is not looked up again so soon
MAX_MISSED = 10_000
MAX_AT_ONCE = 500


class AwayError(Exception):
    """The database does not say whether there is such an address."""


@dataclass(frozen=True, slots=True)
class Address:
    """A probe's kind, target and options."""

    kind: str
    target: str
    options: dict[str, Any]

    def order(self) -> InboundOrder:
        """What an inbound probe reads by. Raises InvalidProbeError."""
        order = sealed_options.parsed(PROBERS[self.kind], self.target, self.options)
        if not isinstance(order, InboundOrder):
            raise InvalidProbeError("kind", "This address does not take alerts.")
        return order


class Addresses:
    """By the hash of the key. `refresh` runs in a thread, `find` in the event loop."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / KEPT
        self.known: dict[str, Address] = {}
        self.missed: dict[str, float] = {}  # monotonic
        self.unanswered = 0  # reports kept since the database last said which addresses there are
        self.waiting: dict[str, asyncio.Future[None]] = {}
        self.lookup: asyncio.Task[None] | None = None
        self.pool = ThreadPoolExecutor(1, thread_name_prefix="addresses")
        self._read_file()
        self.written = self.known

    async def find(self, key_hash: str) -> Address | None:
        """The address; None when there is none. Raises AwayError."""
        address = self.known.get(key_hash)
        if address is not None:
            return address
        missed_at = self.missed.get(key_hash)
        if missed_at is not None and time.monotonic() - missed_at < MISSED_FOR_S:
            return None
        if len(self.waiting) >= MAX_AT_ONCE and key_hash not in self.waiting:
            raise AwayError
        loop = asyncio.get_running_loop()
        answer = self.waiting.setdefault(key_hash, loop.create_future())
        if self.lookup is None or self.lookup.done():
            self.lookup = loop.create_task(self._look_up())
        await asyncio.shield(answer)
        return self.known.get(key_hash)

    async def find_anew(self, key_hash: str) -> Address | None:
        """The same, as the database has it now."""
        self.known = {known: address for known, address in self.known.items() if known != key_hash}
        self.missed.pop(key_hash, None)
        return await self.find(key_hash)

    async def _look_up(self) -> None:
        """Ask for all that were waited for in the last moment."""
        await asyncio.sleep(GATHER_S)
        while self.waiting:
            waiting, self.waiting = self.waiting, {}
            loop = asyncio.get_running_loop()
            try:
                asked = loop.run_in_executor(self.pool, _ask, list(waiting))
                rows = await asyncio.wait_for(asked, LOOKUP_S)
            except Exception as error:  # whatever it is: whoever waits gets an answer
                if not isinstance(error, (DatabaseError, InterfaceError, TimeoutError)):
                    log.exception("addresses.not_looked_up count=%d", len(waiting))
                for answer in waiting.values():
                    answer.set_exception(AwayError())
                    answer.exception()  # whoever asked may be gone: nobody else is told
                continue
            self.known = {**self.known, **rows}
            self.unanswered = 0
            self._remember_missed(waiting.keys() - rows.keys())
            for answer in waiting.values():
                answer.set_result(None)

    def _remember_missed(self, hashes: Iterable[str]) -> None:
        if len(self.missed) > MAX_MISSED:
            self.missed.clear()
        now = time.monotonic()
        self.missed.update(dict.fromkeys(hashes, now))

    def refresh(self) -> None:
        """Read all of them again, and write them down. Raises DatabaseError."""
        self.known = rows = _ask(None)
        self.unanswered = 0
        if rows == self.written:
            return
        try:
            self._write_file(rows)
            self.written = rows
        except OSError as error:
            log.warning("addresses.not_kept error=%s", error)

    def close(self) -> None:
        """Wait for no lookup any more."""
        self.pool.shutdown(wait=False, cancel_futures=True)

    def _read_file(self) -> None:
        try:
            rows = json.loads(self.file.read_text())
            self.known = {key_hash: Address(*row) for key_hash, row in rows.items()}
        except (OSError, ValueError, TypeError, AttributeError):
            self.known = {}  # there is none, or it is of another version

    def _write_file(self, known: dict[str, Address]) -> None:
        """Replace it, whole or not at all. Raises OSError."""
        rows = {key_hash: [a.kind, a.target, a.options] for key_hash, a in known.items()}
        self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        unfinished = self.file.with_name(f"{KEPT}.{os.getpid()}")
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(rows, file)
        unfinished.replace(self.file)


def _ask(hashes: list[str] | None) -> dict[str, Address]:
    """From the database. Raises DatabaseError, InterfaceError."""
    close_old_connections()
    try:
        rows = [*inbox.known(hashes), *deploy_address.known(hashes)]
        return {row[0]: Address(*row[1:]) for row in rows}
    except (DatabaseError, InterfaceError):
        connection.close()
        raise
