"""A look and what it finds: its name, one of four states, and a sentence with the mend."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import unquote, urlsplit

from django.conf import settings

HIDDEN = "***"
MIN_SECRET = 4  # a shorter one would blank out ordinary words
MAX_SENTENCE = 500
CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]+")
SECRETS = ("SECRET_KEY", "METRICS_TOKEN", "OIDC_CLIENT_SECRET", "HEARTBEAT_URL", "MAIL_EVENTS_SECRET",
           "REGION_KEY", "EMAIL_HOST_PASSWORD")  # fmt: skip
ADDRESSES = (
    "DATABASE_URL",
    "REDIS_URL",
    "EMAIL_URL",
    "PUBLIC_URL",
    "OIDC_ISSUER",
    "REGION_SERVER",
    "SUPPORT_URL",
)


class State(StrEnum):
    """How it is: `fail` means that something does not work, `skip` that it could not be looked at."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line."""

    state: State
    name: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Look:
    """`run` is called in a thread of its own. `needs`: the names of looks that must not have failed."""

    name: str
    run: Callable[[], Iterable[Finding]]
    deadline_s: float = 10.0
    needs: tuple[str, ...] = ()


def ok(name: str, sentence: str) -> Finding:
    """All is as it should be."""
    return Finding(State.OK, name, sentence)


def warn(name: str, sentence: str) -> Finding:
    """It works, and should be seen to."""
    return Finding(State.WARN, name, sentence)


def fail(name: str, sentence: str) -> Finding:
    """It does not work."""
    return Finding(State.FAIL, name, sentence)


def skip(name: str, sentence: str) -> Finding:
    """It was not looked at, or is not set."""
    return Finding(State.SKIP, name, sentence)


def first_line(error: BaseException) -> str:
    """The first line of an error, without its full stop."""
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")


def secrets() -> list[str]:
    """Every secret of the settings, the longest first."""
    values = {str(getattr(settings, name, "") or "") for name in SECRETS}
    values |= {str(key) for key in settings.SECRET_KEY_FALLBACKS}
    values |= set(settings.APPRISE_URLS)
    for name in ADDRESSES:
        values |= _passwords(str(getattr(settings, name, "") or ""))
    for database in settings.DATABASES.values():
        values.add(str(database.get("PASSWORD") or ""))
    return sorted((value for value in values if len(value) >= MIN_SECRET), key=len, reverse=True)


def _passwords(url: str) -> set[str]:
    try:
        password = urlsplit(url).password or ""
    except ValueError:
        return {url}
    return {password, unquote(password)}


def printable(finding: Finding, hidden: Iterable[str]) -> Finding:
    """The same in one line, without secrets: a server's words may hold anything."""
    sentence = finding.sentence
    for secret in hidden:
        sentence = sentence.replace(secret, HIDDEN)
    sentence = CONTROLS.sub(" ", sentence)
    if len(sentence) > MAX_SENTENCE:
        sentence = f"{sentence[:MAX_SENTENCE]}…"
    return Finding(finding.state, finding.name, sentence)
