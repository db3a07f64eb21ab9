"""The same words, whichever way they are told: lists, quotations and marks mean the same in chat and mail."""

import re

import pytest
from markdown_it import MarkdownIt

from incidents.markdown import to_html
from incidents.plain_text import to_plain
from subscribers.channels.dialect import MARKDOWN
from subscribers.channels.google_chat import GOOGLE_CHAT
from subscribers.channels.markdown_runs import runs
from subscribers.channels.slack import SLACK
from subscribers.channels.telegram import TELEGRAM


def plainly(text):
    """As a chat shows it without marks."""
    return "".join(run.text for run in runs(text))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("1. > all is well\n2. two", "1. > all is well\n2. two"),
        ("> 1. a\n> 2. b", "> 1. a\n> 2. b"),
        ("1. ```\n   restart\n   ```\n2. wait", "1. restart\n\n2. wait"),
        ("3.     restart\n4. wait", "3. restart\n\n4. wait"),
        ("1. ***\n2. two", "1. ———\n\n2. two"),
        ("- - a\n  - b\n- c", "• • a\n\u2003• b\n• c"),
        ("1.\n2. two", "1. \n2. two"),
        ("- one\n\n  more\n- two", "• one\n\u2003more\n• two"),
        ("- one\n  1. in it\n     3. no item", "• one\n\u20031. in it\n\u2003\u20033. no item"),
        ("- first\n  1986\\. A year", "• first\n\u20031986. A year"),
        ("1. Run:\n\n   ```\n   a\n     b\n   ```\n2. wait", "1. Run:\na\n  b\n\n2. wait"),
        ("- > said\n  > twice", "• > said\n\u2003> twice"),
    ],
)  # fmt: skip
def test_what_belongs_to_an_item_stands_in_it(text, shown):
    assert plainly(text) == shown


MARKED = (
    "**a*b*c**", "*a**b**c*", "a**b**c", "2*3*4", "***a** b*", "***a* b**", "**a ~~b~~ c**", "~~a**b**c~~",
    "**bold *it* more** end", "***all***", "**a**~~b~~", "~~`gone`~~ stays", "**[a](https://x.example)b**",
    "*a* *b*", "**Note:**text", "un*frigging*believable",
)  # fmt: skip


def flat(html):
    """One spelling of what is marked: each letter with its marks. Code is marked by being struck alone."""
    found, marks = [], set()
    for tag, letter in re.findall(r"<(/?\w+)[^>]*>|([^<])", html):
        if tag:
            (marks.discard if tag[0] == "/" else marks.add)(tag.strip("/"))
        elif letter.strip():
            found.append((letter, frozenset(marks & {"strong", "em", "s"})))
    return found


@pytest.mark.parametrize("text", MARKED)
def test_marks_mean_the_same_in_a_chat_that_reads_markdown(text):
    reader = MarkdownIt("commonmark").enable("strikethrough")
    assert flat(reader.render(MARKDOWN.joined(runs(text)))) == flat(to_html(text))


@pytest.mark.parametrize("text", [text for text in MARKED if "`" not in text])
@pytest.mark.parametrize("dialect", [TELEGRAM, GOOGLE_CHAT])
def test_marks_mean_the_same_in_a_chat_that_reads_html(text, dialect):
    html = dialect.joined(runs(text))
    as_ours = html.replace("<b>", "<strong>").replace("</b>", "</strong>")
    assert flat(as_ours.replace("<i>", "<em>").replace("</i>", "</em>")) == flat(to_html(text))
    assert not re.search(r"<(\w)></\1>", html)


@pytest.mark.parametrize(
    ("text", "slack"),
    [
        ("2*3*4", "234"),
        ("**a*b*c**", "*abc*"),
        ("un**frigging**believable", "unfriggingbelievable"),
        ("(**b**), *c*.", "(*b*), _c_."),
        ("**bold *it* more**", "*bold _it_ more*"),
    ],
)
def test_slack_gets_no_mark_within_a_word_as_it_would_show_the_sign(text, slack):
    assert SLACK.joined(runs(text)) == slack


@pytest.mark.parametrize(
    ("dialect", "struck"),
    [
        (SLACK, "~`rm -r x`~ no"),
        (MARKDOWN, "~~`rm -r x`~~ no"),
        (TELEGRAM, "~~<code>rm -r x</code>~~ no"),  # there code stands in nothing else
        (GOOGLE_CHAT, "<s>rm -r x</s> no"),
    ],
)
def test_struck_out_code_is_struck_out(dialect, struck):
    assert dialect.joined(runs("~~`rm -r x`~~ no")) == struck


def test_a_line_of_equals_signs_makes_no_heading_of_the_line_before_it():
    assert "h1" not in MarkdownIt("commonmark").render(MARKDOWN.joined(runs("Title\n\\===\nfoo")))


@pytest.mark.parametrize(
    ("text", "mail"),
    [
        ("[write](mailto:a%2Bb@x.example?subject=hi)", "write (a+b@x.example)"),
        ("[a+b@x.example](mailto:a%2Bb@x.example)", "a+b@x.example"),
        ("<mailto:me@x.example>", "mailto:me@x.example"),
        ("[see below](#part)", "see below"),
    ],
)
def test_a_mail_in_plain_text_shows_an_address_that_can_be_used(text, mail):
    assert to_plain(text) == mail
