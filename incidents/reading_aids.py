"""Additions to the Markdown parser: pictures, task lists, bare addresses, links within this site.

Rules of markdown-it, so that pages, mails, feeds and chat read the same tokens.
"""

import re
from urllib.parse import unquote, urljoin, urlsplit

from django.conf import settings
from markdown_it import MarkdownIt
from markdown_it.common.utils import unescapeAll
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

TASKS = {"[ ] ": "☐ ", "[x] ": "☑ ", "[X] ": "☑ "}
NO_WORDS = "Picture"
REST = r"[^\s<>|`\"\x00-\x20]+"
SCHEME = re.compile(r"(?<![\w@])https?$", re.IGNORECASE)  # before the colon
ADDRESS = re.compile(rf"https?://{REST}", re.IGNORECASE)
WITHOUT_SCHEME = re.compile(rf"(?<![\w@./-])www\.[\w-]+\.{REST}", re.IGNORECASE)


def add_to(parser: MarkdownIt) -> None:
    """Register the rules with a parser."""
    parser.inline.ruler.after("text", "bare_address", _bare_address)
    parser.core.ruler.push("reading_aids", _apply)


def _bare_address(state: StateInline, silent: bool) -> bool:
    """A link for an address that is typed as such (GFM, section 6.9).

    Runs before emphasis is parsed: `_` and `*` in an address are no marks.
    """
    if state.linkLevel or state.src[state.pos] != ":":
        return False
    scheme = SCHEME.search(state.pending[-6:])  # only this far back: a text may be full of colons
    written = scheme and ADDRESS.match(state.src, state.pos - len(scheme.group()))
    if scheme is None or not written:
        return False
    shown = _trimmed(written.group())
    address = unescapeAll(shown)
    if not _has_host(address):
        return False
    if not silent:
        state.pending = state.pending[: -len(scheme.group())]
        opened = state.push("link_open", "a", 1)
        opened.attrs = {"href": address}
        state.push("text", "", 0).content = address
        state.push("link_close", "a", -1)
    state.pos += len(shown) - len(scheme.group())
    return True


def _has_host(address: str) -> bool:
    try:
        return bool(urlsplit(address).netloc)
    except ValueError:
        return False


def _apply(state: StateCore) -> None:
    for place, block in enumerate(state.tokens):
        if block.type != "inline" or not block.children:
            continue
        if place > 1 and state.tokens[place - 2].type == "list_item_open":
            _tick(block.children[0])
        block.children = _with_links(block.children)
        for token in block.children:
            if token.type == "link_open":
                token.attrs["href"] = absolute(str(token.attrs.get("href", "")))


def _tick(token: Token) -> None:
    """Show a task list item's state as ☐ or ☑ (GFM, section 5.3)."""
    sign = TASKS.get(token.content[:4])
    if token.type == "text" and sign:
        token.content = sign + token.content[4:]


def _with_links(tokens: list[Token]) -> list[Token]:
    """The tokens with links for addresses typed without a scheme, and for pictures.

    Pages load nothing from elsewhere, so a picture becomes a link with its alternative text.
    """
    result: list[Token] = []
    is_link = False
    for token in tokens:
        is_link = token.type == "link_open" or (is_link and token.type != "link_close")
        if token.type == "image":
            words = token.content or NO_WORDS
            result += [_text(words)] if is_link else _link(str(token.attrs.get("src", "")), words)
        elif token.type == "text" and not is_link:
            result += _link_addresses(token.content)
        else:
            result.append(token)
    return result


def _link_addresses(text: str) -> list[Token]:
    result: list[Token] = []
    end = 0
    for match in WITHOUT_SCHEME.finditer(text):
        address = _trimmed(match.group())
        result += [_text(text[end : match.start()]), *_link(f"http://{address}", address)]
        end = match.start() + len(address)
    return [*result, _text(text[end:])]


def _link(address: str, words: str) -> list[Token]:
    return [Token("link_open", "a", 1, attrs={"href": address}), _text(words), Token("link_close", "a", -1)]


def _text(words: str) -> Token:
    return Token("text", "", 0, content=words)


def _trimmed(address: str) -> str:
    """The address without punctuation that belongs to the sentence around it."""
    while address:
        is_open = address[-1] == ")" and address.count(")") > address.count("(")
        if address[-1] not in "?!.,:*_~'\";]" and not is_open:
            break
        address = address[:-1]
    return address


def absolute(address: str) -> str:
    """A relative address made absolute with PUBLIC_URL: mails and chats need the full one."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return address
    is_within = not (parts.scheme or parts.netloc or address.startswith("#") or leaves(address))
    return urljoin(f"{settings.PUBLIC_URL}/", address) if is_within and address else address


def leaves(address: str) -> bool:
    """Whether it is //host or /\\host, which browsers read as another site."""
    plain = re.sub(r"[\x00-\x20]", "", unquote(address)).replace("\\", "/")
    return plain.startswith("//")
