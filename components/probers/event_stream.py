"""Reads an event stream as browsers do (html.spec.whatwg.org, server-sent events, "interpreting").

Pure: bytes in, events and comments out. Lines end by CR, LF or CRLF, which may be cut anywhere; the stream
is UTF-8, and one byte order mark at its begin is no part of it.
"""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass

MAX_EVENT_CHARACTERS = 1024 * 1024  # of a line, and of the data of one event
END = re.compile("\r\n|\r|\n")


class EventTooLargeError(Exception):
    """A line or an event is longer than we are willing to keep."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event. `name` is "message" where none is given."""

    name: str
    data: str


@dataclass(frozen=True, slots=True)
class Comment:
    """A line that begins with a colon: how servers show that they are alive."""


class Parser:
    """Of one stream."""

    def __init__(self) -> None:
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.rest: list[str] = []  # the beginning of a line, in pieces: some send it letter by letter
        self.rest_size = 0
        self.is_begun = self.skips_lf = False
        self.name = ""
        self.data: list[str] = []
        self.data_size = 0

    def feed(self, piece: bytes) -> Iterator[Event | Comment]:
        """What these bytes complete. Raises EventTooLargeError. What the end cuts off is no event."""
        text = self.decoder.decode(piece)
        if not text:
            return
        if not self.is_begun:
            self.is_begun = True
            text = text.removeprefix("\ufeff")
        if self.skips_lf:  # the other half of a CRLF that was cut in two
            text = text.removeprefix("\n")
            self.skips_lf = False
        if not text:
            return
        self.skips_lf = text.endswith("\r")
        *lines, last = END.split(text)
        for line in lines:
            whole = "".join([*self.rest, line]) if self.rest else line
            self.rest, self.rest_size = [], 0
            if (item := self._line(whole)) is not None:
                yield item
        if last:
            self.rest.append(last)
            self.rest_size += len(last)
        if self.rest_size > MAX_EVENT_CHARACTERS:
            raise EventTooLargeError

    def _line(self, line: str) -> Event | Comment | None:
        if not line:
            return self._dispatch()
        field, colon, value = line.partition(":")
        if colon and not field:
            return Comment()
        value = value.removeprefix(" ")
        if field == "event":
            self.name = value
        elif field == "data":
            self.data_size += len(value) + 1
            if self.data_size > MAX_EVENT_CHARACTERS:
                raise EventTooLargeError
            self.data.append(value)
        return None  # "id" and "retry" change nothing that is watched; others are ignored

    def _dispatch(self) -> Event | None:
        """An empty line ends an event; one without data is none."""
        name, data = self.name or "message", self.data
        self.name, self.data, self.data_size = "", [], 0
        return Event(name, "\n".join(data)) if data else None
