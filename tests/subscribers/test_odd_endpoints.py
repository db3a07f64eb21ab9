"""Endpoints that answer late, endlessly, in pieces or not at all: who took a message is not sent it again."""

import asyncio
import ssl
import warnings
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from components.egress import Egress
from subscribers import channels
from subscribers.channels.http_post import Answer
from subscribers.delivery.envelope import End
from subscribers.states import CHATS, Channel
from tests import certificates
from tests.subscribers.letters import envelope
from tests.subscribers.mailbox import secured
from tests.targets import Raw

OK = b"HTTP/1.1 200 OK\r\n"
FOREVER = 30


async def request(reader):
    """Read it whole."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length"))
    await reader.readexactly(int(length.partition(b":")[2]))


def answers(*pieces, ends=True):
    """Says these, a number being a pause; then hangs up, or stays."""

    async def behave(reader, writer):
        await request(reader)
        for piece in pieces:
            if isinstance(piece, bytes):
                writer.write(piece)
                await writer.drain()
            else:
                await asyncio.sleep(piece)
        await asyncio.sleep(0.05 if ends else FOREVER)

    return behave


async def drips(reader, writer):
    await request(reader)
    writer.write(OK + b"\r\n")
    for _ in range(FOREVER * 20):
        writer.write(b"o")
        await writer.drain()
        await asyncio.sleep(0.05)


async def floods(reader, writer):
    await request(reader)
    writer.write(OK + b"\r\n")
    while True:
        writer.write(b"o" * 65_536)
        await writer.drain()


async def refuses_early(reader, writer):
    writer.write(b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n")
    await writer.drain()
    await asyncio.sleep(0.2)


TAKEN = {
    "without a body": answers(OK + b"content-length: 0\r\n\r\n"),
    "no length, stays": answers(OK + b"\r\nok", ends=False),
    "promises more, hangs up": answers(OK + b"content-length: 10\r\n\r\nok"),
    "promises more, stays": answers(OK + b"content-length: 10\r\n\r\nok", ends=False),
    "chunks without an end": answers(OK + b"transfer-encoding: chunked\r\n\r\n2\r\nok\r\n", ends=False),
    "no chunks": answers(OK + b"transfer-encoding: chunked\r\n\r\nzz\r\nok"),
    "not gzip": answers(OK + b"content-encoding: gzip\r\ncontent-length: 2\r\n\r\nok"),
    "unknown packing": answers(OK + b"content-encoding: zstd\r\ncontent-length: 2\r\n\r\nok"),
    "two lengths": answers(OK + b"content-length: 2\r\ncontent-length: 3\r\n\r\nok"),
    "drips": drips,
    "floods": floods,
    "late": answers(1.0, OK + b"content-length: 2\r\n\r\nok"),
    "early hints": answers(
        b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n", OK + b"content-length: 2\r\n\r\nok"
    ),
    "continues": answers(b"HTTP/1.1 100 Continue\r\n\r\n" * 5, OK + b"content-length: 2\r\n\r\nok"),
    "204 with a body": answers(b"HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n\r\nhello"),
    "202": answers(b"HTTP/1.1 202 Accepted\r\n\r\n"),
    "HTTP/1.0": answers(b"HTTP/1.0 200 OK\r\n\r\nok"),
    "trailing nonsense": answers(OK + b"content-length: 2\r\n\r\nokHTTP/1.1 500 No\r\n\r\n"),
}
FAILED = {
    "hangs up": (answers(), "closed"),
    "half a status": (answers(b"HTTP/1.1 2"), "not HTTP"),
    "half a head": (answers(OK + b"content-le"), "not HTTP"),
    "interim answers for ever": (answers(b"HTTP/1.1 100 Continue\r\n\r\n" * 9_000), "too large"),
    "a head without an end": (answers(OK + b"a: b\r\n" * 20_000), "too large"),
    "101": (answers(b"HTTP/1.1 101 Switching Protocols\r\n\r\n", ends=False), "Responded with 101"),
    "302": (answers(b"HTTP/1.1 302 Found\r\nlocation: /x\r\n\r\n"), "redirects are not followed"),
    "304": (answers(b"HTTP/1.1 304 Not Modified\r\n\r\n"), "Responded with 304"),
    "999": (answers(b"HTTP/1.1 999 No\r\n\r\n"), "Responded with 999"),
    "not HTTP": (answers(b"220 mail.example ESMTP\r\n"), "not HTTP"),
}
SAMPLE = (Channel.WEBHOOK, Channel.SLACK, Channel.TEAMS)


def send(channel, behave, *, tls=None):
    """One attempt, within the postman's deadline, and how long it took."""
    raw = Raw(behave, tls=tls)
    scheme = "https" if tls else "http"
    address = f"{scheme}://127.0.0.1:{raw.port}/x"
    given = {"secrets": ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",)} if channel == Channel.WEBHOOK else {}

    async def once():
        async with asyncio.timeout(8):
            made = envelope(channel=channel, address=address, **given)
            return await channels.senders()[channel](made, Egress(("127.0.0.0/8",)))

    try:
        return asyncio.run(once())
    finally:
        raw.close()


@pytest.mark.parametrize("channel", SAMPLE)
@pytest.mark.parametrize("how", TAKEN)
def test_who_says_that_it_took_a_message_has_it(channel, how):
    assert send(channel, TAKEN[how]).end is End.SENT


@pytest.mark.parametrize("channel", SAMPLE)
@pytest.mark.parametrize("how", FAILED)
def test_what_is_no_yes_is_tried_again_later_with_the_reason(channel, how):
    behave, why = FAILED[how]
    result = send(channel, behave)
    assert result.end is End.LATER
    assert why in result.why


@pytest.mark.parametrize("channel", CHATS)
def test_a_vendors_word_is_read_though_its_answer_never_ends(channel):
    gone = {
        Channel.SLACK: (404, b"no_service"),
        Channel.DISCORD: (404, b'{"code": 10015}'),
        Channel.TEAMS: (404, b'{"error": {"code": "WorkflowNotFound"}}'),
        Channel.GOOGLE_CHAT: (404, b""),
        Channel.MATTERMOST: (404, b'{"id": "web.incoming_webhook.invalid"}'),
        Channel.TELEGRAM: (403, b""),
    }
    status, word = gone[channel]
    head = f"HTTP/1.1 {status} No\r\n\r\n".encode()
    assert send(channel, answers(head + word, ends=False)).end is End.GONE


def test_an_endpoint_that_hangs_up_before_it_has_read_all_is_heard():
    assert send(Channel.WEBHOOK, refuses_early).end in (End.GONE, End.LATER)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_tls_that_is_old_is_refused_with_a_reason(version, tmp_path):
    context = secured(*certificates.make(tmp_path, "127.0.0.1"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # to be old is what it is here for
        context.minimum_version = context.maximum_version = version
    result = send(Channel.WEBHOOK, answers(OK + b"\r\n"), tls=context)
    assert result.end is End.LATER
    assert result.why


IN_10 = datetime.now(UTC) + timedelta(seconds=600)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120), (" 120 ", 120), ("0", 0), ("0120", 120), ("-5", None), ("+5", None), ("1.5", None),
        ("1e3", None), ("soon", None), ("", None), ("120, 30", None), ("٣", None),
        (f"{IN_10:%a, %d %b %Y %H:%M:%S} GMT", 600), (f"{IN_10:%A, %d-%b-%y %H:%M:%S} GMT", 600),
        (f"{IN_10:%a %b %e %H:%M:%S %Y}", 600), (f"{IN_10:%a, %d %b %Y %H:%M:%S} +0000", 600),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 0), ("Thu, 32 Nov 2026 08:49:37 GMT", None),
        (f"{IN_10:%Y-%m-%dT%H:%M:%S}Z", None),
    ],
    ids=lambda value: "text" if isinstance(value, str) else None,  # the same in each process: no clock in it
)  # fmt: skip
def test_a_retry_after_is_read_in_the_forms_of_the_standard_and_in_no_other(text, seconds):
    asked = Answer(429, {"retry-after": text}).retry_after_s
    if seconds is None:
        assert asked is None
    else:
        behind = (timezone.now() - IN_10).total_seconds() + 600
        assert asked is not None
        assert abs(asked - max(0, seconds - (behind if seconds == 600 else 0))) < 2
