"""Mail headers that every client decodes to the exact text (RFC 2047, RFC 5322).

Python folds a line between encoded words and words that are not, and loses spaces there. So a text
that needs encoding is encoded whole, its spaces too, and cut between characters as people see them.
"""

import base64
import re
import textwrap
import unicodedata
from collections.abc import Iterator
from email.headerregistry import Address

MAX_LINE = 78  # RFC 5322, section 2.1.1; with an encoded word 76 (RFC 2047, section 2)
MAX_ENCODED_LINE = 76
BEGIN, END = "=?utf-8?b?", "?="
JOINER = "\u200d"
PLAIN_NAME = re.compile(r"[A-Za-z0-9 !#$%&'*+/=?^_`{|}~-]+")


def unstructured(name: str, text: str) -> str:
    """The header `name: text`, folded, without its last line end."""
    lines = _plain_lines(f"{name}: {text}")
    return "\r\n ".join(lines or [f"{name}: {_encoded(text, len(name) + 2)}"])


def mailbox(name: str, address: Address) -> str:
    """The header of one address with its display name."""
    shown, spec = address.display_name, f"<{address.addr_spec}>"
    if not shown:
        return f"{name}: {address.addr_spec}"
    quoted = shown if PLAIN_NAME.fullmatch(shown) else '"' + re.sub(r'(["\\])', r"\\\1", shown) + '"'
    if _is_plain(shown) and len(f"{name}: {quoted}") <= MAX_LINE:
        words = f"{name}: {quoted}"
    else:
        words = f"{name}: {_encoded(shown, len(name) + 2)}"
    is_short = len(words.rpartition("\n")[2]) + 1 + len(spec) <= MAX_ENCODED_LINE
    return f"{words} {spec}" if is_short else f"{words}\r\n {spec}"


def encoded(text: str) -> str:
    """The text as encoded words on one line, for a header that Python parses."""
    return _encoded(text, 0).replace("\r\n", "")


def _plain_lines(line: str) -> list[str]:
    """The folded lines of a header that needs no encoding; empty if it does."""
    if not _is_plain(line) or "  " in line or line != line.strip():
        return []
    lines = textwrap.wrap(line, MAX_LINE - 1, break_long_words=False, break_on_hyphens=False)
    return lines if all(len(part) < MAX_LINE for part in lines) and " " in lines[0].rstrip() else []


def _is_plain(text: str) -> bool:
    """Whether it is printable ASCII that cannot be read as an encoded word."""
    return text.isascii() and text.isprintable() and "=?" not in text


def _encoded(text: str, indent: int) -> str:
    """Encoded words of at most 75 characters, one per line, the first after `indent` characters."""
    words: list[bytes] = []
    word = b""
    for piece in _clusters(text):
        room = MAX_ENCODED_LINE - len(BEGIN) - len(END) - (1 if words else max(1, indent))
        raw = piece.encode(errors="replace")
        if word and len(word) + len(raw) > room // 4 * 3:
            words.append(word)
            word = b""
        word += raw
    words.append(word)
    return "\r\n ".join(f"{BEGIN}{base64.b64encode(word).decode()}{END}" for word in words)


def _clusters(text: str) -> Iterator[str]:
    """Grapheme clusters: a letter with its marks, an emoji with its joined parts.

    A cluster of more than MAX_CLUSTER bytes is cut between its marks.
    """
    cluster = ""
    for char in text:
        is_flag_end = _is_flag(char) and len(cluster) == 1 and _is_flag(cluster)
        joins = _extends(char) or cluster.endswith(JOINER) or is_flag_end
        if cluster and (not joins or len((cluster + char).encode(errors="replace")) > MAX_CLUSTER):
            yield cluster
            cluster = ""
        cluster += char
    if cluster:
        yield cluster


MAX_CLUSTER = 36  # bytes: fits the first word beside "Subject: "


def _extends(char: str) -> bool:
    """Whether it belongs to the character before it: a mark, joiner, variation selector or skin tone."""
    return (
        char == JOINER or unicodedata.category(char).startswith("M") or "\U0001f3fb" <= char <= "\U0001f3ff"
    )


def _is_flag(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"
