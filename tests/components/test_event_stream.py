"""The parser of event streams: every example of the standard, cut anywhere."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.probers.event_stream import (
    MAX_EVENT_CHARACTERS,
    Comment,
    Event,
    EventTooLargeError,
    Parser,
)


def read(*pieces):
    parser = Parser()
    return [item for piece in pieces for item in parser.feed(piece)]


@pytest.mark.parametrize(
    ("stream", "items"),
    [
        # the standard's own examples
        ("data: YHOO\ndata: +2\ndata: 10\n\n", [Event("message", "YHOO\n+2\n10")]),
        (
            ": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n",
            [Comment(), Event("message", "first event"), Event("message", "second event"),
             Event("message", " third event")],
        ),
        ("data\n\ndata\ndata\n\ndata:", [Event("message", ""), Event("message", "\n")]),
        ("data:test\n\ndata: test\n\n", [Event("message", "test")] * 2),
        ("event: add\ndata: 73857293\n\nevent: remove\ndata: 2153\n\n",
         [Event("add", "73857293"), Event("remove", "2153")]),
        # what is no event
        ("", []), ("\n\n\n", []), ("event: add\n\n", []), ("data: cut off\n", []),
        ("retry: 10\nid: 4\n\n", []),
        ("event: lost\n\ndata: x\n\n", [Event("message", "x")]),
        ("dat: x\n data: y\nDATA: z\n\n", []),
        # ends of lines
        ("data: a\rdata: b\r\rdata: c\r\n\r\n", [Event("message", "a\nb"), Event("message", "c")]),
        ("data: a\r\n\ndata: b\n\r\n", [Event("message", "a"), Event("message", "b")]),
        (":\r:\n:\r\n", [Comment()] * 3),
        # a byte order mark counts once, at the very begin
        ("\ufeffdata: a\n\n", [Event("message", "a")]),
        ("\ufeff\ufeffdata: a\n\n", []),
        ("data: a\n\n\ufeffdata: b\n\n", [Event("message", "a")]),
        ("data: \x85\u2028x\x0b\n\n", [Event("message", "\x85\u2028x\x0b")]),  # no ends of lines here
        ("data: a:b: c\n\n", [Event("message", "a:b: c")]),
    ],
)  # fmt: skip
def test_a_stream_is_read_by_the_standard_whole_and_letter_by_letter(stream, items):
    data = stream.encode()
    assert read(data) == items
    assert read(*(data[n : n + 1] for n in range(len(data)))) == items


LINES = st.lists(
    st.sampled_from(
        ["data: ä", "data:", "data", "event: e", ":", ": c", "id: 1", "", "", "x: y", "\ufeffdata: b"]
    )
)
ENDS = st.lists(st.sampled_from(["\n", "\r", "\r\n"]), min_size=1)


def simple(text):
    """The rules of the standard on a whole text, as simply as possible."""
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")[:-1]
    items, name, data = [], "", []
    for line in lines:
        field, _, value = line.partition(":")
        if line.startswith(":"):
            items.append(Comment())
        elif not line:
            items += [Event(name or "message", "\n".join(data))] if data else []
            name, data = "", []
        elif field == "data":
            data.append(value.removeprefix(" "))
        elif field == "event":
            name = value.removeprefix(" ")
    return items


@given(LINES, ENDS, st.lists(st.integers(min_value=0, max_value=200)))
def test_where_a_stream_is_cut_makes_no_difference(lines, ends, cuts):
    text = "".join(line + ends[n % len(ends)] for n, line in enumerate(lines))
    data = text.encode()
    places = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    pieces = [data[a:b] for a, b in zip(places, places[1:], strict=False)]
    assert read(*pieces) == read(data) == simple(text)


@pytest.mark.parametrize(
    "pieces",
    [
        [b"data: " + b"x" * (MAX_EVENT_CHARACTERS + 10)],
        [b"data: " + b"x" * 1000 + b"\n"] * (MAX_EVENT_CHARACTERS // 1000 + 2),
        [b"x"] * (MAX_EVENT_CHARACTERS + 1),
    ],
    ids=["line", "lines", "letters"],
)
def test_what_never_ends_is_not_kept(pieces):
    with pytest.raises(EventTooLargeError):
        read(*pieces)


def test_bytes_that_are_no_utf8_are_replaced():
    assert read(b"data: \xff\n\n") == [Event("message", "\ufffd")]
