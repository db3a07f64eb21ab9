"""Receivers that hang, refuse, redirect, lie or drip: one call each, always over in time."""

import asyncio
import time

import pytest

from components.egress import Egress
from incidents.hooks import call
from incidents.hooks.call import Order
from incidents.models import ActState
from tests.incidents.hooks.making import secret
from tests.targets import Raw, Target

LOOPBACK = Egress(["127.0.0.0/8"])


def sent(url, deadline_s=2.0, door=LOOPBACK):
    return asyncio.run(call.send(Order("act_1", url, b"{}", (secret,), deadline_s), door))


async def silent(reader, writer):
    await asyncio.sleep(60)


async def drips(reader, writer):
    for letter in "HTTP/1.1 200 OK":
        writer.write(letter.encode())
        await asyncio.sleep(0.5)


async def hangs_in_its_body(reader, writer):
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 202 Accepted\r\nContent-Length: 100\r\n\r\npart")
    await writer.drain()
    await asyncio.sleep(60)


async def endless(reader, writer):
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        writer.write(b"x" * 4096)
        await writer.drain()


async def no_http(reader, writer):
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"SSH-2.0-OpenSSH_9.2\r\n")
    await writer.drain()


async def closes(reader, writer):
    await reader.readuntil(b"\r\n\r\n")


@pytest.mark.parametrize("behave", [silent, drips])
def test_a_receiver_without_an_answer_is_over_at_the_deadline(behave):
    with Raw(behave) as receiver:
        began = time.monotonic()
        answer = sent(f"http://127.0.0.1:{receiver.port}/", 1.0)
        assert time.monotonic() - began < 10
    assert (answer.state, answer.status, receiver.taken) == (ActState.TIMED_OUT, None, 1)
    assert answer.why == "No response within 1 s."


@pytest.mark.parametrize("behave", [hangs_in_its_body, endless])
def test_the_status_decides_whatever_the_body_does(behave):
    with Raw(behave) as receiver:
        answer = sent(f"http://127.0.0.1:{receiver.port}/", 1.0)
    assert (answer.state, answer.status in (200, 202)) == (ActState.ANSWERED, True)


@pytest.mark.parametrize("behave", [no_http, closes])
def test_what_is_no_answer_has_failed_and_is_not_sent_again(behave):
    with Raw(behave) as receiver:
        answer = sent(f"http://127.0.0.1:{receiver.port}/")
    assert (answer.state, answer.status, receiver.taken) == (ActState.FAILED, None, 1)
    assert answer.why.endswith(".")


@pytest.mark.parametrize("status", [301, 307, 400, 409, 500, 503])
def test_any_other_status_has_failed_and_is_not_followed(status):
    with Target() as other, Target() as receiver:
        receiver.answers, receiver.headers = status, {"Location": other.url}
        answer = sent(receiver.url)
        assert other.asked == []
    assert (answer.state, answer.status) == (ActState.FAILED, status)
    assert str(status) in answer.why


def test_a_refused_connection_says_so(free_port):
    answer = sent(f"http://127.0.0.1:{free_port}/")
    assert answer.state == ActState.FAILED
    assert "refused" in answer.why


def test_a_network_that_is_not_allowed_is_not_dialled(target):
    answer = sent(target.url, door=Egress([], setting="EGRESS_ALLOW (for recovery hooks)"))
    assert (answer.state, target.asked) == (ActState.FAILED, [])
    assert "EGRESS_ALLOW (for recovery hooks)" in answer.why
