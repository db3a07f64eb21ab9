"""Reads a body as far as the expectations need; a stream or a large body is no failure."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from components import charsets, wire
from components.decompression import DecompressionError
from components.outcomes import Failure
from components.probers.base import Clock

MAX_BODY_BYTES = 1024 * 1024
REST = 10  # times as long as it took to judge what has come, until it is judged with what came since
# What goes on by nature: its end is nothing to wait for
ENDLESS = ("text/event-stream", "audio/", "video/", "multipart/x-mixed-replace", "application/x-ndjson")


@dataclass(slots=True)
class Answer:
    """What was read of a body: all of it, or as much as was needed, and why reading stopped."""

    data: bytearray = field(default_factory=bytearray)
    note: str = ""
    heard_ms: float = 0.0  # when the newest piece came

    def text(self, head: wire.Head) -> str:
        """The body as text."""
        return charsets.decoded(self.data, head.headers.get("content-type", ""))

    def holds(self, text: str, head: wire.Head) -> bool:
        """Whether the text is there, by the named charset or byte for byte, whatever its line endings."""
        return text.encode() in self.data or charsets.holds(
            self.data, head.headers.get("content-type", ""), text
        )


Enough = Callable[[Answer], bool] | None  # None: nothing is looked for


async def read(
    pieces: AsyncGenerator[bytes, None], head: wire.Head, clock: Clock, *, method: str, is_enough: Enough
) -> Answer:
    """Read a body from these pieces, as far as needed.

    Raises TooLargeError, MalformedAnswerError, DecompressionError, OSError.
    """
    clock.phase = Failure.TIMEOUT_TRANSFER
    began_ms = clock.total_ms
    answer = Answer(heard_ms=began_ms)
    try:
        length = wire.stated_length(head) if wire.has_body(head, method) else 0
        filling = _fill(answer, pieces, clock, is_enough)
        await (filling if length is not None else _patiently(filling, answer, head, clock, is_enough))
    except DecompressionError as error:
        if is_enough is not None or not error.is_unasked:
            raise
        answer.note = str(error)
    clock.seen["transfer_ms"] = (answer.heard_ms if answer.note else clock.total_ms) - began_ms
    if answer.note:
        clock.remark(answer.note)
    return answer


async def _fill(answer: Answer, pieces: AsyncGenerator[bytes, None], clock: Clock, is_enough: Enough) -> None:
    async with contextlib.aclosing(pieces):
        async for piece in pieces:
            answer.heard_ms = clock.total_ms
            room = MAX_BODY_BYTES - len(answer.data)
            answer.data += piece[:room]
            if len(piece) > room:
                if is_enough is not None and not is_enough(answer):
                    raise wire.TooLargeError("body")
                answer.note = "Larger than 1 MB: read the first 1 MB."
                return


async def _patiently(
    filling: Coroutine[Any, Any, None], answer: Answer, head: wire.Head, clock: Clock, is_enough: Enough
) -> None:
    """Read a body of unannounced length: wait a while, then stop once enough was read."""
    is_endless = head.headers.get("content-type", "").strip().lower().startswith(ENDLESS)
    task = asyncio.ensure_future(filling)
    wait_s = 0.01 if is_endless else clock.patience_s
    judged = -1
    try:
        while not (await asyncio.wait({task}, timeout=wait_s))[0]:
            began_ms = clock.total_ms
            if len(answer.data) != judged and (is_enough is None or is_enough(answer)):
                answer.note = "The body continues: read as far as needed."
                return
            judged = len(answer.data)
            took_s = (clock.total_ms - began_ms) / 1000
            wait_s = max(clock.patience_s / 4, REST * took_s)
        task.result()
    finally:
        if task.done():
            _read_error(task)
        else:
            task.cancel()
            task.add_done_callback(_read_error)
        del task  # else its error, which holds this frame and so the body, would hold itself


def _read_error(task: "asyncio.Future[None]") -> None:
    """Retrieve an error that comes after enough was read; asyncio would log it otherwise."""
    if not task.cancelled():
        task.exception()
