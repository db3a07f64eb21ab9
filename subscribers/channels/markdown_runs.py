"""Markdown as runs of text in one style.

No vendor's syntax for lists or headings is used, as they differ slightly: bullets
are characters. A link shows where it leads.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from urllib.parse import unquote, urlsplit

from markdown_it.token import Token

from incidents.markdown import PARSER
from subscribers.channels.text_runs import CONTROL, END, MAX_READ, Run, without_breaks

LOOKS_LIKE_ADDRESS = re.compile(r"://|^www\.|^[\w-]+(\.[\w-]+)+(/|$)", re.IGNORECASE)

# text that readers copy: mail addresses, and URLs that chats do not link (ftp://, ssh://)
LITERAL = re.compile(r"(?<![\w.+%@/-])(?:[\w.+%-]+@[\w-]+(?:\.[\w-]+)+|[a-z][a-z0-9+.-]*://[^\s<>|`\"]+)")
QUOTED, WITHIN = "> ", "\u2003"
UNSAFE = re.compile(r"[\s<>|`\"]")


def runs(markdown: str) -> list[Run]:
    """The text in runs, paragraphs a blank line apart."""
    text = CONTROL.sub("", without_breaks(markdown[:MAX_READ].replace("\r\n", "\n").replace("\r", "\n")))
    return _tidy(_blocks(PARSER.parse(text)))


def _blocks(tokens: Sequence[Token]) -> Iterator[Run]:
    reader, is_fresh = _Blocks(), True
    for token in tokens:
        for run in getattr(reader, token.type, _nothing)(token):
            if is_fresh and not run.is_end:
                yield Run(reader.lead(is_code=run.code))
            yield run
            is_fresh = run.is_end


def _nothing(_: Token) -> Iterable[Run]:
    return ()


class _Blocks:
    """The runs of each Markdown block; methods are named after the parser's tokens."""

    def __init__(self) -> None:
        self.lists: list[int | None] = []  # the next number of each open list; None for bullets
        # what each line begins with: QUOTED, WITHIN, or an item's bullet until it is used
        self.around: list[str] = []
        self.prefix = ""
        self.is_strong = False
        self.cells: int | None = None  # of the table's row; None outside of one

    def lead(self, *, is_code: bool) -> str:
        """The prefix of a line: quotation marks, and the bullet or indentation of its item.

        Code is copied by readers, so its lines are not indented.
        """
        signs = [sign for sign in self.around if not (is_code and sign == WITHIN)]
        self.around = [sign if sign == QUOTED else WITHIN for sign in self.around]
        return "".join(signs)

    def blockquote_open(self, _: Token) -> Iterable[Run]:
        self.around.append(QUOTED)  # as in mails: quoted text is marked on each line
        return ()

    def blockquote_close(self, _: Token) -> Iterable[Run]:
        self.around.pop()
        return ()

    def bullet_list_open(self, _: Token) -> Iterable[Run]:
        self.lists.append(None)
        return ()

    def ordered_list_open(self, token: Token) -> Iterable[Run]:
        self.lists.append(int(token.attrs.get("start", 1)))
        return ()

    def bullet_list_close(self, _: Token) -> Iterable[Run]:
        self.lists.pop()
        return () if self.lists else (END,)

    ordered_list_close = bullet_list_close

    def list_item_open(self, _: Token) -> Iterable[Run]:
        number = self.lists[-1]
        self.lists[-1] = number + 1 if number is not None else None
        self.around.append("• " if number is None else f"{number}. ")
        return ()

    def list_item_close(self, _: Token) -> Iterable[Run]:
        """Yield the bullet of an item without text."""
        if self.around[-1] != WITHIN:
            yield from (Run(""), END)
        self.around.pop()

    def heading_open(self, _: Token) -> Iterable[Run]:
        self.is_strong = True
        return ()

    def heading_close(self, _: Token) -> Iterable[Run]:
        self.is_strong = False
        return END, END

    def th_open(self, _: Token) -> Iterable[Run]:
        self.is_strong = True
        return self.td_open(_)

    def td_open(self, _: Token) -> Iterable[Run]:
        self.cells = (self.cells or 0) + 1
        self.prefix = " | " if self.cells > 1 else ""
        return ()

    def tr_close(self, _: Token) -> Iterable[Run]:
        self.cells, self.is_strong = None, False
        return (END,)

    def table_close(self, _: Token) -> Iterable[Run]:
        return (END,)

    def inline(self, token: Token) -> Iterable[Run]:
        if self.prefix:
            yield Run(self.prefix)
        self.prefix = ""
        for run in _inline(token.children or ()):
            yield replace(run, strong=True) if self.is_strong and not run.is_end else run

    def paragraph_close(self, _: Token) -> Iterable[Run]:
        return (END,) if self.lists else (END, END)

    def fence(self, token: Token) -> Iterable[Run]:
        for line in token.content.rstrip("\n").split("\n"):
            yield from (Run(line, code=True), END)
        yield END

    code_block = fence

    def hr(self, _: Token) -> Iterable[Run]:
        return Run("———"), END, END


def _inline(tokens: Iterable[Token]) -> Iterator[Run]:
    style = Run("")
    label: list[str] | None = None  # within a link: its label so far
    for token in tokens:
        kind = token.type
        if kind in ("softbreak", "hardbreak") and label is not None:
            label.append(" ")
        elif kind in ("softbreak", "hardbreak"):
            yield END
        elif kind in ("strong_open", "strong_close"):
            style = replace(style, strong=kind.endswith("open"))
        elif kind in ("em_open", "em_close"):
            style = replace(style, em=kind.endswith("open"))
        elif kind in ("s_open", "s_close"):
            style = replace(style, strike=kind.endswith("open"))
        elif kind == "link_open":
            style, label = replace(style, url=str(token.attrs.get("href", ""))), []
        elif kind == "link_close":
            yield from _link_runs("".join(label or ()), style)
            style, label = replace(style, url=""), None
        elif token.content and label is not None:
            label.append(token.content)
        elif token.content and kind == "code_inline":
            yield replace(style, text=token.content, code=True)
        elif token.content:
            yield from _with_literals(token.content, style)


def _with_literals(text: str, style: Run) -> Iterator[Run]:
    """The text with mail addresses and unlinked URLs as literal runs, which readers copy."""
    end = 0
    for match in LITERAL.finditer(text):
        yield replace(style, text=text[end : match.start()])
        yield replace(style, text=match.group(), is_literal=True)
        end = match.end()
    yield replace(style, text=text[end:])


def _link_runs(label: str, style: Run) -> Iterator[Run]:
    """A link as runs. If its label looks like another address than its target, both are shown."""
    target = safe_url(style.url)
    label = " ".join(label.split()) or style.url
    if style.url.lower().startswith("mailto:"):  # Discord and Telegram do not link it
        mail = unquote(style.url[len("mailto:") :].partition("?")[0])
        words = f"{label} (" if label != mail else ""
        yield from (replace(style, text=words, url=""), replace(style, text=mail, url="", is_literal=True))
        yield replace(style, text=")" if words else "", url="")
    elif not target:
        yield replace(style, text=label, url="")
    elif label in (style.url, style.url.removeprefix("http://")) and not UNSAFE.search(style.url):
        yield replace(style, text=style.url, url=style.url)
    elif LOOKS_LIKE_ADDRESS.search(label) and label.rstrip("/") != style.url.rstrip("/"):
        yield replace(style, text=f"{label} → ", url="")
        yield replace(style, text=urlsplit(target).hostname or target, url=target)
    else:
        yield replace(style, text=label, url=target)


def safe_url(url: str) -> str:
    """The URL with characters encoded that could end a link; empty unless it is http or https."""
    if not url.lower().startswith(("http://", "https://")):
        return ""
    for sign in '()<>"|`\\*_~ @':
        url = url.replace(sign, f"%{ord(sign):02X}")
    return CONTROL.sub("", url)


def _tidy(raw_runs: Iterable[Run]) -> list[Run]:
    """Merge neighbours of one style; at most one blank line in a row, and none at the ends."""
    tidied: list[Run] = []
    for run in raw_runs:
        if run.is_end and (not tidied or (len(tidied) > 1 and tidied[-1].is_end and tidied[-2].is_end)):
            continue
        if tidied and not run.is_end and not tidied[-1].is_end and replace(tidied[-1], text=run.text) == run:
            tidied[-1] = replace(run, text=tidied[-1].text + run.text)
        elif run.text:
            tidied.append(run)
    while tidied and tidied[-1].is_end:
        tidied.pop()
    return tidied
