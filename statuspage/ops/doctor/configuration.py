"""Settings: what is set, and what cannot work."""

import os
import resource
from collections.abc import Iterator, Sequence

from django.conf import settings
from django.core import checks

from statuspage.ops.doctor import environment
from statuspage.ops.doctor.findings import Finding, fail, ok, skip, warn

NAME = "settings"
SPARE_FILES = 500  # beside streams: sockets of checks, databases, copies of the page
MAX_HINT = 300


def unreadable(faults: Sequence[tuple[str, str]]) -> list[Finding]:
    """Findings for what `environment.mend` took out."""
    return [fail(NAME, sentence) for _, sentence in faults]


def look() -> Iterator[Finding]:
    """Django's checks, ours included; which settings are set, by name alone."""
    for message in checks.run_checks():
        text = f"{message.msg} {message.hint or ''}".strip()[:MAX_HINT]
        yield (fail if message.is_serious() else warn)(NAME, text)
    for name, meant in environment.unknown():
        yield warn(NAME, f"{name} is set, and is not a setting: is {meant} meant?")
    if settings.DEBUG:
        yield warn(NAME, "DEBUG is on: strangers see the details of errors. Leave it out in production.")
    names = sorted(environment.known() & {name for name, value in os.environ.items() if value})
    yield ok(NAME, f"Set: {', '.join(names) or 'none; the defaults are used'}.")


def open_files() -> Iterator[Finding]:
    """Whether the limit of open files leaves room for STREAMS_MAX: each open page is one."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY or hard >= settings.STREAMS_MAX + SPARE_FILES:
        yield ok(
            "open files", f"The limit leaves room for STREAMS_MAX ({settings.STREAMS_MAX:,} open pages)."
        )
        return
    yield warn(
        "open files",
        f"A process may open {hard:,} files, and STREAMS_MAX is {settings.STREAMS_MAX:,}: raise the limit"
        f" (systemd: LimitNOFILE={settings.STREAMS_MAX + SPARE_FILES}), or set STREAMS_MAX to"
        f" {max(0, hard - SPARE_FILES)}.",
    )


def outside_watch() -> Iterator[Finding]:
    """Who is alerted when all of this dies, and whether there are metrics. Neither is asked for."""
    if settings.HEARTBEAT_URL:
        yield ok("HEARTBEAT_URL", "It is set. It is not asked now, as that would count as a heartbeat.")
    else:
        yield warn(
            "HEARTBEAT_URL",
            "It is not set: no one is alerted if this machine dies. Set it to the address of a dead man's"
            " switch at another provider.",
        )
    if settings.METRICS_TOKEN:
        yield ok("METRICS_TOKEN", "It is set: /metrics answers those who present it.")
    else:
        yield skip("METRICS_TOKEN", "It is not set: /metrics answers 404.")
