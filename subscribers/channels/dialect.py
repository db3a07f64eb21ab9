"""A dialect: how a run of text is marked, what is escaped, and how length is counted.

Each vendor has one; here is what several share.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from subscribers.channels.text_runs import END, Run, cut, one_line, silenced, tame, units, without_inner_marks


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a vendor marks a run. `code` and `link` get text as it is; the others get it escaped."""

    escape: Callable[[str], str]
    strong: tuple[str, str]
    em: tuple[str, str]
    strike: tuple[str, str]
    code: Callable[[str], str]
    link: Callable[[str, str], str]
    literal: Callable[[str], str] = field(default=str)  # an address of a mail, as it is
    measure: Callable[[str], int] = field(default=len)
    marks_in_words: bool = True  # else a mark within a word is shown as its sign
    strikes_code: bool = True

    def joined(self, runs: Iterable[Run]) -> str:
        """The runs with marks. Marks shared by neighbours stay open: closed and reopened they would clash."""
        run_list = list(runs) if self.marks_in_words else without_inner_marks(runs)
        written, is_open, gap = [], list[str](), ""
        for place, run in enumerate(run_list):
            wanted = self._wanted(run)
            kept_open = next((at for at, mark in enumerate(is_open) if mark not in wanted), len(is_open))
            written += [self.marks[mark][1] for mark in reversed(is_open[kept_open:])]
            del is_open[kept_open:]
            before, body, after = _parted(run)
            written.append(gap + before)
            gap = after
            if body:
                fresh = [mark for mark in wanted if mark not in is_open]
                fresh.sort(key=lambda mark: -_lasts(run_list[place:], mark))
                is_open += fresh
                written += [*(self.marks[mark][0] for mark in fresh), self._inner(run, body)]
        return "".join([*written, *(self.marks[mark][1] for mark in reversed(is_open)), gap])

    @property
    def marks(self) -> dict[str, tuple[str, str]]:
        """The (opening, closing) marks by attribute of a run, the outermost first."""
        return {"strong": self.strong, "em": self.em, "strike": self.strike}

    def _wanted(self, run: Run) -> list[str]:
        if run.code:
            return ["strike"] if run.strike and self.strikes_code else []
        return [mark for mark in self.marks if getattr(run, mark)]

    def _inner(self, run: Run, body: str) -> str:
        if run.code:
            code = self.code(body)
            return code if self.strikes_code or not run.strike else f"~~{code}~~"
        if run.url:
            return self.link(body, run.url)
        return self.literal(body) if run.is_literal else self.escape(body)

    def fitted(self, runs: Sequence[Run], most: int) -> str:
        """As many runs as fit into `most` (by `measure`), the last one cut at a word."""
        whole = self.joined(runs)
        if self.measure(whole) <= most:
            return whole
        return self.joined(cut(runs, most, lambda run: self.measure(self.joined([run]))))

    def plain(self, text: str, most: int) -> str:
        """Plain text on one line, escaped."""
        return self.fitted([Run(one_line(text))], most)

    def plain_lines(self, of: Iterable[str], most: int) -> str:
        """Lines of plain text, escaped."""
        runs = [run for line in of for run in (END, Run(one_line(line)))]
        return self.fitted(runs[1:], most)


def _parted(run: Run) -> tuple[str, str, str]:
    """(space before, text to be marked, space after)."""
    # leading space belongs to code; outside of marks, four spaces would start a code block
    body = run.text.rstrip() if run.code else run.text.strip()
    return run.text.partition(body) if body else (run.text, "", "")


def _lasts(runs: Sequence[Run], mark: str) -> int:
    """How many of these have the mark, from the first on: longer ones go around shorter ones."""
    return next((place for place, run in enumerate(runs) if not getattr(run, mark)), len(runs))


def escape_entities(text: str) -> str:
    """Text with &, < and > escaped, as for HTML and mrkdwn."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


MARKDOWN_MARKS = re.compile(r"([\\*_~`|\[\]()])")
AT_START = re.compile(r"^(\s*)([-+#>=])")


def _escape_markdown(text: str) -> str:
    """Escaped for both. "<" is broken up instead, as Mattermost does not escape it with a backslash."""
    escaped = AT_START.sub(r"\1\\\2", MARKDOWN_MARKS.sub(r"\\\1", text))
    return tame(escaped)


def _markdown_link(text: str, url: str) -> str:
    return f"<{url}>" if text == url else f"[{_escape_markdown(text)}]({url})"


def _markdown_code(text: str) -> str:
    """Inline code; text with backticks is put between longer ones (CommonMark, section 6.1)."""
    sign = "`" * (max(map(len, re.findall("`+", text)), default=0) + 1)
    gap = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{sign}{gap}{text}{gap}{sign}"


MARKDOWN = Dialect(  # Discord and Mattermost
    _escape_markdown,
    strong=("**", "**"),
    em=("*", "*"),
    strike=("~~", "~~"),
    code=_markdown_code,
    link=_markdown_link,
    measure=units,
)


def escape_html(text: str) -> str:
    """Text for a vendor that reads a little HTML, without mentions."""
    return escape_entities(silenced(text)).replace('"', "&quot;")


def exactly(text: str) -> str:
    """Code and addresses, escaped for HTML but otherwise unchanged."""
    return escape_entities(text).replace('"', "&quot;")


def html_link(text: str, url: str) -> str:
    """A link in HTML."""
    words = exactly(text) if text == url else escape_html(text)
    return f'<a href="{exactly(url)}">{words}</a>'
