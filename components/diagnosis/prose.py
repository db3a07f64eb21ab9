"""The sentences of an error answer, in plain words: what people would read of it, cut into clauses.

Frameworks say the same in HTML, JSON, an exception's name or a code word. Here they become one form:
`ConnectionPoolTimeoutException`, `connection_pool_timeout` and "connection pool: timeout" read alike.
What a page carries around its message (scripts, menus, links, footers) is left out.
"""

import html
import re
import unicodedata

MAX_CHARACTERS = 4000  # of an excerpt, before it is read
MAX_HTML = 400  # of a page's text: an error page is short, and what follows is not about the error
MAX_CLAUSE = 300
MAX_SENTENCE = 120  # of a page: messages are short, articles are not
UNSEEN = re.compile(
    r"<!--.{0,4000}?(?:-->|$)|<(script|style|nav|footer|aside|header|svg|select|form|noscript)\b.{0,4000}?(?:</\1>|$)"
    r"|<a\b.{0,400}?</a>",
    re.DOTALL | re.IGNORECASE,
)
INLINE = re.compile(
    r"</?(?:b|i|em|strong|span|code|tt|u|small|font|wbr|abbr|mark|q)\b[^<>]{0,300}>", re.IGNORECASE
)
TAG = re.compile(r"<[!/a-z?][^<>]{0,600}(?:>|$)", re.IGNORECASE)
ESCAPED = re.compile(r"\\(?:u([0-9a-fA-F]{4})|([nrt])|([\"'/\\]))")
CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
JOINED = re.compile(r"(?<=[A-Za-z])[_-](?=[A-Za-z])")
# An end of a clause: a sentence's, a JSON member's, a line's, or "caused by"
CLAUSES = re.compile(r"[.!?;]+(?=\s|$|[\"'])|[{}\[\]\n|]|[\"'] ?,|,(?=\s?\")|\bcaused by\b|\s[-–—]\s")
# Where something happened, not what
PLACES = re.compile(r"https?://\S+|(?<![\w<])/[\w./%-]{2,}")
KEPT = re.compile(r"[^\w\s:./'%+#-]+")


def clauses(excerpt: str, content_type: str = "") -> tuple[str, ...]:
    """Lower-case clauses, punctuation within them mostly gone; empty for what holds no words."""
    text = excerpt[:MAX_CHARACTERS].replace("·", "\n")
    most = 4 * MAX_CLAUSE
    if _is_page(text, content_type):
        text, most = _seen(text)[:MAX_HTML], MAX_SENTENCE
    text = html.unescape(ESCAPED.sub(_unescaped, text)).replace("’", "'")
    text = PLACES.sub(" ", unicodedata.normalize("NFC", text).replace("İ", "I"))
    text = JOINED.sub(" ", CAMEL.sub(" ", text))
    parts = (KEPT.sub(" ", part) for part in CLAUSES.split(text.lower()) if part)
    return tuple(words[:MAX_CLAUSE] for part in parts if 2 < len(words := " ".join(part.split())) <= most)


def _is_page(text: str, content_type: str) -> bool:
    start = text.lstrip()[:1]
    return "html" in content_type.lower() or (start == "<" and TAG.match(text.lstrip()) is not None)


def _seen(text: str) -> str:
    """A page's text, a line for each block."""
    text = UNSEEN.sub("\n", text)
    return TAG.sub("\n", INLINE.sub(" ", " ".join(text.split()))).strip()


def _unescaped(match: re.Match[str]) -> str:
    if match[1]:
        return chr(int(match[1], 16))
    return "\n" if match[2] else match[3]
