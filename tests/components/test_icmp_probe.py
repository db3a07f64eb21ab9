"""Ping, over real sockets where this machine may, and in a network with rules of its own."""

import asyncio
import ipaddress
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from components import echo
from components.egress import Egress
from components.models import Probe
from components.outcomes import Expectation, Failure, Outcome, classify
from components.probers import PROBERS, InvalidProbeError
from components.probers.base import Clock
from components.probers.icmp import _judged
from tests.components.test_probers import look

may_ping = pytest.mark.skipif(not echo.is_allowed(), reason="needs CAP_NET_RAW or ping_group_range")
SIX = pytest.mark.skipif(not Path("/proc/net/if_inet6").exists(), reason="no IPv6")
ROOT = Path(__file__).resolve().parent.parent.parent
QUICK = {"count": "3", "interval_ms": "20"}


@may_ping
@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "127.9.9.9", pytest.param("::1", marks=SIX)],
)
def test_a_host_that_answers_is_up_with_its_times(address):
    reading = look("icmp", address, QUICK)
    assert (reading.failure, reading.degraded) == (None, "")
    assert (reading.address, reading.facts["loss"]) == (address, "0 of 3")
    assert reading.facts["rtt"].endswith("ms (min / median / max)")
    assert 0 < reading.first_byte_ms == reading.total_ms < 1000


@may_ping
def test_many_at_once_keep_their_replies_apart():
    async def go():
        echoes = [echo.open_echo(ipaddress.ip_address(f"127.0.1.{n}")) for n in range(1, 41)]
        try:
            return await asyncio.gather(*(echo.ask(e, count=3, interval_s=0.02, wait_s=2) for e in echoes))
        finally:
            for one in echoes:
                one.close()

    answers = asyncio.run(go())
    assert all(took is not None for times in answers for took in times)


@pytest.mark.parametrize(
    ("times", "options", "outcome", "words"),
    [
        ([1.0, 2.0, 3.0, 9.0], {}, Outcome.UP, ""),
        ([1.0, None, 3.0, 9.0], {}, Outcome.DEGRADED, "1 of 4 replies are missing (25%); the limit is 0%."),
        ([1.0, None, 3.0, 9.0], {"loss_degraded_above": "25"}, Outcome.UP, ""),
        ([1.0, None, None, None], {"loss_down_above": "50"}, Outcome.DOWN, "the limit is 50%"),
        ([1.0, None, None, None], {}, Outcome.DEGRADED, "3 of 4"),
        ([None, None], {}, Outcome.DOWN, "No reply to any echo request."),
    ],
)
def test_loss_is_judged_by_its_limits(times, options, outcome, words):
    order = PROBERS["icmp"].parse("192.0.2.1", options)
    reading = _judged(order, times, Clock())
    found, why = classify(reading, Expectation())
    assert (found, words in why) == (outcome, True)
    replies = sorted(took for took in times if took is not None)
    if replies:
        assert reading.total_ms == pytest.approx(
            (replies[(len(replies) - 1) // 2] + replies[len(replies) // 2]) / 2
        )


@pytest.mark.parametrize("packet", [b"", b"\x45", b"\x4f" + b"\0" * 90, os.urandom(200)])
def test_foreign_packets_are_no_reply(packet):
    """A datagram socket of UDP stands in for one that receives whatever others send."""
    one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    asking = echo.Echo(ipaddress.ip_address("127.0.0.1"), one, is_raw=True)
    try:
        other.send(packet)
        assert asking.reply() is None
    finally:
        one.close()
        other.close()


def test_the_checksum_is_that_of_the_standard():
    """The example of RFC 1071, section 3."""
    assert echo.checksum(bytes([0x00, 0x01, 0xF2, 0x03, 0xF4, 0xF5, 0xF6, 0xF7])) == 0x220D
    assert echo.checksum(b"\x01") == 0xFEFF


def test_a_private_address_is_not_asked_without_leave():
    reading = look("icmp", "127.0.0.1", QUICK, egress=Egress())
    assert reading.failure is Failure.DENIED
    reading = look(
        "icmp", "127.0.0.1", QUICK, egress=Egress(["127.0.0.1:80"])
    )  # one port is no leave to ping
    assert reading.failure is Failure.DENIED


def test_more_than_fits_the_timeout_is_our_fault_not_theirs():
    reading = look("icmp", "127.0.0.1", {"count": "20", "interval_ms": "200"}, deadline_s=1.0)
    assert reading.failure is Failure.OWN_FAULT


SCRIPT = """
import asyncio, fcntl, os, socket, struct, sys
from pathlib import Path

import ipaddress
from components import echo, probers
from components.egress import Egress
from components.outcomes import Expectation, classify

def leave_root():
    os.setgroups([]); os.setgid(65534); os.setuid(65534)

def rule(name, text):
    Path("/proc/sys/net/ipv4", name).write_text(text)

with socket.socket() as line:  # loopback begins as down
    fcntl.ioctl(line, 0x8914, struct.pack("16sh", b"lo", 0x1 | 0x40))
prober = probers.PROBERS["icmp"]
{first}
order = prober.parse("127.0.0.1", {{"count": "2", "interval_ms": "20"}})
reading = asyncio.run(probers.check("icmp", order, deadline_s=3, egress=Egress(["127.0.0.0/8"])))
print(*classify(reading, Expectation()), dict(reading.facts))
print("raw" if echo.is_allowed() and echo.open_echo(ipaddress.ip_address("127.0.0.1")).is_raw else "datagram")
try:
    prober.refuse_untried(order, Egress())
except probers.InvalidProbeError as error:
    print("refused:", error)
"""


def alone(first):
    """What the script prints in a network of its own, after these lines."""
    if os.geteuid() != 0 or not shutil.which("unshare"):
        pytest.skip("needs root and unshare, for a network of its own")
    done = subprocess.run(
        ["unshare", "-n", sys.executable, "-W", "ignore", "-c", SCRIPT.format(first=first)],
        capture_output=True, text=True, check=False, timeout=60, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    if "unshare failed" in done.stderr:
        pytest.skip("may not make a network of its own here")
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_host_that_never_answers_is_down():
    said = alone("rule('icmp_echo_ignore_all', '1')")
    assert said.startswith("down No reply to any echo request.")
    assert "2 of 2" in said


def test_without_leave_it_is_refused_at_save_and_unknown_when_stored():
    said = alone("leave_root()")
    assert said.startswith("unknown This machine may not send ICMP echo requests")
    assert "refused: kind: This machine may not send" in said


def test_a_group_that_may_ping_needs_no_privilege():
    said = alone("rule('ping_group_range', '0 2147483647'); leave_root()")
    assert said.startswith("up ")
    assert "datagram" in said
    assert "refused" not in said


@pytest.mark.parametrize(
    ("target", "options", "field"),
    [
        ("example.org:80", {}, "target"),
        ("", {}, "target"),
        ("example.org", {"count": "0"}, "count"),
        ("example.org", {"count": "21"}, "count"),
        ("example.org", {"interval_ms": "1"}, "interval_ms"),
        ("example.org", {"loss_degraded_above": "60", "loss_down_above": "50"}, "loss_degraded_above"),
    ],
)
def test_what_cannot_be_meant_is_refused(target, options, field):
    with pytest.raises(InvalidProbeError) as refused:
        PROBERS["icmp"].parse(target, options)
    assert refused.value.field == field


def test_an_address_is_read_with_and_without_brackets():
    for text in ("::1", "[::1]", "icmp://[::1]"):
        assert PROBERS["icmp"].parse(text, {}).host == "::1"
    assert Probe(kind="icmp", target="::1").order().host == "::1"
