"""A day of checks packed and unpacked: the same rows, in a few bytes each."""

import contextlib
import math
import random

import pytest

from components.packed_checks import COLUMNS, UnreadablePackError, pack, unpack

DAY = 1_760_000_000


def row(slot=DAY, **more):
    values = dict.fromkeys(COLUMNS) | {
        "slot": slot, "region": "local", "outcome": "up", "lag_ms": 3, "total_ms": 20, "address": "192.0.2.1",
        "failure": "", "detail": "", "excerpt": "", "status_code": 200, "family": 4,
    }  # fmt: skip
    return tuple((values | more)[name] for name in COLUMNS)


def real(count, seed=1):
    """What checks of a web server every minute look like: each time is noise of its own."""
    draw = random.Random(seed)

    def time(middle, spread):
        return round(draw.lognormvariate(math.log(middle), spread))

    for number in range(count):
        parts = [time(1.5, 0.6), time(14, 0.15), time(28, 0.15), time(80, 0.25), time(1.5, 0.6)]
        names = ("dns_ms", "connect_ms", "tls_ms", "first_byte_ms", "transfer_ms")
        yield row(
            DAY + 60 * number, total_ms=sum(parts) + draw.choice((-1, 0, 0, 1, 2)), lag_ms=time(18, 0.7),
            days_left=60 if number < 700 else 59, **dict(zip(names, parts, strict=True)),
        )  # fmt: skip


def test_a_day_of_checks_takes_less_than_four_bytes_each_and_comes_back_the_same():
    rows = list(real(1440))
    packed = pack(rows)
    assert unpack(packed) == rows
    assert len(packed) / len(rows) < 4


@pytest.mark.parametrize(
    "rows",
    [
        [row()],
        [row(dns_ms=None), row(DAY + 60, dns_ms=0), row(DAY + 120, dns_ms=-1)],
        [row(), row(DAY + 7), row(DAY + 7, region="far"), row(DAY + 90)],
        [row(slot=0, total_ms=0), row(slot=2**40, total_ms=2**31 - 1, days_left=-(2**31))],
        [row(facts={"value": "0.5"}), row(DAY + 1, facts={"value": 1}), row(DAY + 2, facts={"value": True})],
        [row(facts=1), row(DAY + 1, facts=True), row(DAY + 2, facts=1.0)],
        [row(excerpt="“ü\n\x01😀", facts={"a": [1, {"b": None}]}), row(DAY + 1, detail="x" * 300)],
        [row(connect_ms=5, tls_ms=6, total_ms=4), row(DAY + 1, connect_ms=None, total_ms=400)],
    ],
)  # fmt: skip
def test_odd_rows_come_back_as_they_were(rows):
    again = unpack(pack(rows))
    assert [tuple(map(repr, each)) for each in again] == [tuple(map(repr, each)) for each in rows]


def test_single_columns_are_read_without_the_rest():
    rows = list(real(50))
    assert unpack(pack(rows), ("total_ms", "slot")) == [
        (each[COLUMNS.index("total_ms")], each[0]) for each in rows
    ]


def test_bytes_that_are_no_pack_are_refused_whatever_they_are():
    packed = pack(list(real(100)))
    damaged = [b"", b"\x01", b"\x02" + packed[1:], packed[:-1], packed[: len(packed) // 2], b"\xff" * 50]
    for content in damaged:
        with pytest.raises(UnreadablePackError):
            unpack(content)
    draw = random.Random(7)
    for _ in range(300):
        content = bytearray(packed)
        content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
        with contextlib.suppress(UnreadablePackError):
            unpack(bytes(content))
