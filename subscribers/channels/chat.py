"""What chat channels share: one POST of the vendor's body, and how its answer is read.

No text of an answer is shown to anyone: an address may lead anywhere, and it holds a key. Each vendor
has our own sentences for its known answers.
"""

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import SplitResult

from components.egress import Egress
from subscribers.channels.http_post import FAILURES, Answer, failed, post
from subscribers.channels.kind import Body, ChannelKind, nothing_wrong
from subscribers.delivery.envelope import End, Envelope, Result

JSON = "application/json; charset=utf-8"
MAX_PAUSE_S = 10**9  # JSON may hold integers too large for a float


def channel(
    *,
    body: Callable[[Envelope], Body],
    read: Callable[[Answer], Result],
    example: str,
    how: str,
    host: str = "",
    path: str = "",
    target: Callable[[str], str] = str,
    refusal: Callable[[SplitResult], str] = nothing_wrong,
    icon: str = "",
    short_label: str = "",
) -> ChannelKind:
    """A vendor's channel. `target`: the address it is posted to; `host`, `path`: regular expressions."""

    async def send(envelope: Envelope, egress: Egress) -> Result:
        text = json.dumps(body(envelope), ensure_ascii=False, separators=(",", ":")).encode()
        try:
            answer = await post(egress, target(envelope.address), text, {"Content-Type": JSON}, reads=True)
        except FAILURES as error:
            return failed(error)
        return read(answer)

    return ChannelKind(
        send=send,
        body=body,
        example=example,
        how=(how,),
        host=re.compile(host) if host else None,
        path=re.compile(path) if path else None,
        refusal=refusal,
        icon=icon,
        short_label=short_label,
    )


def gone(answer: Answer, why: str) -> Result:
    """The address is gone for good: nothing more is sent there."""
    return Result(End.GONE, answer=answer.status, why=why)


def later(answer: Answer, why: str, asked_s: Any = None) -> Result:
    """Try again later; `asked_s`: the vendor's own pause in seconds, unchecked, if it gave one."""
    is_number = isinstance(asked_s, int | float) and not isinstance(asked_s, bool)
    pause = float(min(max(asked_s, 0), MAX_PAUSE_S)) if is_number else answer.retry_after_s
    return Result(End.LATER, answer.status, why, pause)


def answer_object(answer: Answer) -> dict[str, Any]:
    """The answer's JSON object; empty if it is something else."""
    try:
        value = json.loads(answer.body)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
