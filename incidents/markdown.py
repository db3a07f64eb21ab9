"""Safe HTML from what staff write.

Markdown is stored as written and made HTML each time it is shown. Raw HTML is
off in the parser already; nh3 then lets only this list through, whatever the
parser's faults.
"""

import re
from html import unescape

import nh3
from markdown_it import MarkdownIt

TAGS = {
    "a", "blockquote", "br", "code", "em", "hr", "li", "ol", "p", "pre", "s", "strong",
    "table", "tbody", "td", "th", "thead", "tr", "ul", "h3", "h4",
}  # fmt: skip
PARSER = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable(["table", "strikethrough"])
SANITISER = nh3.Cleaner(
    tags=TAGS,
    attributes={"a": {"href", "title"}, "ol": {"start"}},
    url_schemes={"http", "https", "mailto"},
    link_rel="noopener nofollow",
)


def to_html(text: str) -> str:
    """The text as HTML that is safe to print in any page. Headings start at the third level."""
    html = PARSER.render(text)
    html = re.sub(r"<(/?)h[12]>", r"<\1h3>", html)
    return SANITISER.clean(html).strip()


def to_text(text: str) -> str:
    """The text without its markup, on one line, for titles and summaries. Whoever prints it escapes it."""
    plain = unescape(nh3.clean(PARSER.render(text), tags=set()))
    return re.sub(r"\s+", " ", plain).strip()
