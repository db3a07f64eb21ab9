"""Subscribers as lines of a CSV file: parsing, and a message for a line that is refused.

Understands our own columns and, as well as it can be guessed, those of
Statuspage's exports and of its import template. Nothing here uses the database.
"""

import codecs
import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, BinaryIO, TextIO

from components.status import Impact
from components.texts import FORMULA
from incidents.models import NoticeKind
from subscribers.states import Channel

COLUMNS = ("channel", "address", "components", "groups", "kinds", "least_impact", "digest", "state")
MAX_LINE_LENGTH = 20_000  # characters of a cell
# names of our columns in other files; spaces, dashes and capitals are ignored
ALIASES = {
    "channel": ("channel", "type", "mode", "method", "subscriber_type", "subscription_type"),
    "address": ("address", "recipient", "contact", "subscriber", "email_or_endpoint"),
    "email": ("email", "email_address", "e_mail", "e_mail_address", "mail", "mail_address"),
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
HOLD_ADDRESSES = frozenset({"address", "email", "endpoint"})
KNOWN = {alias: name for name, aliases in ALIASES.items() for alias in aliases}
SIGNS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
CHANNELS = {
    **{channel.value: channel for channel in Channel},
    **{channel.label.lower(): channel for channel in Channel},
    "mail": Channel.EMAIL, "e-mail": Channel.EMAIL, "http": Channel.WEBHOOK, "ms teams": Channel.TEAMS,
    "msteams": Channel.TEAMS, "microsoft_teams": Channel.TEAMS, "googlechat": Channel.GOOGLE_CHAT,
}  # fmt: skip
BY_HAND = frozenset(Channel) - {Channel.WEB_PUSH, Channel.APPRISE}
STATES = ("active", "unconfirmed", "quarantined", "left", "contact")
YES, NO = ("yes", "true", "1", "y"), ("", "no", "false", "0", "n")


class CSVError(Exception):
    """A line that is refused; the text is a sentence with how to fix it."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a file: its number, and its cells by our column names."""

    number: int
    cells: dict[str, str]


@dataclass(frozen=True, slots=True)
class Wish:
    """The subscription that a line asks for. `components` and `groups` are names or ids as written."""

    number: int
    channel: Channel
    address: str
    components: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    kinds: frozenset[str] = field(default_factory=frozenset)
    least_impact: int = 0
    is_digest: bool = False
    state: str = "active"


def opened(file: BinaryIO) -> TextIO:
    """The text of a file, a line at a time: UTF-8, or UTF-16 as Excel's "Unicode text" is."""
    start = file.read(2)
    file.seek(0)
    is_wide = start in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    return io.TextIOWrapper(file, encoding="utf-16" if is_wide else "utf-8", newline="")


def lines(text: Iterable[str]) -> Iterator[Line]:
    """The lines of a file, one at a time; empty ones are left out.

    Raises CSVError for a file that is not CSV.
    """
    rows, skipped = _clean(text), 0
    reader: Any = None
    try:
        declared, head = _sign_and_head(rows)
        if not head.strip():
            raise CSVError("The file is empty, or its first line is: put the column names there.")
        sign, skipped = declared or _most_known(head), 1 if declared else 0
        reader = csv.reader(chain([head], rows), delimiter=sign, skipinitialspace=True, strict=True)
        names = _names(next(reader, []), sign, number=skipped + 1)
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield Line(skipped + reader.line_num, _by_name(names, cells))
    except csv.Error as error:
        at = skipped + (reader.line_num if reader else 1)
        raise CSVError(
            f"line {at}: this is not valid CSV ({error}). Look for a quotation mark that is not "
            "closed, here or above, or save the file again as CSV, UTF-8."
        ) from error
    except UnicodeDecodeError as error:
        raise CSVError("The file is not UTF-8: save it again as “CSV UTF-8”.") from error


def _by_name(names: list[str], cells: list[str]) -> dict[str, str]:
    """Cells by our column names: the first filled one of several; two addresses are joined, to be refused."""
    by_name: dict[str, str] = {}
    for name, cell in zip(names, (plain(cell) for cell in cells), strict=False):
        if not name:
            continue
        if not by_name.get(name, "").strip():
            by_name[name] = cell
        elif name in HOLD_ADDRESSES and cell.strip() not in ("", by_name[name].strip()):
            by_name[name] += f" {cell}"
    return by_name


def _clean(text: Iterable[str]) -> Iterator[str]:
    """The lines without a byte order mark, and without NUL, which databases cannot store."""
    for number, line in enumerate(text):
        yield (line.removeprefix("\ufeff") if number == 0 else line).replace("\0", "")


def _sign_and_head(rows: Iterator[str]) -> tuple[str | None, str]:
    """(separator from Excel's "sep=" line or None, the line with the column names)."""
    first = next(rows, "")
    match = re.fullmatch(r'"?sep=(.)"?\s*', first, re.IGNORECASE)
    return (match[1], next(rows, "")) if match else (None, first)


def _most_known(head: str) -> str:
    """The separator with which most column names are known; Excel often writes semicolons in Europe."""

    def known(sign: str) -> int:
        cells = next(csv.reader([head], delimiter=sign, skipinitialspace=True), [])
        return sum(bool(_our_name(cell)) for cell in cells)

    return max(SIGNS, key=known)


def _our_name(cell: str) -> str:
    """Our name of a column; empty for one that we do not know."""
    return KNOWN.get(re.sub(r"[^a-z]+", "_", cell.strip().lower()).strip("_"), "")


def _names(header: list[str], sign: str, *, number: int) -> list[str]:
    """Our names of the columns, empty for those we do not know. Raises CSVError."""
    names = [_our_name(cell) for cell in header]
    if not HOLD_ADDRESSES & set(names):
        word = SIGNS.get(sign, f"“{sign}”")
        raise CSVError(
            f"line {number}, read with {word} between its cells: no column has addresses. It names the "
            f"columns, such as {','.join(COLUMNS)}."
        )
    return names


def read(line: Line) -> Wish:
    """The subscription that a line asks for. Raises CSVError with a sentence for its author."""
    cells = {name: cell.strip() for name, cell in line.cells.items()}
    if any(len(cell) > MAX_LINE_LENGTH for cell in cells.values()):
        raise CSVError("a cell is too long: is a quotation mark missing?")
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
        raise CSVError("text messages are not supported: remove the line, or use an email address.")
    if not address:
        raise CSVError("the address is missing: fill it in, or remove the line.")
    if not word:
        return (Channel.EMAIL, address) if "://" not in address else (Channel.WEBHOOK, address)
    channel = CHANNELS.get(word)
    if channel is None or channel not in BY_HAND:
        allowed = ", ".join(sorted(BY_HAND))
        raise CSVError(f"“{word[:40]}” is not a channel that can be imported: use one of {allowed}.")
    return channel, address


def _kinds(text: str) -> frozenset[str]:
    if not text:
        return frozenset((NoticeKind.INCIDENT, NoticeKind.MAINTENANCE, NoticeKind.POSTMORTEM))
    kinds = frozenset(word.lower() for word in re.split(r"[;,\s]+", text) if word)
    if strange := kinds - set(NoticeKind.values):
        raise CSVError(f"“{min(strange)[:40]}” is not an update type: use {', '.join(NoticeKind.values)}.")
    return kinds


def _impact(text: str) -> int:
    ranks = {impact.value: rank for rank, impact in enumerate(Impact)}
    if text.lower() not in ("", *ranks):
        raise CSVError(f"“{text[:40]}” is not an impact: use one of {', '.join(ranks)}.")
    return ranks.get(text.lower(), 0)


def _claim(name: str, text: str) -> bool:
    if text.lower() not in (*YES, *NO):
        raise CSVError(f"“{text[:40]}” is not valid for {name}: write yes or no.")
    return text.lower() in YES


def _state(cells: dict[str, str]) -> str:
    state = cells.get("state", "").lower()
    if state and state not in STATES:
        raise CSVError(
            f"“{state[:40]}” is not a state: use one of {', '.join(STATES)}, or nothing for active."
        )
    if not state and cells.get("quarantined", "").lower() not in NO:
        return "quarantined"
    if not state and "confirmed" in cells and cells["confirmed"].lower() in NO:
        return "unconfirmed"
    return state or "active"


BETWEEN = re.compile(r"\s*[;,|\r\n]+\s*")


def one_form(name: str) -> str:
    """A name in the form it is looked up by: all separators in it become the same."""
    return BETWEEN.sub(";", name.strip().lower())


def split(text: str) -> tuple[str, ...]:
    """The names in a cell, or parts of names: some contain a separator (see `Places.find`)."""
    return tuple(name for part in BETWEEN.split(text) if (name := part.strip()))


def joined(names: Iterable[str]) -> str:
    """Names as one cell, the reverse of `split`."""
    return "; ".join(names)


def plain(cell: str) -> str:
    """The cell as it was before `components.texts.cell`."""
    return cell[1:] if cell[:1] == "'" and cell[1:2] in FORMULA else cell
