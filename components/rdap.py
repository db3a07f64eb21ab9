"""When a domain expires, by RDAP (RFC 9083): asked at most once a day, and remembered on disk.

IANA's bootstrap file (RFC 9224) names the server of each top-level domain; some have none. What was
learned is kept in VAR_DIR/rdap, so that restarts and many workers ask no more often than one would.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings

from components.egress import Egress
from components.texts import one_line

BOOTSTRAP = "https://data.iana.org/rdap/dns.json"
MAX_BYTES = 1024 * 1024
MAX_NAME_LENGTH = 200
DAY_S = 86_400
JITTER_S = 4 * 3600  # so that what was added at once is not asked at once for ever
UNREACHED_S = 3600  # after a server that did not answer at all
MIN_PAUSE_S, MAX_PAUSE_S = 3600, 30 * DAY_S  # of what a server may ask for by Retry-After
CLAIM_S = 120  # for one question: meanwhile nobody else asks it
SAFE = re.compile("[^a-z0-9.-]")
UNWRITABLE = "Our data folder cannot be written, so the registry is not asked."


class RDAPError(Exception):
    """The date could not be learned; says why in a sentence."""


class NoServerError(RDAPError):
    """The registry of this top-level domain has no RDAP server."""

    def __init__(self, domain: str) -> None:
        tld = domain.rpartition(".")[2]
        super().__init__(
            f"The registry of .{tld} does not say when a domain expires (it has no RDAP server)."
        )


@dataclass(frozen=True, slots=True)
class Entry:
    """What is known of one question. Times are seconds since 1970."""

    next_at: float = 0.0  # not asked before
    known_at: float = 0.0  # when `answer` came
    answer: Any = None
    problem: str = ""  # of the last try, in a sentence


@dataclass(frozen=True, slots=True)
class Registration:
    """What the registry says of a domain; `expires_at` is None if it is not registered."""

    expires_at: datetime | None
    registrar: str
    known_at: datetime


async def registration(domain: str, door: Egress, now: datetime, *, deadline_s: float) -> Registration:
    """What is known of a domain, asked for if it is time. Raises RDAPError."""
    entry, is_ours = _claim(domain, now)
    if is_ours:
        entry = await _asked(domain, entry, door, now, deadline_s)
        _write(domain, entry)
    if entry.answer is None:
        raise RDAPError(entry.problem or "The registry is being asked: the next check knows more.")
    expires = entry.answer["expires"]
    return Registration(
        datetime.fromisoformat(expires) if expires else None,
        entry.answer["registrar"],
        datetime.fromtimestamp(entry.known_at, UTC),
    )


async def server_of(domain: str, door: Egress, now: datetime, *, deadline_s: float) -> str:
    """The address of the registry's server. Raises NoServerError, RDAPError if nobody could tell."""
    entry, is_ours = _claim("bootstrap", now)
    if is_ours:
        try:
            document, _ = await _fetched(BOOTSTRAP, door, deadline_s)
            entry = Entry(_tomorrow("bootstrap", now), now.timestamp(), _services(document))
        except (_Refused, RDAPError) as error:
            entry = Entry(now.timestamp() + UNREACHED_S, entry.known_at, entry.answer, str(error))
        _write("bootstrap", entry)
    if entry.answer is None:
        raise RDAPError(f"IANA's list of RDAP servers is not known. {entry.problem}".strip())
    labels = domain.split(".")
    for place in range(len(labels)):
        if server := entry.answer.get(".".join(labels[place:])):
            return str(server)
    raise NoServerError(domain)


async def _asked(domain: str, entry: Entry, door: Egress, now: datetime, deadline_s: float) -> Entry:
    """The entry after asking: what was known stays known when the answer says nothing."""
    at = now.timestamp()
    try:
        server = await server_of(domain, door, now, deadline_s=deadline_s)
        document, status = await _fetched(f"{server.rstrip('/')}/domain/{domain}", door, deadline_s)
    except _Refused as refused:
        return Entry(at + refused.pause_s, entry.known_at, entry.answer, str(refused))
    except NoServerError as error:
        return Entry(_tomorrow(domain, now), 0.0, None, str(error))
    except RDAPError as error:
        return Entry(at + UNREACHED_S, entry.known_at, entry.answer, str(error))
    try:
        answer = {"expires": "", "registrar": ""} if status == 404 else _facts(document)
    except RDAPError as error:
        return Entry(_tomorrow(domain, now), entry.known_at, entry.answer, str(error))
    return Entry(_tomorrow(domain, now), at, answer)


class _Refused(Exception):
    """The server answered, but not with the document; it may be asked again after `pause_s`."""

    def __init__(self, sentence: str, pause_s: float) -> None:
        super().__init__(sentence)
        self.pause_s = pause_s


async def _fetched(url: str, door: Egress, deadline_s: float) -> tuple[Any, int]:
    """The JSON document and its status, 200 or 404. Raises _Refused, RDAPError."""
    from components import transport  # late: with httpx it takes 6 MiB

    try:
        async with transport.client(
            door, deadline_s=deadline_s, most_bytes=MAX_BYTES, follow_redirects=True
        ) as client:
            answer = await client.get(url, headers={"Accept": "application/rdap+json, application/json"})
    except transport.ERRORS as error:
        raise RDAPError(f"The RDAP server could not be asked: {str(error).rstrip('.')}.") from error
    if answer.status_code not in (200, 404):
        pause_s = _pause_s(answer.headers.get("retry-after", ""))
        raise _Refused(f"The RDAP server answers with {answer.status_code}.", pause_s)
    try:
        return (answer.json() if answer.status_code == 200 else None), answer.status_code
    except (ValueError, RecursionError) as error:
        raise _Refused("The RDAP server's answer is not JSON.", DAY_S) from error


def _pause_s(retry_after: str) -> float:
    """Seconds until a server that refused may be asked again: what it asks for, a day otherwise."""
    text = retry_after.strip()
    if text.isascii() and text.isdigit() and len(text) < 10:
        return min(max(int(text), MIN_PAUSE_S), MAX_PAUSE_S)
    return DAY_S


def _services(document: Any) -> dict[str, str]:
    """The server of each top-level domain, https before http. Raises RDAPError."""
    try:
        return {
            str(name).lower(): min(map(str, urls), key=lambda url: not url.startswith("https:"))
            for names, urls in document["services"]
            for name in names
            if urls
        }
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise RDAPError("IANA's list of RDAP servers cannot be read.") from error


def _facts(document: Any) -> dict[str, str]:
    """The expiry date (ISO 8601) and the registrar in an answer. Raises RDAPError."""
    events = document.get("events") if isinstance(document, Mapping) else None
    for event in events if isinstance(events, list) else ():
        if isinstance(event, Mapping) and event.get("eventAction") == "expiration":
            return {"expires": _date(event.get("eventDate")), "registrar": _registrar(document)}
    raise RDAPError("The registry does not say when this domain expires.")


def _date(text: Any) -> str:
    """In UTC. Raises RDAPError."""
    try:
        at = datetime.fromisoformat(text.strip().upper())
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC).isoformat()
    except (AttributeError, TypeError, ValueError, OverflowError) as error:  # not even a text
        raise RDAPError("The registry's expiry date cannot be read.") from error


def _registrar(document: Mapping[str, Any]) -> str:
    """The registrar's name, from its vCard (RFC 7095); empty if there is none."""
    try:
        for entity in document.get("entities", ()):
            if "registrar" in entity.get("roles", ()):
                names = (item[3] for item in entity["vcardArray"][1] if item[0] == "fn")
                return next(one_line(name)[:MAX_NAME_LENGTH] for name in names if isinstance(name, str))
    except (AttributeError, KeyError, TypeError, IndexError, StopIteration):
        pass
    return ""


def _tomorrow(name: str, now: datetime) -> float:
    """A day and a little later, for each name another little."""
    mark = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")
    return now.timestamp() + DAY_S + mark % JITTER_S


def _is_due(entry: Entry, now: datetime) -> bool:
    """Whether to ask; a time that no pause reaches is that of a clock which has been put back since."""
    return not now.timestamp() < entry.next_at <= now.timestamp() + MAX_PAUSE_S + DAY_S


def is_fresh(known_at: datetime, now: datetime) -> bool:
    """Whether what was learned then still counts: a week, as several tries may fail."""
    return now - known_at < timedelta(days=7)


# What is remembered


def _claim(name: str, now: datetime) -> tuple[Entry, bool]:
    """What is known, and whether the caller is to ask: of all processes one. Raises RDAPError."""
    with _locked():
        entry = _read(name)
        if not _is_due(entry, now):
            return entry, False
        claimed_until = now.timestamp() + CLAIM_S
        _write(name, Entry(claimed_until, entry.known_at, entry.answer, entry.problem))
        return entry, True


@contextlib.contextmanager
def _locked() -> Iterator[None]:
    """Nobody else reads and claims an entry meanwhile. Raises RDAPError."""
    file = Path(settings.VAR_DIR) / "rdap" / "lock"
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise RDAPError(UNWRITABLE) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)  # held for a few microseconds, and by no process that died
        yield
    except OSError as error:
        raise RDAPError(UNWRITABLE) from error
    finally:
        os.close(descriptor)


def _file(name: str) -> Path:
    return Path(settings.VAR_DIR) / "rdap" / f"{SAFE.sub('_', name.lower())}.json"


def _read(name: str) -> Entry:
    """An empty entry where none, or none that can be read, is stored."""
    try:
        return Entry(**json.loads(_file(name).read_text()))
    except (OSError, ValueError, TypeError):
        return Entry()


def _write(name: str, entry: Entry) -> None:
    """Replace the entry, whole or not at all. Raises RDAPError: what is not remembered must not be asked."""
    file = _file(name)
    unfinished = file.with_suffix(f".{os.getpid()}.{threading.get_ident()}")
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        unfinished.write_text(json.dumps(asdict(entry)))
        unfinished.replace(file)
    except OSError as error:
        raise RDAPError(UNWRITABLE) from error
