"""Recognises a picture by its first bytes (PNG, JPEG, WebP) and reads its size.

A logo is never decoded here: browsers do that, and it is served under the type that its own bytes
name, with `nosniff`. SVG is refused: it is a document that may hold scripts and addresses of others.
"""

import re
import struct
from dataclasses import dataclass

MAX_BYTES = 64 * 1024  # it stands on every page, and the whole of a first visit is to stay small
HEAVY_BYTES = 10 * 1024  # what a page of up to 20 kB leaves of the 30 kB of a first visit
MAX_PIXELS = 2_000  # in either direction
WIDEST = 10  # times as wide as it is high
HEIGHT = 32  # pixels that a logo is shown in
WORDMARK = 1.6  # wider than this many times its height, a logo holds the name itself
NAMED = re.compile(r"-(\d+)x(\d+)\.[a-z]+")  # how the name of a kept picture ends
STARTS = {b"\x89PNG\r\n\x1a\n": "png", b"\xff\xd8\xff": "jpeg"}
FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})  # JPEG: SOF0 to SOF15, which tell the size
BARE = frozenset({0x01, *range(0xD0, 0xD9)})  # JPEG: markers that no length follows


class PictureError(ValueError):
    """It cannot be a logo; the sentence says why, and what to send instead."""


@dataclass(frozen=True, slots=True)
class Shape:
    """`kind` is "png", "jpeg" or "webp"; the size is in pixels."""

    kind: str
    width: int
    height: int


def read(body: bytes) -> Shape:
    """What this file is. Raises PictureError for what cannot stand in the head of a page."""
    if len(body) > MAX_BYTES:
        raise PictureError(
            f"This file is {len(body) / 1024:.0f} kB. It is shown on every page: upload at most"
            f" {MAX_BYTES // 1024} kB; a PNG {2 * HEIGHT} pixels high is enough."
        )
    kind = _kind(body)
    try:
        width, height = SIZES[kind](body)
    except (struct.error, IndexError, ValueError):
        width = height = 0
    if not (0 < width <= MAX_PIXELS and 0 < height <= MAX_PIXELS):
        raise PictureError(
            f"The dimensions of this image cannot be read, or are over {MAX_PIXELS} pixels. Save it again."
        )
    if width > WIDEST * height or height > 2 * width:
        raise PictureError(
            f"This image is {width} by {height} pixels, which would look like a line: crop it."
        )
    return Shape(kind, width, height)


def weight_warning(label: str, size: int) -> str:
    """What to say of a logo that is taken but heavy; empty for a light one. `size` is in bytes."""
    if size <= HEAVY_BYTES:
        return ""
    return (
        f"{label}: {size / 1024:.0f} kB is large. It loads with every page, and a whole first visit should"
        f" stay under 30 kB. A PNG {2 * HEIGHT} pixels high with at most {HEAVY_BYTES // 1024} kB is enough."
    )


def is_wordmark(name: str) -> bool:
    """Whether the picture is so wide that it contains the page's name, which is then not shown beside it."""
    return _ratio(name) > WORDMARK


def shown_width(name: str) -> int:
    """Pixels, when it is HEIGHT high."""
    return round(HEIGHT * _ratio(name))


def _ratio(name: str) -> float:
    """Width by height; 1 if the name does not have them."""
    size = NAMED.search(name)
    return int(size[1]) / int(size[2]) if size else 1.0


def _kind(body: bytes) -> str:
    for start, kind in STARTS.items():
        if body.startswith(start):
            return kind
    if body[:4] == b"RIFF" and body[8:12] == b"WEBP":
        return "webp"
    if b"<svg" in body[:2_000].lower():
        raise PictureError(
            "SVG is not accepted, because it can contain scripts. Save the logo as PNG or WebP."
        )
    raise PictureError("This image cannot be shown. Upload a PNG, JPEG or WebP.")


def _png(body: bytes) -> tuple[int, int]:
    """The header chunk is the first one (PNG specification, section 11.2.1)."""
    if body[12:16] != b"IHDR":
        raise ValueError("header")
    width, height = struct.unpack(">II", body[16:24])
    return width, height


def _jpeg(body: bytes) -> tuple[int, int]:
    """Segment by segment to the frame header (ITU-T T.81, annex B)."""
    at = 2
    while True:
        while body[at] == 0xFF and body[at + 1] == 0xFF:
            at += 1  # fill bytes
        if body[at] != 0xFF:
            raise ValueError("marker")
        marker = body[at + 1]
        if marker in BARE:
            at += 2
            continue
        if marker in FRAMES:
            height, width = struct.unpack(">HH", body[at + 5 : at + 9])
            return width, height
        at += 2 + struct.unpack(">H", body[at + 2 : at + 4])[0]


def _webp(body: bytes) -> tuple[int, int]:
    """By its first chunk (RFC 9649, sections 2.5 to 2.7)."""
    chunk = body[12:16]
    if chunk == b"VP8X":
        return int.from_bytes(body[24:27], "little") + 1, int.from_bytes(body[27:30], "little") + 1
    if chunk == b"VP8L" and body[20] == 0x2F:
        bits = int.from_bytes(body[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if chunk == b"VP8 " and body[23:26] == b"\x9d\x01\x2a":
        width, height = struct.unpack("<HH", body[26:30])
        return width & 0x3FFF, height & 0x3FFF
    raise ValueError("chunk")


SIZES = {"png": _png, "jpeg": _jpeg, "webp": _webp}
