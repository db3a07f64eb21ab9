"""Markdown as runs of text in one style.

No vendor's syntax for lists or headings is used, as each knows them a little
differently: bullets are signs. A link says where it leads.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from urllib.parse import unquote, urlsplit

from markdown_it.token import Token

from incidents.markdown import PARSER
from subscribers.channels.text_runs import CONTROL, END, MAX_READ, Run, without_breaks

LOOKS_LIKE_ADDRESS = re.compile(r"://|^www\.|^[\w-]+(\.[\w-]+)+(/|$)", re.IGNORECASE)

# what readers copy: addresses of mails, and of what no chat links to (ftp://, ssh://)
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
    """What each block of Markdown adds: methods are named after the parser's tokens."""

    def __init__(self) -> None:
        self.lists: list[int | None] = []  # the next number of each open list; None for bullets
        self.around: list[
            str
        ] = []  # what each line begins with: QUOTED, WITHIN, or an item's sign until it is said
        self.prefix = ""
        self.is_strong = False
        self.cells: int | None = None  # of the table's row; None outside of one

    def lead(self, *, is_code: bool) -> str:
        """What stands before a line: whose words it is, and the item it belongs to.

        Code is copied: nothing stands before its lines but a sign.
        """
        said = [one for one in self.around if not (is_code and one == WITHIN)]
        self.around = [one if one == QUOTED else WITHIN for one in self.around]
        return "".join(said)

    def blockquote_open(self, _: Token) -> Iterable[Run]:
        self.around.append(QUOTED)  # as in mails: what others said is not ours
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
        """An item without words has its sign at least."""
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
    label: list[str] | None = None  # within a link, which may lead nowhere
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
            yield from _honest("".join(label or ()), style)
            style, label = replace(style, url=""), None
        elif token.content and label is not None:
            label.append(token.content)
        elif token.content and kind == "code_inline":
            yield replace(style, text=token.content, code=True)
        elif token.content:
            yield from _with_literals(token.content, style)


def _with_literals(text: str, style: Run) -> Iterator[Run]:
    """Addresses in running words that are no links, each a run of its own: they are copied."""
    end = 0
    for found in LITERAL.finditer(text):
        yield replace(style, text=text[end : found.start()])
        yield replace(style, text=found.group(), is_literal=True)
        end = found.end()
    yield replace(style, text=text[end:])


def _honest(label: str, style: Run) -> Iterator[Run]:
    """A link as a run. A label that looks like another address than it leads to shows both."""
    target = safe_url(style.url)
    label = " ".join(label.split()) or style.url
    if style.url.lower().startswith("mailto:"):  # no link to Discord and Telegram
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
    """The address if it may stand in a message, with all that could end a link encoded; else nothing."""
    if not url.lower().startswith(("http://", "https://")):
        return ""
    for sign in '()<>"|`\\*_~ @':
        url = url.replace(sign, f"%{ord(sign):02X}")
    return CONTROL.sub("", url)


def _tidy(found: Iterable[Run]) -> list[Run]:
    """Neighbours of one style are one run; never more than one blank line; none at the ends."""
    kept: list[Run] = []
    for run in found:
        if run.is_end and (not kept or (len(kept) > 1 and kept[-1].is_end and kept[-2].is_end)):
            continue
        if kept and not run.is_end and not kept[-1].is_end and replace(kept[-1], text=run.text) == run:
            kept[-1] = replace(run, text=kept[-1].text + run.text)
        elif run.text:
            kept.append(run)
    while kept and kept[-1].is_end:
        kept.pop()
    return kept
