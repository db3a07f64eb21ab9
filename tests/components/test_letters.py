"""Letters are those of browsers, also where the tables of Python lack some."""

import time

import pytest

from components import charsets
from tests.components.test_answers import seen, sized


@pytest.mark.parametrize(
    ("charset", "raw", "word"),
    [
        ("euc-jp", b"\xad\xa1\xc6\xfc\xa1\xc1\xa1\xdd\xad\xea", "①日～－㈱"),
        ("euc-jp", b"\xa4\xa2\xfc\xfe", "あ"),
        ("iso-2022-jp", b"\x1b$B-!F|!A!]-j\x1b(B", "①日～－㈱"), ("iso-2022-jp", b"\x1b(I1\x1b(B", "ｱ"),
        ("shift_jis", b"\x87\x40\x93\xfa\x81\x60\x81\x7c", "①日～－"), ("shift_jis", b"\x81\x60", "〜"),
        ("euc-jp", b"\xa1\xc1\xa1\xdd", "〜−"), ("euc-jp", b"\x8e\xb1", "ｱ"), ("euc-jp", b"\xad!", "!"),
        ("gbk", b"5\x80", "5€"),
        ("big5", b"5\xa3\xe1", "5€"), ("windows-1252", b"5\x80", "5€"), ("koi8-r", b"\xc1", "а"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("before", [0, 65_533, 65_535])
def test_letters_are_those_of_browsers(charset, raw, word, before):
    """Python's tables lack some: a page that shows ① was down, though the text was copied from it."""
    kind = f"Content-Type: text/plain; charset={charset}\r\n".encode()
    assert seen(sized(kind, b"x" * before + raw), {"expect_text": word}).failure is None


@pytest.mark.parametrize("charset", ["euc-jp", "iso-2022-jp", "gbk", "big5", "shift_jis"])
def test_bytes_that_are_no_letters_end_nothing(charset):
    kind = f"Content-Type: text/plain; charset={charset}\r\n".encode()
    body = b"well \xff\x80\xa3\xad\x1b$B\x7f\x20\xfe" + bytes(range(256)) * 2
    assert seen(sized(kind, body), {"expect_text": "well"}).failure is None
    assert seen(sized(kind, body), {"expect_regex": "^well"}).failure is None


@pytest.mark.parametrize("charset", ["euc-jp", "iso-2022-jp", "gbk", "big5", "utf-8"])
@pytest.mark.parametrize("raw", [b"\xad\xa1", b"\xff", b"\xfe\x80"])
def test_a_megabyte_of_odd_letters_holds_up_nobody(charset, raw):
    """Each that Python does not know costs a call: more than a second, in the loop that all probes share."""
    body, began = raw * (1_000_000 // len(raw)), time.process_time()
    assert not charsets.holds(body, f"text/plain; charset={charset}", "nope")
    assert len(charsets.decoded(body, f"text/plain; charset={charset}")) >= 300_000
    assert time.process_time() - began < 1
