"""Which letters the bytes of an answer stand for, as browsers decide it (encoding.spec.whatwg.org)."""

import codecs
import re

MARKS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
PIECE = 64 * 1024
LOOKED_AT = 1024  # where a page may name its charset (HTML, "prescan a byte stream")
IN_HEADER = re.compile(r"""charset\s*=\s*["']?([^\s"';,]+)""", re.IGNORECASE)
IN_PAGE = re.compile(
    rb"""<meta[^>]{0,200}?charset\s*=\s*["']?([\w.:-]{1,40})|<\?xml[^>]{0,100}?encoding\s*=\s*["']([\w.:-]{1,40})""",
    re.IGNORECASE,
)
# Names that browsers read as another charset; latin-1 is never meant as such (0x80 to 0x9f are no letters)
READ_AS = {
    "ascii": "cp1252", "us-ascii": "cp1252", "iso-8859-1": "cp1252", "iso8859-1": "cp1252",
    "latin1": "cp1252", "latin-1": "cp1252", "l1": "cp1252", "iso-8859-9": "cp1254",
    "latin5": "cp1254", "iso-8859-11": "cp874", "tis-620": "cp874",
    "shift_jis": "cp932", "shift-jis": "cp932", "sjis": "cp932", "x-sjis": "cp932", "windows-31j": "cp932",
    "euc-kr": "cp949", "ks_c_5601-1987": "cp949", "gb2312": "gb18030", "gbk": "gb18030", "x-gbk": "gb18030",
    "utf8": "utf-8", "utf-16": "utf-16-le", "macintosh": "mac_roman",
}  # fmt: skip
# What else Python's names may stand for: some of its "encodings" are no charsets at all (idna, hex, zip)
AS_NAMED = re.compile(
    r"utf-8|utf-16le|utf-16be|gb18030|big5|euc-jp|iso-2022-jp|koi8-[ru]|ibm866|cp12(?:5[0-8])"
    r"|windows-(?:125[0-8]|874)|iso-?8859-(?:[2-8]|10|13|14|15|16)"
)


def decoded(body: bytes | bytearray, content_type: str) -> str:
    """The body as text. What stands for no letter becomes �; a name that is none counts as not given."""
    charset, begin = _charset(body, content_type)
    return body[begin:].decode(charset, "replace") if begin else body.decode(charset, "replace")


def holds(body: bytes | bytearray, content_type: str, text: str) -> bool:
    """Whether the text is in the body, whatever ends its lines there. The text is not empty.

    Read in pieces: a large body in letters takes up to four times its size, and each copy as much again.
    """
    charset, begin = _charset(body, content_type)
    decoder = codecs.getincrementaldecoder(charset)("replace")
    window = ""
    for at in range(begin, max(len(body), begin + 1), PIECE):
        piece = decoder.decode(bytes(body[at : at + PIECE]), at + PIECE >= len(body))
        window = (window[-len(text) :] + piece).replace("\r\n", "\n")
        if text in window:
            return True
    return False


def _charset(body: bytes | bytearray, content_type: str) -> tuple[str, int]:
    """Python's name of the charset, and where its letters begin: a mark, the header, the page itself."""
    for mark, charset in MARKS:
        if body.startswith(mark):
            return charset, len(mark)
    if (found := IN_HEADER.search(content_type)) and (named := _known(found[1])):
        return named, 0
    if found_in_page := IN_PAGE.search(bytes(body[:LOOKED_AT])):
        named = _known((found_in_page[1] or found_in_page[2]).decode("ascii", "replace"))
        if named and not named.startswith("utf-16"):  # it could not have been read so far
            return named, 0
    return "utf-8", 0


def _known(name: str) -> str:
    """Python's name for a charset; empty for what is none."""
    label = name.strip().lower()
    charset = READ_AS.get(label, label if AS_NAMED.fullmatch(label) else "")
    return charset.replace("windows-", "cp")
