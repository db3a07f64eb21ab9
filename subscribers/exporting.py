"""All subscribers as CSV lines, read in chunks; the file can be imported again.

Left out are those whom no line can say: browsers and Apprise, and who follows one incident alone.
"""

import csv
from collections import Counter
from collections.abc import Iterator
from typing import Any

from components import encryption
from components.models import Component, Group
from components.status import Impact
from incidents.models import NoticeKind
from subscribers.csv_format import BY_HAND, COLUMNS, joined, one_form, safe
from subscribers.models import State, Subscriber

CHUNK = 500


def rows() -> Iterator[list[str]]:
    """The head, then a line for each that a file can hold."""
    yield list(COLUMNS)
    names = _names(Component) | _names(Group)
    wanted = Subscriber.objects.filter(channel__in=BY_HAND).prefetch_related("components", "groups")
    last = 0
    while chunk := list(wanted.filter(pk__gt=last).order_by("pk")[:CHUNK]):
        last = chunk[-1].pk
        for one in chunk:
            if one.is_all or one.components.all() or one.groups.all() or one.state == State.CONTACT:
                yield [safe(cell) for cell in _cells(one, names)]


def _names(model: Any) -> dict[str, str]:
    """What each is called in a file, by its id: its name, or the id itself where the name could be another's.

    That is one which two share, one which holds what stands between names, and one which is part of such.
    """
    found = [(key, name, one_form(name)) for key, name in model.objects.values_list("public_id", "name")]
    shared = Counter(form for _, _, form in found)
    parts = {part for _, _, form in found if ";" in form for part in form.split(";")}
    return {
        key: key if shared[form] > 1 or ";" in form or form in parts else name for key, name, form in found
    }


def _cells(one: Subscriber, names: dict[str, str]) -> list[str]:
    try:
        address = one.open_address
    except encryption.DecryptionError:
        address = ""  # its line says so by being refused when it is taken in
    return [
        one.channel,
        address,
        joined(names.get(place.public_id, place.name) for place in one.components.all()),
        joined(names.get(place.public_id, place.name) for place in one.groups.all()),
        " ".join(kind for kind in NoticeKind.values if getattr(one, f"wants_{kind}")),
        list(Impact)[one.least_impact].value,
        "yes" if one.is_digest else "no",
        one.state,
    ]


class Echo:
    """A file that hands back what is written to it."""

    def write(self, text: str) -> str:
        """The line itself."""
        return text


def lines() -> Iterator[str]:
    """The same as text."""
    writer = csv.writer(Echo())
    return (writer.writerow(row) for row in rows())
