"""All subscribers as CSV lines, read in chunks; the file can be imported again.

Left out are subscribers that a line cannot describe: browsers, Apprise, and those that follow one incident.
"""

import csv
from collections import Counter
from collections.abc import Iterator
from typing import Any

from components import encryption
from components.models import Component, Group
from components.status import Impact
from components.texts import cell
from incidents.models import NoticeKind
from subscribers.csv_format import BY_HAND, COLUMNS, joined, one_form
from subscribers.models import State, Subscriber

CHUNK = 500


def rows() -> Iterator[list[str]]:
    """The column names, then a row for each subscriber that a file can describe."""
    yield list(COLUMNS)
    names = _names(Component) | _names(Group)
    wanted = Subscriber.objects.filter(channel__in=BY_HAND).prefetch_related("components", "groups")
    last = 0
    while chunk := list(wanted.filter(pk__gt=last).order_by("pk")[:CHUNK]):
        last = chunk[-1].pk
        for subscriber in chunk:
            if (
                subscriber.is_all
                or subscriber.components.all()
                or subscriber.groups.all()
                or subscriber.state == State.CONTACT
            ):
                yield list(map(cell, _cells(subscriber, names)))


def _names(model: Any) -> dict[str, str]:
    """By id, the name used in a file: its name, or the id itself if the name is ambiguous.

    Ambiguous are names that two share, that contain a separator, or that are part of such a name.
    """
    entries = [(key, name, one_form(name)) for key, name in model.objects.values_list("public_id", "name")]
    shared = Counter(form for _, _, form in entries)
    parts = {part for _, _, form in entries if ";" in form for part in form.split(";")}
    return {
        key: key if shared[form] > 1 or ";" in form or form in parts else name for key, name, form in entries
    }


def _cells(subscriber: Subscriber, names: dict[str, str]) -> list[str]:
    try:
        address = subscriber.open_address
    except encryption.DecryptionError:
        address = ""  # its line will be refused when it is imported
    return [
        subscriber.channel,
        address,
        joined(names.get(place.public_id, place.name) for place in subscriber.components.all()),
        joined(names.get(place.public_id, place.name) for place in subscriber.groups.all()),
        " ".join(kind for kind in NoticeKind.values if getattr(subscriber, f"wants_{kind}")),
        list(Impact)[subscriber.least_impact].value,
        "yes" if subscriber.is_digest else "no",
        subscriber.state,
    ]


class Echo:
    """A file for csv.writer that returns what is written to it."""

    def write(self, text: str) -> str:
        """Return the line."""
        return text


def lines() -> Iterator[str]:
    """The lines of `rows` as CSV text."""
    writer = csv.writer(Echo())
    return (writer.writerow(row) for row in rows())
