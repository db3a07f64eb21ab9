"""Safe HTML from what staff write.

Markdown is stored as written and made HTML each time it is shown. Raw HTML is
off in the parser already; nh3 then lets only this list through, in case the
parser is wrong.
"""

import re
from datetime import datetime
from html import unescape

import nh3
from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

from incidents import reading_aids, times

TAGS = {
    "a", "blockquote", "br", "code", "em", "hr", "li", "ol", "p", "pre", "s", "strong",
    "table", "tbody", "td", "th", "thead", "tr", "ul", "h3", "h4", "time",
}  # fmt: skip
PARSER = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable(["table", "strikethrough"])


SANITISER = nh3.Cleaner(
    tags=TAGS,
    attributes={
        "a": {"href", "title"},
        "ol": {"start"},
        "time": {"datetime", "data-form", "data-since", "data-bare"},
    },
    url_schemes={"http", "https", "mailto"},
    attribute_filter=lambda tag, name, value: (
        None if (tag, name) == ("a", "href") and reading_aids.leaves(value) else value
    ),
    link_rel="noopener nofollow",
)


def _mark_times(state: StateCore) -> None:
    """Turn clock times in text into `<time>`, if it is known when the text was written.

    Code, addresses and attributes are left alone. The parser takes no HTML, so every
    `<time>` is ours.
    """
    said_at = state.env.get("said_at")
    if said_at is None:
        return
    for block in state.tokens:
        if block.type == "inline" and block.children:
            block.children = [piece for token in block.children for piece in _cut(token, said_at)]


def _cut(token: Token, said_at: datetime) -> list[Token]:
    if token.type != "text":
        return [token]
    html = times.marked(token.content, said_at)
    return [Token("html_inline", "", 0, content=html)] if "<time" in html else [token]


reading_aids.add_to(PARSER)
PARSER.core.ruler.push("times", _mark_times)


def to_html(text: str, said_at: datetime | None = None) -> str:
    """The text as HTML that is safe to print in any page. Headings start at the third level.

    `said_at`: when it was posted; then its clock times become `<time>`.
    """
    html = PARSER.render(text, {"said_at": said_at})
    html = re.sub(r"<(/?)h[12]>", r"<\1h3>", html)
    html = re.sub(r"<(/?)h[56]>", r"<\1h4>", html)
    return SANITISER.clean(html).strip()


def to_text(text: str) -> str:
    """The text without its markup, on one line, for titles and summaries. The caller escapes it."""
    plain = unescape(nh3.clean(PARSER.render(text), tags=set()))
    return re.sub(r"\s+", " ", plain).strip()
