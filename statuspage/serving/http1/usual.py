"""The usual GET without a body, read in a few passes over its bytes instead of header by header.

Anything that is not plain is left to `head.parse`, which decides what it means or refuses it. What is
read here means the same there: `test_usual.py` holds the two against each other.
"""

import re

from statuspage.serving.http1.application import Asked
from statuspage.serving.http1.head import END, HOST, MAX_HEADERS

MAX_BYTES = 4 * 1024  # below the limits of a line and of a head
CONTROLS = bytes([*range(9), *range(10, 32), 127])  # what no line may have, CR and LF included
TEXT = bytes(byte for byte in range(256) if byte not in CONTROLS)
# no percents, fragments or bytes beyond ASCII, whose reading takes care
LINE = re.compile(rb"(GET|HEAD) (/[!$&-;=@-Z_a-z~]*)(?:\?([!$-~]*))? HTTP/1\.1\r\n")
# in lower case: a line that is no header (or empty), or one that decides about the body or the connection
UNUSUAL = re.compile(
    rb"\r\n(?:(?![!#$%&'*+\-.^_`|~0-9a-z]++:)|content-length:|transfer-encoding:|expect:"
    rb"|connection:(?![ \t]*+keep-alive[ \t]*+\r))"
)
PERSONAL = (b"\r\ncookie:", b"\r\nauthorization:")


def read(block: bytes) -> Asked | None:
    """What these bytes ask, if they are one whole usual request; None otherwise."""
    if len(block) > MAX_BYTES or not block.endswith(END):
        return None
    line = LINE.match(block)
    lines = block.count(b"\r\n")
    if line is None or lines > MAX_HEADERS or len(block.translate(None, TEXT)) != 2 * lines:
        return None
    low = block.lower()
    if UNUSUAL.search(low, line.end() - 2, len(block) - 3) or low.count(b"\r\nhost:") != 1:
        return None
    host = _last(block, low, b"\r\nhost:")
    if HOST.fullmatch(host) is None or b".." in host:
        return None
    method, path, query = line.groups(b"")
    return Asked(
        method.decode(), path.decode(), query,
        _last(block, low, b"\r\naccept-encoding:"), _last(block, low, b"\r\nif-none-match:"),
    )  # fmt: skip


def _last(block: bytes, low: bytes, name: bytes) -> bytes:
    """The value of the last header of this name; empty without one."""
    start = low.rfind(name)
    if start < 0:
        return b""
    start += len(name)
    return block[start : block.find(b"\r\n", start)].strip(b" \t")


def is_personal(block: bytes) -> bool:
    """Whether the request says who asks."""
    low = block.lower()
    return any(name in low for name in PERSONAL)
