"""A day of a probe's checks in a few bytes each, and back again, exactly.

Most columns of a day are the same in every row, and times differ by a little. So each column is stored by
itself: as one value, as differences, or as indexes into its different values, each deflated with a table of
its own.
"""

import json
import zlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, pairwise
from typing import Any

Row = tuple[Any, ...]

VERSION = 1
PARTS = ("dns_ms", "connect_ms", "tls_ms", "first_byte_ms", "transfer_ms")
NUMBERS = ("slot", "lag_ms", *PARTS, "total_ms", "status_code", "family", "days_left")
COLUMNS = (
    "slot", "lag_ms", *PARTS, "total_ms", "status_code", "family", "days_left",
    "region", "outcome", "address", "failure", "detail", "excerpt", "facts",
)  # fmt: skip

MAX_ROWS = 1_000_000  # more than a day has seconds, in each of several regions
SAME, DIFFERENT, INDEXED = range(3)  # how a column is stored
# Noise is smaller by its frequencies alone
STRATEGIES = (zlib.Z_DEFAULT_STRATEGY, zlib.Z_HUFFMAN_ONLY)


class UnreadablePackError(Exception):
    """These bytes are not packed checks, or of a version that this program does not know."""


def pack(rows: Sequence[Row]) -> bytes:
    """These rows, each with the values of COLUMNS in that order, sorted by slot."""
    columns = dict(zip(COLUMNS, zip(*rows, strict=True), strict=True))
    packed = bytearray([VERSION])
    packed += _varints([len(rows)])
    for name in COLUMNS:
        kind, content = _stored(name, columns)
        packed += bytes([kind]) + _varints([len(content)]) + content
    return bytes(packed)


def unpack(packed: bytes, columns: Sequence[str] = COLUMNS) -> list[Row]:
    """The rows, with these columns alone. Raises UnreadablePackError."""
    try:
        if packed[0] != VERSION:
            raise UnreadablePackError(f"version {packed[0]}")
        pack_ = _Pack(packed)
        return list(zip(*(pack_.column(name) for name in columns), strict=True))
    except (IndexError, ValueError, KeyError, TypeError, zlib.error, RecursionError) as error:
        raise UnreadablePackError(str(error)) from error


def _stored(name: str, columns: dict[str, tuple[Any, ...]]) -> tuple[int, bytes]:
    values = columns[name]
    if name in NUMBERS and all(value == values[0] for value in values):
        return SAME, json.dumps(values[0]).encode()
    if name == "slot":
        return DIFFERENT, _deflated(_varints(map(_folded, _differences(values))))
    if name == "total_ms":
        rests = (total - sum(parts) for total, parts in zip(values, _sums(columns), strict=True))
        return DIFFERENT, _deflated(_varints(map(_folded, rests)))
    if name in NUMBERS:
        return DIFFERENT, _deflated(_varints(0 if n is None else _folded(n) + 1 for n in values))
    texts = [json.dumps(value, separators=(",", ":")) for value in values]
    places = {text: place for place, text in enumerate(dict.fromkeys(texts))}
    if len(places) == 1:
        return SAME, texts[0].encode()
    words = zlib.compress(f"[{','.join(places)}]".encode(), 9)
    return INDEXED, _varints([len(words)]) + words + _deflated(_varints(places[text] for text in texts))


def _sums(columns: dict[str, tuple[Any, ...]]) -> Iterator[tuple[int, ...]]:
    """The times that a total is made of; without those that were not measured."""
    for parts in zip(*(columns[name] for name in PARTS), strict=True):
        yield tuple(part for part in parts if part is not None)


def _differences(slots: Sequence[int]) -> list[int]:
    """How much later each slot is than an even pace would have it: nearly always 0."""
    gaps = [slots[0], *(later - slot for slot, later in pairwise(slots))]
    return [*gaps[:2], *(later - gap for gap, later in pairwise(gaps[1:]))]


class _Pack:
    """Columns are decoded when they are asked for."""

    def __init__(self, packed: bytes) -> None:
        (self.count,), at = _read_varints(packed, 1, 1)
        if self.count > MAX_ROWS:
            raise UnreadablePackError(f"{self.count} rows")
        self.stored: dict[str, tuple[int, bytes]] = {}
        self.decoded: dict[str, list[Any]] = {}
        for name in COLUMNS:
            kind = packed[at]
            (length,), at = _read_varints(packed, 1, at + 1)
            self.stored[name] = kind, packed[at : at + length]
            at += length

    def column(self, name: str) -> list[Any]:
        """Its values, one for each row."""
        if name not in self.decoded:
            self.decoded[name] = self._decode(name)
        return self.decoded[name]

    def _decode(self, name: str) -> list[Any]:
        kind, content = self.stored[name]
        if kind == SAME:
            return [json.loads(content)] * self.count
        if kind == INDEXED:
            (length,), at = _read_varints(content, 1, 0)
            words = json.loads(zlib.decompress(content[at : at + length]))
            return [words[place] for place in self._numbers(content[at + length :])]
        numbers = self._numbers(content)
        if name == "slot":
            first, *rest = map(_unfolded, numbers)
            return list(accumulate([first, *accumulate(rest)]))
        if name == "total_ms":
            sums = _sums({part: tuple(self.column(part)) for part in PARTS})
            return [_unfolded(rest) + sum(parts) for rest, parts in zip(numbers, sums, strict=True)]
        return [None if number == 0 else _unfolded(number - 1) for number in numbers]

    def _numbers(self, deflated: bytes) -> list[int]:
        return _read_varints(zlib.decompress(deflated, -zlib.MAX_WBITS), self.count, 0)[0]


def _deflated(content: bytes) -> bytes:
    tries = []
    for strategy in STRATEGIES:
        deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS, 9, strategy)
        tries.append(deflate.compress(content) + deflate.flush())
    return min(tries, key=len)


def _folded(number: int) -> int:
    """0, -1, 1, -2, … as 0, 1, 2, 3, …"""
    return number * 2 if number >= 0 else -number * 2 - 1


def _unfolded(number: int) -> int:
    return number // 2 if number % 2 == 0 else -(number // 2) - 1


def _varints(numbers: Iterable[int]) -> bytes:
    """Seven bits a byte, the lowest first; the eighth says that another byte follows."""
    content = bytearray()
    for number in numbers:
        while number > 127:
            content.append(number & 127 | 128)
            number >>= 7  # noqa: PLW2901 - shorter than a name for what is left
        content.append(number)
    return bytes(content)


def _read_varints(content: bytes, count: int, at: int) -> tuple[list[int], int]:
    """So many numbers from this place on, and the place after them."""
    numbers = []
    for _ in range(count):
        byte = content[at]
        at += 1
        number, shift = byte & 127, 7
        while byte > 127:
            byte = content[at]
            at += 1
            number |= (byte & 127) << shift
            shift += 7
        numbers.append(number)
    return numbers, at
