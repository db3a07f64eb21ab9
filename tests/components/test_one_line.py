"""A name or a title is one line that shows what it holds, whatever was pasted."""

import unicodedata

import pytest

from components.texts import one_line


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("API", "API"),
        ("  API  ", "API"),
        ("API is\r\ndown", "API is down"),
        ("a\tb", "a b"),
        ("a \n\t\x0b\x0c b", "a b"),
        ("a\u2028b\u2029c\x85d", "a b c d"),
        ("a\x00b\x07c\x1b[2Jd\x7fe\x9bf", "abc[2Jdef"),
        ("\u202egpj.exe", "gpj.exe"),
        ("a\u2066b\u2069c", "abc"),
        ("\ufeffAPI", "API"),
        ("half \ud83d a pair", "half  a pair"),
        ("\u202e\u200b \x00", ""),
        ("\u3164", ""),
        ("\n", ""),
        ("", ""),
        # what people write stays as they wrote it
        ("Größere Störung, “kurz”", "Größere Störung, “kurz”"),
        ("a  b", "a  b"),
        ("Panne\u00a0: API", "Panne\u00a0: API"),
        (
            "👩\u200d💻 desk 🏴\U000e0067\U000e0062\U000e007f",
            "👩\u200d💻 desk 🏴\U000e0067\U000e0062\U000e007f",
        ),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("שלום", "שלום"),
        ("हिन्दी", "हिन्दी"),
        ("❤\ufe0f", "❤\ufe0f"),
    ],
)
def test_a_text_becomes_a_line(given, kept):
    assert one_line(given) == kept
    assert one_line(kept) == kept


def test_of_all_characters_none_that_breaks_a_line_or_commands():
    everything = "x".join(map(chr, range(0x10000)))  # the planes above hold none
    line = one_line(everything)
    assert line.splitlines() == [line]
    left = {char for char in line if unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp")}
    turning = {char for char in line if unicodedata.bidirectional(char) in
               ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")}  # fmt: skip
    assert left | turning == set()
