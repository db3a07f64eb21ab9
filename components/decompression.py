"""Decompresses answers in pieces of 64 kB, so that a decompression bomb is never read whole."""

import zlib
from collections.abc import Iterator
from typing import Protocol

import brotli

PIECE = 64 * 1024
MAX_CODINGS = 5
MAX_BETWEEN = 16 * 1024 * 1024  # of what one coding hands to the next: packed nothing can be endless
KNOWN = ("gzip", "x-gzip", "deflate", "br")
# codings we never ask for; any other value (utf-8, none, binary) is a mistake and means no coding
FOREIGN = ("zstd", "compress", "x-compress", "dcb", "dcz", "sdch", "exi", "pack200-gzip", "bzip2", "x-bzip2",
           "lzma", "xz", "lz4", "snappy")  # fmt: skip


class DecompressionError(Exception):
    """The body is not compressed as its headers say, or in a coding that we did not ask for."""

    def __init__(self, sentence: str, *, is_unasked: bool = False) -> None:
        super().__init__(sentence)
        self.is_unasked = is_unasked


class Stage(Protocol):
    def feed(self, packed: bytes) -> Iterator[bytes]: ...

    @property
    def is_whole(self) -> bool: ...


class Unpacker:
    """Decodes content codings, given in the order of the headers: the last one was applied last."""

    def __init__(self, *codings: str) -> None:
        names = [name.strip().lower() for text in codings for name in text.split(",")]
        names = [name for name in names if name in (*KNOWN, *FOREIGN)]
        for name in names:
            if name in FOREIGN:
                sentence = f"The response is compressed with {name[:40]}, which we did not request."
                raise DecompressionError(sentence, is_unasked=True)
        if len(names) > MAX_CODINGS:
            raise DecompressionError(f"The response is compressed more than {MAX_CODINGS} times.")
        self.stages: list[Stage] = [_stage(name) for name in reversed(names)]

    def feed(self, packed: bytes) -> Iterator[bytes]:
        """Decompressed pieces, each decompressed only when asked for. Raises DecompressionError."""
        pieces: Iterator[bytes] = iter((packed,))
        for stage in self.stages:
            pieces = _through(stage, pieces)
        yield from pieces

    def end(self) -> None:
        """Mark the end of the data. Raises DecompressionError if it is incomplete."""
        if not all(stage.is_whole for stage in self.stages):
            raise DecompressionError("The compressed response is truncated.")


def _through(stage: Stage, pieces: Iterator[bytes]) -> Iterator[bytes]:
    most = MAX_BETWEEN
    for piece in pieces:
        most -= len(piece)
        if most < 0:
            raise DecompressionError("The compressed response expands without limit.")
        yield from stage.feed(piece)


def _stage(name: str) -> Stage:
    return _Brotli() if name == "br" else _Zlib(name)


class _Zlib:
    """gzip of one or several members (RFC 1952), or deflate with or without its zlib head."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.begin = b""
        self.has_begun = False
        self.unpack = zlib.decompressobj(31)

    @property
    def is_whole(self) -> bool:
        return self.unpack.eof or not (self.has_begun or self.begin)

    def feed(self, packed: bytes) -> Iterator[bytes]:
        if not self.has_begun:
            packed = self.begin = self.begin + packed
            if len(packed) < 2:
                return
            self.has_begun = True
            if self.name == "deflate":
                self.unpack = zlib.decompressobj(15 if _has_zlib_head(packed) else -15)
        while packed:
            if self.unpack.eof:
                if self.name == "deflate" or not packed.startswith(b"\x1f\x8b"):
                    return  # bytes after the end are ignored
                self.unpack = zlib.decompressobj(31)
            try:
                yield self.unpack.decompress(packed, PIECE)
            except zlib.error as error:
                raise DecompressionError(
                    f"The response claims to be compressed with {self.name}, but is not."
                ) from error
            packed = self.unpack.unused_data if self.unpack.eof else self.unpack.unconsumed_tail


def _has_zlib_head(packed: bytes) -> bool:
    """RFC 1950, section 2.2: method 8, and a check of both bytes."""
    return packed[0] & 15 == 8 and (packed[0] * 256 + packed[1]) % 31 == 0


class _Brotli:
    def __init__(self) -> None:
        self.unpack = brotli.Decompressor()
        self.has_begun = False

    @property
    def is_whole(self) -> bool:
        return not self.has_begun or bool(self.unpack.is_finished())

    def feed(self, packed: bytes) -> Iterator[bytes]:
        self.has_begun = True
        if self.unpack.is_finished():
            return
        try:
            yield self.unpack.process(packed, output_buffer_limit=PIECE)
            # asked until nothing comes: it says too soon that it has no more
            while piece := self.unpack.process(b"", output_buffer_limit=PIECE):
                yield piece
        except brotli.error as error:
            raise DecompressionError("The response claims to be compressed with br, but is not.") from error
