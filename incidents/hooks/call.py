"""The signed request of an act, and its one attempt through the egress door."""

import asyncio
import contextlib
import json
import time
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from components import webhook_signature
from components.egress import Egress, EgressError
from components.texts import one_line
from incidents.models import Act, ActState, Hook
from incidents.models.act import MAX_EXCERPT_LENGTH

AGENT = "statuspage/1 (+hooks)"
MAX_ANSWER_BYTES = 4_096
BODY_S = 2.0  # for the rest of a response whose status is known
SPARE_S = 1.0  # our own deadline is the one that counts; the transport's comes after it


@dataclass(frozen=True, slots=True)
class Order:
    """What is sent: where, the bytes that are signed, the secrets that sign, and until when (s)."""

    key: str
    url: str
    body: bytes
    secrets: tuple[str, ...]
    deadline_s: float

    def headers(self, timestamp: int) -> dict[str, str]:
        """Of the request made at this second (since 1970)."""
        signed = webhook_signature.headers(self.key, timestamp, self.body, self.secrets)
        return {"User-Agent": AGENT, "Content-Type": "application/json", **signed}


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of it. `status` None: there was no response; `why` is then a sentence."""

    key: str
    state: ActState
    status: int | None = None
    excerpt: str = ""
    why: str = ""
    took_ms: int = 0


def order(act: Act, hook: Hook, now: datetime) -> Order:
    """The request of this act. Raises DecryptionError."""
    return Order(act.key, hook.url, body(act), tuple(hook.secrets(now)), float(hook.deadline_s))


def body(act: Act) -> bytes:
    """JSON in the shape that Standard Webhooks recommends: `type`, `timestamp`, `data`."""
    incident, component = act.incident, act.component
    at = act.started_at or act.created_at
    said = {
        "type": "hook.act",
        "timestamp": at.isoformat(timespec="seconds").replace("+00:00", "Z"),
        "data": {
            "id": act.key,
            "action": act.action,
            "hook": act.hook_name,
            "component": {"id": component.public_id, "name": component.name},
            "incident": {
                "id": incident.public_id,
                "title": incident.title,
                "url": f"{settings.PUBLIC_URL}/console/incidents/{incident.public_id}",
            },
            "failure": act.failure,
            "causes": list(act.causes),
            "automatic": act.is_automatic,
        },
    }
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()


async def send(it: Order, door: Egress) -> Answer:
    """One attempt under its one deadline. Never raises, never outlives it."""
    from components import transport  # late: with httpx it takes 6 MiB

    began = time.monotonic()
    try:
        async with asyncio.timeout(it.deadline_s) as limit:
            status, excerpt = await _post(it, door, limit.when() or 0.0)
    except TimeoutError:
        why = f"No response within {it.deadline_s:g} s."
        return Answer(it.key, ActState.TIMED_OUT, why=why, took_ms=_since(began))
    except transport.ERRORS as error:
        return Answer(it.key, ActState.FAILED, why=_sentence(error), took_ms=_since(began))
    if 200 <= status < 300:
        return Answer(it.key, ActState.ANSWERED, status, excerpt, took_ms=_since(began))
    more = ": redirects are not followed" if 300 <= status < 400 else ""
    why = f"Responded with {status}{more}."
    return Answer(it.key, ActState.FAILED, status, excerpt, why, _since(began))


async def _post(it: Order, door: Egress, ends_at: float) -> tuple[int, str]:
    from components import transport

    client = transport.client(door, deadline_s=it.deadline_s + SPARE_S, most_bytes=MAX_ANSWER_BYTES)
    headers = it.headers(int(time.time()))
    async with client, client.stream("POST", it.url, content=it.body, headers=headers) as answer:
        received = bytearray()
        now = asyncio.get_running_loop().time()
        # the status decides: a body that hangs, ends early or is too large changes nothing
        with contextlib.suppress(TimeoutError, *transport.ERRORS):
            async with asyncio.timeout_at(min(now + BODY_S, ends_at - SPARE_S / 10)):
                async for piece in answer.aiter_bytes():
                    received += piece
        return answer.status_code, _excerpt(bytes(received))


def _excerpt(received: bytes) -> str:
    return one_line(received.decode("utf-8", "replace"))[:MAX_EXCERPT_LENGTH]


def _sentence(error: BaseException) -> str:
    """Our own sentence for staff where the door has one."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, EgressError):
            return cause.sentence
        cause = cause.__cause__
    return str(error) or "The connection was closed."


def _since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)
