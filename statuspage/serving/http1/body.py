"""The body of a request, cut out of what arrives: of a known length, or in chunks (RFC 9112, section 7.1)."""

import re

from statuspage.serving.http1.head import FORBIDDEN, LONE_LINE_FEED, BadRequestError

SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\x00-\x08\x0a-\x1f\x7f]*)?")
MAX_SIZE_LINE_BYTES = 256  # with extensions, which mean nothing here
MAX_TRAILER_BYTES = 8 * 1024


class Body:
    """What is missing of one body."""

    def __init__(self, length: int | None) -> None:
        self.is_chunked = length is None
        self.missing = length or 0  # bytes, of the body or of this chunk
        self.is_over = length == 0
        self._is_after_chunk = False  # its line end is missing
        self._in_trailers = False
        self._trailer_bytes = 0

    def take(self, buffer: bytearray) -> bytes:
        """What the buffer has of the body; it is removed there. Raises BadRequestError."""
        if not self.is_chunked:
            return self._take_missing(buffer)
        pieces = []
        while buffer and not self.is_over:
            if self.missing:
                pieces.append(self._take_missing(buffer))
            elif not self._take_line(buffer):
                break
        return b"".join(pieces)

    def _take_missing(self, buffer: bytearray) -> bytes:
        piece = bytes(buffer[: self.missing])
        del buffer[: self.missing]
        self.missing -= len(piece)
        self.is_over = not self.is_chunked and not self.missing
        self._is_after_chunk = self.is_chunked and not self.missing
        return piece

    def _take_line(self, buffer: bytearray) -> bool:
        """Read one line between chunks. False while it is not complete."""
        most = MAX_TRAILER_BYTES if self._in_trailers else MAX_SIZE_LINE_BYTES
        end = buffer.find(b"\r\n", 0, most)
        if end < 0:
            if (
                len(buffer) >= most
                or LONE_LINE_FEED.search(buffer)
                or (self._is_after_chunk and len(buffer) > 1)
            ):
                raise BadRequestError(400, "A chunk is malformed.")
            return False
        line = bytes(buffer[:end])
        del buffer[: end + 2]
        if self._is_after_chunk:
            if line:
                raise BadRequestError(400, "A chunk is longer than it says.")
            self._is_after_chunk = False
        elif self._in_trailers:
            self._read_trailer(line)
        else:
            self._read_size(line)
        return True

    def _read_size(self, line: bytes) -> None:
        match = SIZE.fullmatch(line)
        if match is None:
            raise BadRequestError(400, "The size of a chunk is malformed.")
        self.missing = int(match[1], 16)
        self._in_trailers = not self.missing

    def _read_trailer(self, line: bytes) -> None:
        """Trailers mean nothing here."""
        self._trailer_bytes += len(line)
        if self._trailer_bytes > MAX_TRAILER_BYTES or FORBIDDEN.search(line):
            raise BadRequestError(400, "A trailer is malformed.")
        self.is_over = not line
