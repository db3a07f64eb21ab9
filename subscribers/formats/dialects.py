"""Markdown as staff write it, in the dialect of each vendor: read once into runs, then wrapped and escaped.

A run is a piece of one line in one style. No vendor's syntax for lists or
headings is used, as each knows them a little differently: bullets are signs.
A text is cut between runs or at a word of one, so no mark is ever left open.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from urllib.parse import urlsplit

from markdown_it.token import Token

from incidents.markdown import PARSER

BREAK = "\u200b"  # zero width: what is taken apart by it reads the same and is no command any more
CUT = "…"
MOST_READ = 12_000  # characters: more than any vendor gets of one text
LOOKS_LIKE_ADDRESS = re.compile(r"://|^www\.|^[\w-]+(\.[\w-]+)+(/|$)", re.IGNORECASE)
CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufffe\uffff\ud800-\udfff]"
)


@dataclass(frozen=True, slots=True)
class Run:
    """Text in one style. A line's end is a run of its own: a single newline."""

    text: str
    strong: bool = False
    em: bool = False
    strike: bool = False
    code: bool = False
    url: str = ""

    @property
    def is_end(self) -> bool:
        """True for the end of a line."""
        return self.text == "\n"


END = Run("\n")


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a vendor marks a run. `code` and `link` get text as it is; the others get it escaped."""

    escape: Callable[[str], str]
    strong: tuple[str, str]
    em: tuple[str, str]
    strike: tuple[str, str]
    code: Callable[[str], str]
    link: Callable[[str, str], str]
    measure: Callable[[str], int] = field(default=len)

    def written(self, run: Run) -> str:
        """The run with its marks."""
        if run.is_end or not run.text.strip():
            return run.text
        body = run.text.strip()
        before, _, after = run.text.partition(body)
        if run.code:
            inner = self.code(body)
        elif run.url:
            inner = self.link(body, run.url)
        else:
            inner = self.escape(body)
        for is_on, (start, end) in (
            (run.strike, self.strike),
            (run.em, self.em),
            (run.strong, self.strong),
        ):
            if is_on and not run.code:
                inner = f"{start}{inner}{end}"
        return f"{before}{inner}{after}"

    def joined(self, runs: Iterable[Run]) -> str:
        """All of them."""
        return "".join(self.written(run) for run in runs)

    def fitted(self, runs: Sequence[Run], most: int) -> str:
        """As many of them as have room, the last one cut at a word."""
        whole = self.joined(runs)
        if self.measure(whole) <= most:
            return whole
        return self.joined(cut(runs, most, lambda run: self.measure(self.written(run))))

    def plain(self, text: str, most: int) -> str:
        """One line of plain words, escaped."""
        return self.fitted([Run(one_line(text))], most)

    def plain_lines(self, of: Iterable[str], most: int) -> str:
        """Lines of plain words, escaped."""
        found = [run for line in of for run in (END, Run(one_line(line)))]
        return self.fitted(found[1:], most)


def cut(runs: Sequence[Run], most: int, size: Callable[[Run], int]) -> list[Run]:
    """The first of these that have room together, then the sign that more was said."""
    left, kept = most - size(Run(CUT)), []
    for run in runs:
        needed = size(run)
        if needed > left:
            kept.append(_shortened(run, left, size))
            break
        kept.append(run)
        left -= needed
    else:
        return kept
    while kept and not kept[-1].text.strip():
        kept.pop()
    return [*kept, Run(CUT)]


def _shortened(run: Run, left: int, size: Callable[[Run], int]) -> Run:
    """The longest beginning of a run that has room, at a word if it has several."""
    low, high = 0, len(run.text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (
            (middle, high) if size(replace(run, text=run.text[:middle])) <= left else (low, middle - 1)
        )
    text = run.text[:low]
    at_word = text.rpartition(" ")[0]
    return replace(run, text=(at_word or text).rstrip())


def clipped(text: str, most: int) -> str:
    """Plain words on one line, at most this many UTF-16 units, cut at a word."""
    return "".join(run.text for run in _clip(one_line(text), most))


def _clip(text: str, most: int) -> list[Run]:
    return [Run(text)] if units(text) <= most else cut([Run(text)], most, lambda run: units(run.text))


def one_line(text: str) -> str:
    """Without line breaks, control characters and signs that turn the direction of what follows."""
    return " ".join(CONTROL.sub("", text[:MOST_READ].replace("\n", " ")).split())


def units(text: str) -> int:
    """Its length as JavaScript and Telegram count it: an emoji is two."""
    return len(text.encode("utf-16-le", "replace")) // 2


def silenced(text: str) -> str:
    """No @name, @here or @everyone is left of it."""
    return text.replace("@", f"@{BREAK}")


def tame(text: str) -> str:
    """For places that know no escape: no @name and no <command> is left of it."""
    return silenced(text).replace("<", f"<{BREAK}")


def safe_url(url: str) -> str:
    """The address if it may stand in a message, with all that could end a link encoded; else nothing."""
    if not url.lower().startswith(("http://", "https://", "mailto:")):
        return ""
    for sign in '()<>"|`\\*_~ @' if not url.lower().startswith("mailto:") else '()<>"|`\\*_~ ':
        url = url.replace(sign, f"%{ord(sign):02X}")
    return CONTROL.sub("", url)


# Reading


def runs(markdown: str) -> list[Run]:
    """The text in runs, paragraphs a blank line apart."""
    text = CONTROL.sub("", markdown[:MOST_READ].replace("\r\n", "\n").replace("\r", "\n"))
    return _tidy(_blocks(PARSER.parse(text)))


def _blocks(tokens: Sequence[Token]) -> Iterator[Run]:
    reader = _Blocks()
    for token in tokens:
        yield from getattr(reader, token.type, _nothing)(token)


def _nothing(_: Token) -> Iterable[Run]:
    return ()


class _Blocks:
    """What each block of Markdown adds: methods are named after the parser's tokens."""

    def __init__(self) -> None:
        self.lists: list[int | None] = []  # the next number of each open list; None for bullets
        self.prefix = ""
        self.is_strong = False
        self.cells: int | None = None  # of the table's row; None outside of one

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
        sign = "• " if number is None else f"{number}. "
        self.prefix = "\u2003" * (len(self.lists) - 1) + sign
        return ()

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
    label: list[str] = []
    for token in tokens:
        kind = token.type
        if kind in ("softbreak", "hardbreak"):
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
            yield from _honest("".join(label), style)
            style = replace(style, url="")
        elif token.content:
            label.append(token.content)
            if not style.url:
                yield replace(style, text=token.content, code=kind == "code_inline")


def _honest(label: str, style: Run) -> Iterator[Run]:
    """A link as a run. A label that looks like another address than it leads to shows both."""
    target = safe_url(style.url)
    label = " ".join(label.split()) or style.url
    if not target:
        yield replace(style, text=label, url="")
    elif LOOKS_LIKE_ADDRESS.search(label) and label.rstrip("/") != style.url.rstrip("/"):
        yield replace(style, text=f"{label} → ", url="")
        yield replace(style, text=urlsplit(target).hostname or target, url=target)
    else:
        yield replace(style, text=label, url=target)


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


def lines(of: Sequence[Run]) -> list[list[Run]]:
    """The runs line by line, for vendors that want each by itself; blank ones are left out."""
    ends = [-1, *(place for place, run in enumerate(of) if run.is_end), len(of)]
    found = [list(of[start + 1 : end]) for start, end in pairwise(ends)]
    return [line for line in found if any(run.text.strip() for run in line)]


# The dialects


def _between(sign: str, broken: str) -> Callable[[str], str]:
    """Text between two signs, with the sign itself taken out of it."""
    return lambda text: f"{sign}{text.replace(sign, broken)}{sign}"


def _escape_entities(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


SLACK_TWINS = str.maketrans("*_~`", "∗ˍ∼ˋ")  # mrkdwn knows no escape for these
SLACK_MARKS = re.compile(r"(?<!\w)[*_~`]+|[*_~`]+(?!\w)")


def _escape_slack(text: str) -> str:
    """docs.slack.dev: escape &, < and >. Marks inside words do nothing, at their edges they get a twin."""
    twins = SLACK_MARKS.sub(lambda found: found.group().translate(SLACK_TWINS), text)
    return _escape_entities(silenced(twins))


SLACK = Dialect(
    _escape_slack,
    strong=("*", "*"),
    em=("_", "_"),
    strike=("~", "~"),
    code=lambda text: f"`{_escape_entities(silenced(text.replace('`', 'ˋ')))}`",
    link=lambda text, url: f"<{_escape_entities(url)}|{_escape_slack(text).replace('|', '¦')}>",
    measure=units,
)

MARKDOWN_MARKS = re.compile(r"([\\*_~`|\[\]()])")
AT_START = re.compile(r"^(\s*)([-+#>])")


def _escape_markdown(text: str) -> str:
    """What both read as an escape; "<" is taken apart, as Mattermost knows no backslash before it."""
    escaped = AT_START.sub(r"\1\\\2", MARKDOWN_MARKS.sub(r"\\\1", text))
    return tame(escaped)


def _markdown_link(text: str, url: str) -> str:
    return f"<{url}>" if text == url else f"[{_escape_markdown(text)}]({url})"


MARKDOWN = Dialect(  # Discord and Mattermost
    _escape_markdown,
    strong=("**", "**"),
    em=("*", "*"),
    strike=("~~", "~~"),
    code=lambda text: silenced(_between("`", "ˋ")(text)),
    link=_markdown_link,
    measure=units,
)


def _escape_html(text: str) -> str:
    return _escape_entities(silenced(text)).replace('"', "&quot;")


def visible_units(html: str) -> int:
    """How long a text is once its tags and entities are read, which is what Telegram counts."""
    bare = re.sub(r"<[^>]*>", "", html)
    return units(re.sub(r"&(amp|lt|gt|quot);", "x", bare))


def _html_link(text: str, url: str) -> str:
    return f'<a href="{_escape_entities(url)}">{_escape_html(text)}</a>'


TELEGRAM = Dialect(
    _escape_html,
    strong=("<b>", "</b>"),
    em=("<i>", "</i>"),
    strike=("<s>", "</s>"),
    code=lambda text: f"<code>{_escape_html(text)}</code>",
    link=_html_link,
    measure=visible_units,
)
GOOGLE_CHAT = Dialect(
    _escape_html,
    strong=("<b>", "</b>"),
    em=("<i>", "</i>"),
    strike=("<s>", "</s>"),
    code=_escape_html,
    link=_html_link,
    measure=lambda text: len(text.replace("\n", "<br>").encode()),
)
