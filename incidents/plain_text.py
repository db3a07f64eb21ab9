"""Markdown as plain text, for mails.

It is read from the HTML that everyone else is shown, so the two cannot say different things.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import unquote

from incidents.markdown import to_html

BLOCKS = {"p", "h3", "h4", "pre", "blockquote", "ul", "ol", "li", "table", "tr", "th", "td"}
CELLS = {"th", "td"}
# struck out is no emphasis: without a sign it would say the opposite
SIGNS = {"br": "\n", "s": "~~"}
SPACE = re.compile(r"[ \t\n\r\f]+")  # what HTML shows as one space; a no-break space is none of them


def to_plain(text: str) -> str:
    """The text in lines, paragraphs a blank line apart. The caller escapes it."""
    reader = _Reader()
    reader.feed(to_html(text))
    reader.close()
    # "-- " alone on a line would end the mail (RFC 3676, section 4.3)
    return "\n".join(line.rstrip() for line in reader.whole().split("\n"))


@dataclass(slots=True)
class _Block:
    """A block element: its parts so far, and text that is in no inner block.

    `number` is that of its next item. `is_wide`: a blank line stands between what is in it.
    """

    tag: str
    number: int = 1
    is_wide: bool = False
    parts: list[str] = field(default_factory=list)
    words: str = ""

    def settle(self) -> None:
        """End the current text: what follows begins on a new line."""
        if self.tag == "pre":
            words = self.words.strip("\n")
        else:
            words = "\n".join(line.strip(" ") for line in self.words.split("\n")).strip("\n")
        if words:
            self.parts.append(words)
        self.words = ""

    @property
    def joined(self) -> str:
        return ("\n\n" if self.is_wide else "\n").join(self.parts)


class _Reader(HTMLParser):
    """Reads the output of `to_html` only, in which every tag is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open = [_Block("", is_wide=True)]
        self.href, self.label_at = "", 0
        self.is_exact = False  # within code, whose spaces are kept

    def whole(self) -> str:
        """The whole text."""
        self.open[0].settle()
        return self.open[0].joined

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        block = self.open[-1]
        if tag == "a":
            self.href, self.label_at = dict(attrs).get("href") or "", len(block.words)
        elif tag == "hr":
            block.settle()
            block.parts.append("---")
        elif tag in BLOCKS:
            block.settle()
            number = int(dict(attrs).get("start") or 1)
            self.open.append(_Block(tag, number, is_wide=tag == "blockquote"))
        else:
            self.is_exact |= tag == "code"
            block.words += SIGNS.get(tag, "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "a":
            self._lead()
        elif tag in BLOCKS:
            self._close()
        elif tag == "s":
            self.open[-1].words += SIGNS[tag]
        elif tag == "code":
            self.is_exact = False

    def handle_data(self, data: str) -> None:
        block = self.open[-1]
        block.words += data if self.is_exact or block.tag == "pre" else SPACE.sub(" ", data)

    def _lead(self) -> None:
        """Add a link's address after its text, unless the text shows it already."""
        block, address = self.open[-1], _usable(self.href)
        label = block.words[self.label_at :].strip()
        if not label:
            block.words += address
        elif address and unquote(label).rstrip("/") not in _spellings(address):
            block.words = f"{block.words.rstrip()} ({address})"

    def _close(self) -> None:
        block, around = self.open.pop(), self.open[-1]
        block.settle()
        text = SHAPES.get(block.tag, _as_it_is)(block, around)
        if text or block.tag in CELLS:
            around.parts.append(text)
        if around.tag == "li":
            around.is_wide |= block.tag == "p"


def _usable(href: str) -> str:
    """The address as a person would type it; empty for an anchor on the same page."""
    if href.lower().startswith("mailto:"):
        return unquote(href[len("mailto:") :].partition("?")[0])
    return "" if href.startswith("#") else href


def _spellings(address: str) -> tuple[str, ...]:
    """The link texts that already show this address: in full, or without a scheme that is understood."""
    whole = unquote(address).rstrip("/")
    return whole, whole.removeprefix("http://"), f"mailto:{whole}"


def _as_it_is(block: _Block, _: _Block) -> str:
    return block.joined


def _item(block: _Block, around: _Block) -> str:
    """A list item after its bullet or number; a wide item makes its list wide."""
    sign = f"{around.number}. " if around.tag == "ol" else "- "
    around.number += 1
    around.is_wide |= block.is_wide
    return sign + block.joined.replace("\n", "\n" + " " * len(sign))


def _quote(block: _Block, _: _Block) -> str:
    return "> " + block.joined.replace("\n", "\n> ")


def _row(block: _Block, _: _Block) -> str:
    return " | ".join(block.parts)


SHAPES: dict[str, Callable[[_Block, _Block], str]] = {"li": _item, "blockquote": _quote, "tr": _row}
