"""Subscribers as lines of a CSV file: what a line says, and a sentence for one that cannot be taken.

Understands our own columns and, as well as it can be guessed, those of
Statuspage's exports and of its template for imports. Nothing here knows the database.
"""

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from components.status import Impact
from incidents.models import NoticeKind
from subscribers.channels import Channel

COLUMNS = ("channel", "address", "components", "groups", "kinds", "least_impact", "digest", "state")
LONGEST_LINE = 20_000  # characters of a cell
# the same thing under the names that others give it; spaces, dashes and capitals do not count
ALIASES = {
    "channel": ("channel", "type", "mode", "method", "subscriber_type", "subscription_type"),
    "address": ("address", "recipient", "contact", "subscriber", "email_or_endpoint"),
    "email": ("email", "email_address", "e_mail"),
    "endpoint": ("endpoint", "webhook", "webhook_url", "url", "webhook_endpoint", "endpoint_url"),
    "phone": ("phone", "phone_number", "sms"),
    "components": ("components", "component", "component_names", "component_ids", "subscribed_components"),
    "groups": ("groups", "group", "component_groups"),
    "kinds": ("kinds", "wants", "events"),
    "least_impact": ("least_impact", "minimum_impact"),
    "digest": ("digest",),
    "state": ("state", "status"),
    "quarantined": ("quarantined_at", "quarantined", "purge_at"),
    "confirmed": ("confirmed", "confirmed_at", "is_confirmed"),
}
CHANNELS = {
    **{channel.value: channel for channel in Channel},
    **{channel.label.lower(): channel for channel in Channel},
    "mail": Channel.EMAIL, "e-mail": Channel.EMAIL, "http": Channel.WEBHOOK, "ms teams": Channel.TEAMS,
    "msteams": Channel.TEAMS, "microsoft_teams": Channel.TEAMS, "googlechat": Channel.GOOGLE_CHAT,
}  # fmt: skip
BY_HAND = frozenset(Channel) - {Channel.WEB_PUSH, Channel.APPRISE}
STATES = ("active", "unconfirmed", "quarantined", "left", "contact")
YES, NO = ("yes", "true", "1", "y"), ("", "no", "false", "0", "n")
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


class Fault(Exception):
    """A line that cannot be taken; the text is the sentence for it, with what mends it."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line as it was written: its number in the file, and its cells by our names of the columns."""

    number: int
    cells: dict[str, str]


@dataclass(frozen=True, slots=True)
class Wish:
    """What a line asks for. `components` and `groups` are names or ids as written."""

    number: int
    channel: Channel
    address: str
    components: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    kinds: frozenset[str] = field(default_factory=frozenset)
    least_impact: int = 0
    is_digest: bool = False
    state: str = "active"


def lines(text: Iterable[str]) -> Iterator[Line]:
    """The lines of a file, one at a time; empty ones are left out. Raises Fault for a file that is none."""
    reader = csv.reader(_clean(text), skipinitialspace=True)
    try:
        names = _names(next(reader, []))
        for cells in reader:
            if any(cell.strip() for cell in cells):
                found = zip(names, cells, strict=False)
                yield Line(reader.line_num, {name: plain(cell) for name, cell in found if name})
    except csv.Error as error:
        raise Fault(
            f"line {reader.line_num}: this is no CSV ({error}): save it anew as CSV, UTF-8."
        ) from error
    except UnicodeDecodeError as error:
        raise Fault("The file is not UTF-8: save it anew as “CSV UTF-8”.") from error


def _clean(text: Iterable[str]) -> Iterator[str]:
    """Without the mark that Excel puts first, and without NUL, which no database keeps."""
    for number, line in enumerate(text):
        yield (line.removeprefix("\ufeff") if number == 0 else line).replace("\0", "")


def _names(header: list[str]) -> list[str]:
    """Our names of the columns, empty for those we do not know. Raises Fault."""
    known = {alias: name for name, aliases in ALIASES.items() for alias in aliases}
    names = [known.get(re.sub(r"[^a-z]+", "_", cell.strip().lower()).strip("_"), "") for cell in header]
    if not {"address", "email", "endpoint"} & set(names):
        raise Fault(
            f"line 1: no column holds addresses: the first line names the columns, as {','.join(COLUMNS)}."
        )
    return names


def read(line: Line) -> Wish:
    """What a line asks for. Raises Fault with the sentence for its author."""
    cells = {name: cell.strip() for name, cell in line.cells.items()}
    if any(len(cell) > LONGEST_LINE for cell in cells.values()):
        raise Fault("a cell is too long: is a quotation mark missing?")
    channel, address = _where(cells)
    return Wish(
        number=line.number,
        channel=channel,
        address=address,
        components=split(cells.get("components", "")),
        groups=split(cells.get("groups", "")),
        kinds=_kinds(cells.get("kinds", "")),
        least_impact=_impact(cells.get("least_impact", "")),
        is_digest=_claim("digest", cells.get("digest", "")),
        state=_state(cells),
    )


def _where(cells: dict[str, str]) -> tuple[Channel, str]:
    email, endpoint = cells.get("email", ""), cells.get("endpoint", "")
    address = cells.get("address") or endpoint or email
    word = cells.get("channel", "").lower()
    if word == "sms" or (not address and cells.get("phone")):
        raise Fault("text messages are not sent from here: leave the line out, or give a mail address.")
    if not address:
        raise Fault("there is no address: fill it in, or leave the line out.")
    if not word:
        return (Channel.EMAIL, address) if "://" not in address else (Channel.WEBHOOK, address)
    channel = CHANNELS.get(word)
    if channel is None or channel not in BY_HAND:
        known = ", ".join(sorted(BY_HAND))
        raise Fault(f"“{word[:40]}” is no channel for a file: write one of {known}.")
    return channel, address


def _kinds(text: str) -> frozenset[str]:
    if not text:
        return frozenset((NoticeKind.INCIDENT, NoticeKind.MAINTENANCE, NoticeKind.POSTMORTEM))
    kinds = frozenset(word.lower() for word in re.split(r"[;,\s]+", text) if word)
    if strange := kinds - set(NoticeKind.values):
        raise Fault(f"“{min(strange)[:40]}” is nothing to be told of: write {', '.join(NoticeKind.values)}.")
    return kinds


def _impact(text: str) -> int:
    ranks = {impact.value: rank for rank, impact in enumerate(Impact)}
    if text.lower() not in ("", *ranks):
        raise Fault(f"“{text[:40]}” is no impact: write one of {', '.join(ranks)}.")
    return ranks.get(text.lower(), 0)


def _claim(name: str, text: str) -> bool:
    if text.lower() not in (*YES, *NO):
        raise Fault(f"“{text[:40]}” is no answer for {name}: write yes or no.")
    return text.lower() in YES


def _state(cells: dict[str, str]) -> str:
    state = cells.get("state", "").lower()
    if state and state not in STATES:
        raise Fault(f"“{state[:40]}” is no state: write one of {', '.join(STATES)}, or nothing for active.")
    if not state and cells.get("quarantined", "").lower() not in NO:
        return "quarantined"
    if not state and "confirmed" in cells and cells["confirmed"].lower() in NO:
        return "unconfirmed"
    return state or "active"


def split(text: str) -> tuple[str, ...]:
    """Names of one cell, as they stand between semicolons or lines."""
    return tuple(name for part in re.split(r"[;\n|]", text) if (name := part.strip()))


def joined(names: Iterable[str]) -> str:
    """The other way."""
    return "; ".join(names)


def safe(text: str) -> str:
    """A cell that no spreadsheet runs as a formula: it gets an apostrophe before it."""
    return f"'{text}" if text.startswith(FORMULA) else text


def plain(cell: str) -> str:
    """The cell before `safe`."""
    return cell[1:] if cell[:1] == "'" and cell[1:2] in FORMULA else cell
