"""A link leads where it says, or nowhere."""

import re

import pytest

from incidents.markdown import to_html

SILENT = (
    "//evil.example", "///evil.example", "/\\evil.example", r"\\\\evil.example", "/%5Cevil.example",
    "/%2Fevil.example", "<//evil.example/a b>", "&#47;/evil.example", "/&Tab;/evil.example",
)  # fmt: skip


@pytest.mark.parametrize("address", SILENT)
def test_a_link_to_another_site_without_a_scheme_is_taken_out(address):
    html = to_html(f"[here]({address})\n\n[there]: {address}\n\n[there]")
    assert "href" not in html
    assert "here" in html


@pytest.mark.parametrize(
    "address", ["https://example.org/a//b", "#a", "mailto:a@example.org", "http://[::1]/"]
)
def test_other_links_stay(address):
    assert f'href="{address}"' in to_html(f"[here]({address})")


@pytest.mark.parametrize(
    "address", ["/history", "history", "./history", "?only=chat", "incidents/../history"]
)
def test_a_link_within_this_site_names_it(address):
    html = to_html(f"[here]({address})")
    assert re.search(r'href="https://status\.widgetify\.example/(history|\?only=chat)"', html)


PICTURE = "https://example.org/p.png"


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (f"![a curve]({PICTURE})", f'<a href="{PICTURE}" rel="noopener nofollow">a curve</a>'),
        (f"![]({PICTURE})", f'<a href="{PICTURE}" rel="noopener nofollow">Picture</a>'),
        (f"[![a curve]({PICTURE})](https://example.org/)",
         '<a href="https://example.org/" rel="noopener nofollow">a curve</a>'),
        ("![a pixel](javascript:alert(1))", "![a pixel](javascript:alert(1))"),
        ("##### five\n\n###### six", "<h4>five</h4>\n<h4>six</h4>"),
        ("# one\n\n### three\n\n#### four", "<h3>one</h3>\n<h3>three</h3>\n<h4>four</h4>"),
        ("- [ ] ask\n- [x] done\n- [y] no task\n\n[ ] nor this",
         "<li>☐ ask</li>\n<li>☑ done</li>\n<li>[y] no task</li>\n</ul>\n<p>[ ] nor this</p>"),
        ("3. three\n4. four", '<ol start="3">'),
        ("1. one\n   - inner\n     1. innermost", "<ol>\n<li>innermost</li>"),
    ],
)  # fmt: skip
def test_nothing_that_was_written_vanishes(words, shown):
    assert shown in to_html(words)


BARE = {
    "See https://status.example.org/path?x=1.": "https://status.example.org/path?x=1",
    "(https://example.org/a_(b))": "https://example.org/a_(b)",
    "**https://example.org/a_b_c**": "https://example.org/a_b_c",
    "http://[2001:db8::1]:8080/x, or not": "http://[2001:db8::1]:8080/x",
    "https://example.org/?a=1&b=2": "https://example.org/?a=1&amp;b=2",
    "| a |\n|---|\n| https://example.org/x |": "https://example.org/x",
    "see https://example.org/~me/__init__.py": "https://example.org/~me/__init__.py",
    "*see https://example.org/?q=*a*&r=_b_c*": "https://example.org/?q=*a*&amp;r=_b_c",
    "https://example.org/a\\_b and \\*": "https://example.org/a_b",
    "https://example.org/?a=1&amp;b=2": "https://example.org/?a=1&amp;b=2",
    "a*https://example.org/x*": "https://example.org/x",
    "HTTPS://example.org/X_y_z.": "HTTPS://example.org/X_y_z",
    "[in brackets https://example.org/x_y_z]": "https://example.org/x_y_z",
}


@pytest.mark.parametrize("text", BARE)
def test_an_address_typed_as_such_is_a_link(text):
    assert f'<a href="{BARE[text]}" rel="noopener nofollow">{BARE[text]}</a>' in to_html(text)


def test_an_address_without_its_scheme_is_a_link_as_well():
    html = to_html("see www.example.org/a_b, or not")
    assert '<a href="http://www.example.org/a_b" rel="noopener nofollow">www.example.org/a_b</a>,' in html


@pytest.mark.parametrize(
    "text",
    [
        "www.",
        "www.x",
        "a.www.example.org",
        "me@www.example.org",
        "`https://example.org`",
        "    https://example.org",
        "xhttps://example.org",
        "https://",
        "http://[::1",
    ],
)
def test_what_is_none_stays_words(text):
    assert "<a" not in to_html(text)


def test_a_link_holds_no_link():
    assert to_html("[https://example.org](https://example.org/x)").count("<a") == 1
    assert to_html("<https://example.org>").count("<a") == 1
