"""Headers of mails: what any mail client decodes is what was written."""

import random
import re
from email import message_from_bytes
from email.header import decode_header, make_header
from email.headerregistry import Address
from email.policy import default
from email.utils import parseaddr

import pytest

from subscribers.emails import headers

SCRIPTS = (
    "verzögert prüfen in für über Störung Käse",
    "доступ Сообщения и недоступны Ошибка",
    "障害 発生 調査中 データベース",
    "انقطاع الخدمة في قاعدة البيانات",
    "क्षि त्रुटि सेवा में रुकावट",
    "👩‍👩‍👧‍👦 🇩🇪 👍🏽 e\u0301 ❤️ Chat",
    'Chat refuses new connections "quoted" back\\slash a,b;c <x@y.z> (c) a_b=c?',
    "=?utf-8?q?x?= =?utf-8?b?DQpCY2M6IHhAZXhhbXBsZS5vcmc=?=",
    "a" * 120 + " " + "ü" * 90,
)
TITLES = [
    "[Investigating] verzögert prüfen in prüfen für",
    "[Identified] доступ Сообщения и",
    "",
    "ü",
    "e" + "\u0301" * 60,
    "a" * 150,
]


def titles(number):
    draw = random.Random(5_322)
    words = [script.split() for script in SCRIPTS]
    mixed = [word for some in words for word in some]
    for index in range(number):
        choice = mixed if index % 3 == 0 else words[index % len(words)]
        yield " ".join(draw.choices(choice, k=draw.randint(1, 12)))


def unfolded(raw):
    """The value, by the rule of RFC 5322: a line end before a space goes."""
    return re.sub(r"\r\n(?=[ \t])", "", raw).split(": ", 1)[1]


def check_lines(raw):
    assert raw.isascii()
    for line in raw.split("\r\n"):
        assert len(line) <= (76 if "=?utf-8?b?" in line else 78), line
        assert line.strip()
    assert all(len(word) <= 75 for word in re.findall(r"=\?utf-8\?b\?[^?]*\?=", raw))


def test_every_subject_is_decoded_to_the_very_title():
    for title in [*TITLES, *titles(6_000)]:
        raw = headers.unstructured("Subject", title)
        check_lines(raw)
        assert str(make_header(decode_header(unfolded(raw)))) == title
        assert message_from_bytes(f"{raw}\r\n\r\n".encode(), policy=default)["Subject"] == title


def test_every_encoded_word_is_whole_characters_by_itself():
    for title in titles(500):
        for word in re.findall(r"=\?utf-8\?b\?[^?]*\?=", headers.unstructured("Subject", title)):
            ((raw, _),) = decode_header(word)
            assert raw.decode()[0] not in "\u0301\u200d\ufe0f🏽"


@pytest.mark.parametrize("name", [*SCRIPTS, "Tern", "Müller, Söhne & Co.", "O'Brien", 'The "Best"', "a@b.c"])
def test_a_page_of_any_name_stands_in_from(name):
    raw = headers.mailbox("From", Address(display_name=name, addr_spec="status@tern.example"))
    shown, address = parseaddr(unfolded(raw))  # the newer parser keeps the blanks between encoded words
    assert (str(make_header(decode_header(shown))), address) == (name, "status@tern.example")
    assert all(len(line) <= 78 for line in raw.split("\r\n"))


def test_a_plain_subject_is_sent_as_it_is():
    assert headers.unstructured("Subject", "[Resolved] Chat is up") == "Subject: [Resolved] Chat is up"
