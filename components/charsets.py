"""Which letters the bytes of an answer stand for, as browsers decide it (encoding.spec.whatwg.org)."""

import re

MARKS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
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


def decoded(body: bytes, content_type: str) -> str:
    """The body as text. What stands for no letter becomes �; a name that is none counts as not given."""
    for mark, charset in MARKS:
        if body.startswith(mark):
            return body[len(mark) :].decode(charset, "replace")
    if found := IN_HEADER.search(content_type):
        charset = _known(found[1])
        if charset:
            return body.decode(charset, "replace")
    if found_in_page := IN_PAGE.search(body[:LOOKED_AT]):
        charset = _known((found_in_page[1] or found_in_page[2]).decode("ascii", "replace"))
        if charset and not charset.startswith("utf-16"):  # it could not have been read so far
            return body.decode(charset, "replace")
    return body.decode("utf-8", "replace")


def _known(name: str) -> str:
    """Python's name for a charset; empty for what is none."""
    label = name.strip().lower()
    charset = READ_AS.get(label, label if AS_NAMED.fullmatch(label) else "")
    return charset.replace("windows-", "cp")
