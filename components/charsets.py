"""The charset of an answer, decided as browsers do (encoding.spec.whatwg.org)."""

import codecs
import re
import threading
from collections.abc import Iterator

MARKS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
PIECE = 64 * 1024
LOOKED_AT = 1024  # where a page may name its charset (HTML, "prescan a byte stream")
IN_HEADER = re.compile(r"""charset\s*=\s*["']?([^\s"';,]+)""", re.IGNORECASE)
IN_PAGE = re.compile(
    rb"""<meta[^>]{0,200}?charset\s*=\s*["']?([\w.:-]{1,40})|<\?xml[^>]{0,100}?encoding\s*=\s*["']([\w.:-]{1,40})""",
    re.IGNORECASE,
)
# The names that a charset goes by (encoding.spec.whatwg.org, section 4.2), by Python's name for what
# browsers read there; latin-1 is never meant as such (0x80 to 0x9f are no letters)
LABELS = {
    "utf-8": "utf-8 utf8 unicode-1-1-utf-8 unicode11utf8 unicode20utf8 x-unicode20utf8",
    "utf-16-le": "utf-16 utf-16le unicode csunicode ucs-2 iso-10646-ucs-2 unicodefeff",
    "utf-16-be": "utf-16be unicodefffe",
    "cp866": "ibm866 cp866 866 csibm866",
    "cp874": "windows-874 dos-874 iso-8859-11 tis-620",
    "cp932": "shift_jis shift-jis sjis x-sjis ms_kanji ms932 windows-31j csshiftjis",
    "cp949": "euc-kr cseuckr korean windows-949 ksc5601 ksc_5601 ks_c_5601-1987 ks_c_5601-1989 iso-ir-149"
    " csksc56011987",
    "cp1252": "ascii us-ascii ansi_x3.4-1968 iso-8859-1 latin1 latin-1 l1 csisolatin1 iso-ir-100 cp819"
    " ibm819",
    "cp1254": "iso-8859-9 latin5 l5 csisolatin5 iso-ir-148",
    "gb18030": "gb18030 gbk x-gbk gb2312 csgb2312 gb_2312 gb_2312-80 chinese csiso58gb231280 iso-ir-58",
    "big5hkscs": "big5 big5-hkscs cn-big5 csbig5 x-x-big5",
    "euc_jp": "euc-jp x-euc-jp cseucpkdfmtjapanese",
    "iso2022_jp_ext": "iso-2022-jp csiso2022jp",
    "koi8-r": "koi8-r koi koi8 koi8_r cskoi8r",
    "koi8-u": "koi8-u koi8-ru",
    "mac_roman": "macintosh mac x-mac-roman csmacintosh",
    "mac_cyrillic": "x-mac-cyrillic x-mac-ukrainian",
    "iso8859-2": "iso-8859-2 latin2 l2 csisolatin2 iso-ir-101",
    "iso8859-3": "iso-8859-3 latin3 l3 csisolatin3 iso-ir-109",
    "iso8859-4": "iso-8859-4 latin4 l4 csisolatin4 iso-ir-110",
    "iso8859-5": "iso-8859-5 cyrillic csisolatincyrillic iso-ir-144",
    "iso8859-6": "iso-8859-6 arabic asmo-708 ecma-114 csisolatinarabic csiso88596e csiso88596i iso-ir-127",
    "iso8859-7": "iso-8859-7 greek greek8 elot_928 ecma-118 sun_eu_greek csisolatingreek iso-ir-126",
    "iso8859-8": "iso-8859-8 hebrew visual logical csisolatinhebrew csiso88598e csiso88598i iso-ir-138",
    "iso8859-10": "iso-8859-10 latin6 l6 csisolatin6 iso-ir-157",
    "iso8859-13": "iso-8859-13",
    "iso8859-14": "iso-8859-14",
    "iso8859-15": "iso-8859-15 l9 csisolatin9",
    "iso8859-16": "iso-8859-16",
}
# Where Python's tables differ from those of browsers (section 5 of the standard), which are Microsoft's
JAPANESE = ("cp932", "euc_jp", "iso2022_jp_ext")
AS_MICROSOFT = str.maketrans("\u301c\u2016\u2212\u2014¢£¬", "\uff5e\u2225\uff0d\u2015\uffe0\uffe1\uffe2")
LACKING = (*JAPANESE[1:], "gb18030", "big5hkscs")
ERRORS = "statuspage.as_browsers"  # how Python calls `_missing`
MAX_ASKED = 10_000  # in one piece: after one with more, further characters are not looked up
EUROS = {"gb18030": b"\x80", "big5hkscs": b"\xa3\xe1"}
READ_AS = {label: charset for charset, labels in LABELS.items() for label in labels.split()}
OF_ISO = re.compile(r"iso[-_]?8859[-_]?([0-9]{1,2})(?:-[ei])?(?::19[0-9]{2})?")
OF_WINDOWS = re.compile(r"(?:windows-|x-cp|cp)(125[0-8])")


def decoded(body: bytes | bytearray, content_type: str) -> str:
    """The body as text. Undecodable bytes become �; an unknown charset name is ignored."""
    return "".join(_pieces(body, *_charset(body, content_type)))


def holds(body: bytes | bytearray, content_type: str, text: str) -> bool:
    """Whether the body contains the text (not empty), whatever its line endings.

    Decoded in pieces: a large body takes up to four times its size as text, and each copy as much again.
    """
    charset, begin = _charset(body, content_type)
    text = _as_browsers(charset, text)  # typed on a machine with other tables, perhaps
    window = ""
    for piece in _pieces(body, charset, begin):
        window = (window[-len(text) :] + piece).replace("\r\n", "\n")
        if text in window:
            return True
    return False


def _pieces(body: bytes | bytearray, charset: str, begin: int) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(charset)(ERRORS if charset in LACKING else "replace")
    for at in range(begin, max(len(body), begin + 1), PIECE):
        before = _asked.times
        piece = decoder.decode(bytes(body[at : at + PIECE]), at + PIECE >= len(body))
        if _asked.times - before > MAX_ASKED:
            decoder.errors = "replace"
        yield _as_browsers(charset, piece)


def _as_browsers(charset: str, text: str) -> str:
    return text.translate(AS_MICROSOFT) if charset in JAPANESE else text


def _missing(error: UnicodeError) -> tuple[str, int]:
    """Codec error handler: a character that browsers know and Python does not (①, ㈱, the euro), or �."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    _asked.times += 1
    pair = error.object[error.start : error.start + 2]
    if (euro := EUROS.get(error.encoding)) and pair.startswith(euro):
        return "€", error.start + len(euro)
    high = {"euc_jp": 0x80, "iso2022_jp_ext": 0}.get(error.encoding)
    if high is not None and len(pair) == 2 and (letter := _by_row(pair[0] ^ high, pair[1] ^ high)):
        return letter, error.start + 2
    return "\ufffd", error.end


def _by_row(row: int, cell: int) -> str:
    """The character at a position of JIS X 0208, by its Shift_JIS encoding; empty if there is none."""
    if not (0x21 <= row <= 0x7E and 0x21 <= cell <= 0x7E):
        return ""
    lead = (row + 1) // 2 + (0x70 if row < 0x5F else 0xB0)
    trail = cell + (0x7E if row % 2 == 0 else 0x1F if cell < 0x60 else 0x20)
    return bytes((lead, trail)).decode("cp932", "ignore")


class _Asked(threading.local):
    """Counts calls of `_missing`, which takes a hundred times longer than Python's own decoding."""

    times = 0


_asked = _Asked()
codecs.register_error(ERRORS, _missing)


def _charset(body: bytes | bytearray, content_type: str) -> tuple[str, int]:
    """Python's name of the charset, from its byte order mark, header or page, and where the text begins."""
    for mark, charset in MARKS:
        if body.startswith(mark):
            return charset, len(mark)
    if (match := IN_HEADER.search(content_type)) and (named := _known(match[1])):
        return named, 0
    if page_match := IN_PAGE.search(bytes(body[:LOOKED_AT])):
        named = _known((page_match[1] or page_match[2]).decode("ascii", "replace"))
        if named and not named.startswith("utf-16"):  # it could not have been read so far
            return named, 0
    return ("utf-8" if _is_utf8(body) else "cp1252"), 0  # as browsers take what does not say what it is


def _is_utf8(body: bytes | bytearray) -> bool:
    """Whether it is valid UTF-8 as far as it was read; the last character may be cut off."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for at in range(0, len(body), PIECE):
            decoder.decode(bytes(body[at : at + PIECE]))
    except UnicodeDecodeError:
        return False
    return True


def _known(name: str) -> str:
    """Python's name for a charset; empty if it is unknown."""
    label = name.strip().lower()
    if of_iso := OF_ISO.fullmatch(label):
        label = f"iso-8859-{of_iso[1]}"
    if of_windows := OF_WINDOWS.fullmatch(label):
        return f"cp{of_windows[1]}"
    return READ_AS.get(label, "")
