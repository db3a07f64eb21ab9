"""Plain text says what the page says, as somebody would type it."""

import re
from html import unescape

import nh3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.markdown import to_html
from incidents.messages import plain
from incidents.plain_text import to_plain

NESTED = """We do three things:

1. Stop the *old* pool
   - server by server
     - `chat-1`
     - `chat-2`
   - then the rest
2. Start the new one

Then we look."""
WRITTEN = [
    ("Chat is **down** for _most_ people.", "Chat is down for most people."),
    ("See [our notes](https://t.example/notes).", "See our notes (https://t.example/notes)."),
    ("See [our **notes**](https://t.example/n).", "See our notes (https://t.example/n)."),
    ("<https://t.example/notes>", "https://t.example/notes"),
    ("[https://t.example](https://t.example/)", "https://t.example"),
    ("[https://bank.example](https://evil.example)", "https://bank.example (https://evil.example)"),
    ("[](https://t.example/bare)", "https://t.example/bare"),
    ("<help@t.example> or [us](mailto:us@t.example).", "help@t.example or us (us@t.example)."),
    ("[pool](https://en.example/Pool_(water)), it says", "pool (https://en.example/Pool_(water)), it says"),
    ("[x](javascript:alert(1)) [y](data:text/html,z)", "[x](javascript:alert(1)) [y](data:text/html,z)"),
    ("Set `a  b` to  20.", "Set a  b to 20."),
    ("See www.t.example/a_b_c.", "See www.t.example/a_b_c."),
    ("See https://t.example/__a__.", "See https://t.example/__a__."),
    ("Set `pool_size` to `20`.", "Set pool_size to 20."),
    ("It is ~~down~~ slow.", "It is ~~down~~ slow."),
    ("# What we know\n\nNothing.", "What we know\n\nNothing."),
    ("One line\nand another\n\nA paragraph  \nof two", "One line\nand another\n\nA paragraph\nof two"),
    ("* one\n* two", "- one\n- two"),
    ("- one\n\n  more of it\n\n- two", "- one\n\n  more of it\n\n- two"),
    ("3. three\n4. four", "3. three\n4. four"),
    (NESTED, NESTED.replace("*", "").replace("`", "")),
    ("> They said\n> so\n\nWe agree.", "> They said\n> so\n\nWe agree."),
    ("```\nGET /  HTTP/1.1\n\n  200\n```", "GET /  HTTP/1.1\n\n  200"),
    ("| Place | State |\n|---|---|\n| Chat | *slow* |\n| Files | |", "Place | State\nChat | slow\nFiles |"),
    ("Before\n\n---\n\nAfter", "Before\n\n---\n\nAfter"),
    ("<b>Chat</b> & <script>alert(1)</script> &lt;", "<b>Chat</b> & <script>alert(1)</script> <"),
    ("2 * 3 * 4 \\*kept\\* snake_case_name", "2 * 3 * 4 *kept* snake_case_name"),
    ("Сообщения **не** доходят 💥 שלום", "Сообщения не доходят 💥 שלום"),
    ("Chat\r\nBcc: everybody@example.org", "Chat\nBcc: everybody@example.org"),
    ("An end\n\n    -- \n    that is none", "An end\n\n--\nthat is none"),
    ("![a pixel](https://evil.example/p.gif) text", "a pixel (https://evil.example/p.gif) text"),
    ("", ""),
    ("  \n\n ", ""),
]  # fmt: skip


@pytest.mark.parametrize(("typed", "read"), WRITTEN)
def test_no_mark_is_left_and_no_word_is_lost(typed, read):
    assert to_plain(typed) == read
    assert words_of_plain(typed) == words_of_html(typed)


LONG = [
    "**bold** _x_ [l](https://w.example) `c` " * 250,
    "x" * 10_000,
    "> " * 5_000 + "deep",
    "".join(f"{'  ' * depth}- item\n" for depth in range(140)),
    "**" * 5_000,
    "[" * 5_000 + "](" * 2_000,
    "<div>" * 2_000,
    "a\x00b\x1b[31m \x07 \u2028 \u202e",
    "- \n-\n- - -\n> -\n1. - > x",
]


@pytest.mark.parametrize("typed", LONG)
def test_however_odd_it_is_both_say_the_same(typed):
    assert words_of_plain(typed) == words_of_html(typed)
    assert all(one in "\n\t" or one >= " " for one in plain(typed))


PIECES = [
    "word ", "other", "**", "*", "_", "~~", "`", "\n", "\n\n", "- ", "  ", "    ", "1. ", "> ", "# ",
    "```\n", "---\n", "| a | b |\n|---|---|\n| c | d |\n", "[label](https://t.example/a)", "[", "](",
    "<https://t.example>", "https://t.example/a_*", " www.t.example/_x", ")", "!", "<b>", "&amp;", "\\", "é",
]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join))
def test_whatever_is_typed_both_say_the_same(typed):
    assert words_of_plain(typed) == words_of_html(typed)
    assert not any(line.endswith(" ") for line in to_plain(typed).split("\n"))


def words_of_html(typed):
    """The words a browser shows, without the addresses that are shown."""
    html = to_html(typed)
    marked = re.sub(r"<br>|</?s>", " ", html)  # the plain text has a line's end or ~~ there
    return words(unescape(nh3.clean(marked, tags=set())), html)


def words_of_plain(typed):
    """The words of the plain text, without the addresses behind links."""
    return words(to_plain(typed), to_html(typed))


def words(text, html):
    addresses = {unescape(one).removeprefix("mailto:") for one in re.findall(r'href="([^"]*)"', html)}
    for address in sorted(addresses, key=len, reverse=True):
        text = text.replace(f" ({address})", "").replace(address, " ")
    return [word for word in re.findall(r"\w+", text) if not word.isdigit()]
