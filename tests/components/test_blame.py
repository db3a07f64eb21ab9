"""What is called our own fault is ours for sure: all else is the target's, and opens incidents."""

import asyncio
import contextlib
import errno
import os
import resource
import ssl

import pytest
from dnslib import QTYPE
from dnslib.server import DNSLogger, DNSServer

from components import blame, egress, probers
from components.egress import Egress, EgressError
from components.networks import literal_address
from components.outcomes import Failure
from components.probers import PROBERS, base
from tests.components.test_egress import Names
from tests.components.test_probers import OWN

OURS = ("EMFILE", "ENFILE", "ENETDOWN", "EADDRNOTAVAIL", "ENOBUFS", "ENOMEM", "EAFNOSUPPORT", "EPERM")
THEIRS = ("ECONNRESET", "EPIPE", "ETIMEDOUT", "EHOSTUNREACH", "ENETUNREACH", "EIO", "EPROTO", "EBADMSG",
          "ECONNABORTED", "EACCES", "EINVAL")  # fmt: skip
OF_TLS = [
    ssl.SSLError(1, "[SSL] internal error"), ssl.SSLZeroReturnError(6, "TLS/SSL connection has been closed"),
    ssl.SSLEOFError(8, "EOF occurred in violation of protocol"), ssl.SSLSyscallError(5, "Some I/O error"),
    ssl.SSLCertVerificationError(1, "certificate verify failed"), ssl.SSLError(24, "as EMFILE is"),
    ssl.SSLError(),
]  # fmt: skip
PHASES = list(base.PHASES)


def os_error(name):
    number = getattr(errno, name)
    return OSError(number, os.strerror(number))


def a_clock(phase, **seen):
    clock = base.Clock()
    clock.phase = phase
    clock.seen.update(seen)
    return clock


@pytest.mark.parametrize("name", OURS + THEIRS)
def test_only_errors_of_this_machine_are_ours_at_every_step(name):
    whose = {name in OURS}
    for phase in PHASES:
        assert {base.broken_off(os_error(name), a_clock(phase)).failure is Failure.OWN_FAULT} == whose
    for error in (blame.dial_error(os_error(name), 80), blame.tls_error(os_error(name))):
        assert {error.failure is Failure.OWN_FAULT} == whose


@pytest.mark.parametrize("error", OF_TLS, ids=repr)
def test_what_goes_wrong_with_tls_is_never_ours_whatever_its_number(error):
    for phase in PHASES:
        assert base.broken_off(error, a_clock(phase)).failure is Failure.TLS
    assert blame.tls_error(error).failure is Failure.TLS
    assert blame.tls_error(ValueError("a name too long for SNI")).failure is Failure.TLS


class Stumbles:
    """A prober that ends in an error nobody foresaw, after this was seen."""

    kind = "http"

    def __init__(self, error, phase, seen):
        self.error, self.phase, self.seen = error, phase, seen

    async def run(self, order, clock, door):
        clock.phase = self.phase
        clock.seen.update(self.seen)
        raise self.error


@pytest.mark.parametrize(
    ("error", "phase", "seen", "is_ours"),
    [
        (error, phase, {"dns_ms": 1.0}, phase is Failure.TIMEOUT_CONNECT)
        for error in (
            ValueError("x"), KeyError("x"), TypeError("x"), AttributeError("x"), RecursionError(),
            UnicodeError(),
            OverflowError(), RuntimeError("x"), AssertionError(), StopAsyncIteration(), ssl.SSLError(1, "x"),
        )
        for phase in PHASES
    ]
    + [
        # before anybody was asked
        (ValueError("x"), Failure.TIMEOUT_DNS, {}, True),
        # led there by a redirect
        (ValueError("x"), Failure.TIMEOUT_DNS, {"facts": {"hop": "2"}}, False),
        (ValueError("x"), Failure.TIMEOUT_CONNECT, {"dns_ms": 1.0, "facts": {"hop": "2"}}, False),
    ]
    + [
        (error, Failure.TIMEOUT_TRANSFER, {}, True)
        for error in (MemoryError(), NameError("x"), ImportError("x"), os_error("EMFILE"))
    ],
)  # fmt: skip
def test_what_nobody_foresaw_is_ours_only_while_nobody_has_spoken(error, phase, seen, is_ours):
    check = base.carry_out(Stumbles(error, phase, seen), None, deadline_s=1, egress=None)
    reading = asyncio.run(check)
    assert (reading.failure is Failure.OWN_FAULT) is is_ours
    assert reading.detail.endswith(".")


def test_an_unreachable_network_is_ours_only_without_a_route():
    """A router on the way says by ICMP, in the same words, that the target's network is gone."""
    unreachable = os_error("ENETUNREACH")
    assert blame.dial_error(unreachable, 80, has_route=True).failure is Failure.UNREACHABLE
    assert blame.dial_error(unreachable, 80, has_route=False).failure is Failure.OWN_FAULT
    assert egress.has_route(literal_address("127.0.0.1"))
    assert not egress.has_route(literal_address("ff01::1%99"))


def test_no_file_left_for_a_socket_is_ours(target):
    """A real process at its limit of open files."""

    async def look():
        order = PROBERS["http"].parse(target.url, {})
        door = Egress(OWN)
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        taken = [os.open(os.devnull, os.O_RDONLY)]
        resource.setrlimit(resource.RLIMIT_NOFILE, (taken[0] + 3, limits[1]))
        try:
            with contextlib.suppress(OSError):
                while True:
                    taken.append(os.open(os.devnull, os.O_RDONLY))
            return await probers.check("http", order, deadline_s=3, egress=door)
        finally:
            for file in taken:
                os.close(file)
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)

    assert asyncio.run(look()).failure is Failure.OWN_FAULT


class Mute(Names):
    """A resolver that answers nothing but these questions."""

    def __init__(self, answered):
        super().__init__({})
        self.answered = answered

    def resolve(self, request, handler):
        if str(request.q.qname) not in self.answered:
            raise RuntimeError("dropped")  # dnslib answers nothing then
        return super().resolve(request, handler)


@pytest.mark.parametrize(
    ("answered", "failure"),
    [((), Failure.OWN_FAULT), ((".",), Failure.TIMEOUT_DNS), (("localhost.",), Failure.TIMEOUT_DNS)],
)
def test_a_silent_name_is_ours_only_if_our_resolver_knows_nothing_else_either(answered, failure):
    """One without a way to the internet cannot say where the root is, and is alive."""
    quiet = DNSLogger(log="-recv,-send,-request,-reply,-truncated,-error,-data")
    server = DNSServer(Mute(answered), address="127.0.0.1", port=0, logger=quiet)
    server.server.handle_error = lambda *_: None
    server.start_thread()
    door = Egress(nameservers=[("127.0.0.1", server.server.server_address[1])])
    door.lookup.resolver.lifetime = door.lookup.resolver.timeout = 0.3
    try:
        with pytest.raises(EgressError) as silent:
            asyncio.run(door.query("shop.example", QTYPE[1]))
    finally:
        server.stop()
        server.server.server_close()
    assert silent.value.failure is failure


@pytest.mark.parametrize(
    ("answered", "failure"),
    [((), Failure.OWN_FAULT), ((".",), Failure.TIMEOUT_DNS), (("localhost.",), Failure.TIMEOUT_DNS)],
)
@pytest.mark.parametrize(("kind", "target"), [("dns", "shop.example"), ("http", "http://shop.example/")])
def test_a_short_deadline_does_not_make_our_silent_resolver_a_fault_of_every_target(
    answered, failure, kind, target
):
    """The look-up itself gives up after 5 s: a probe with less time was down."""
    quiet = DNSLogger(log="-recv,-send,-request,-reply,-truncated,-error,-data")
    server = DNSServer(Mute(answered), address="127.0.0.1", port=0, logger=quiet)
    server.server.handle_error = lambda *_: None
    server.start_thread()
    door = Egress(nameservers=[("127.0.0.1", server.server.server_address[1])])
    order = PROBERS[kind].parse(target, {})
    try:
        reading = asyncio.run(probers.check(kind, order, deadline_s=2, egress=door))
    finally:
        server.stop()
        server.server.server_close()
    assert reading.failure is failure


class Garbles(asyncio.DatagramProtocol):
    """A name server whose answers carry the right number and question, and then this."""

    def __init__(self, rest):
        self.rest = rest

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, whence):
        counts = b"\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00"
        self.transport.sendto(data[:2] + counts + data[12:].partition(b"\0\0)")[0] + self.rest, whence)


RECORD = b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x01"


@pytest.mark.parametrize(
    "rest",
    [
        b"", b"\xc0", b"\xc0\xff\x00\x01", RECORD + b"\xff\xff\x01", RECORD + b"\x00\x03\x01\x02\x03",
        b"\xc0\x0c\x00\x10\x00\x01\x00\x00\x00\x01\x00\x02\xff\x00",
        b"\x80\x80" * 40, b"\xc0\x0c" * 200,
    ],
)  # fmt: skip
def test_a_name_server_that_answers_garbage_is_never_our_fault(rest):
    async def ask():
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: Garbles(rest), local_addr=("127.0.0.1", 0)
        )
        door = Egress(nameservers=[transport.get_extra_info("sockname")])
        order = PROBERS["dns"].parse("shop.example", {"expect": "192.0.2.1"})
        try:
            return await probers.check("dns", order, deadline_s=0.5, egress=door)
        finally:
            transport.close()

    reading = asyncio.run(ask())
    assert reading.failure not in (None, Failure.OWN_FAULT), reading


@pytest.mark.parametrize(
    ("reason", "says"),
    [
        ("[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1006)", "does not speak TLS on this port"),
        ("[SSL: RECORD_LAYER_FAILURE] record layer failure (_ssl.c:1010)", "does not speak TLS on this port"),
        ("[SSL: UNSUPPORTED_PROTOCOL] unsupported protocol (_ssl.c:997)", "no version of TLS"),
        ("[SSL: TLSV1_ALERT_PROTOCOL_VERSION] tlsv1 alert protocol version (_ssl.c:1)", "no version of TLS"),
        ("[SSL: SSLV3_ALERT_HANDSHAKE_FAILURE] sslv3 alert handshake failure (_ssl.c:9)", "in common"),
        ("[SSL: ODD_THING] odd thing (_ssl.c:1006)", "TLS handshake failed: odd thing."),
        (
            "EOF occurred in violation of protocol",
            "TLS handshake failed: eof occurred in violation of protocol.",
        ),
    ],
)
def test_what_openssl_says_of_a_handshake_is_said_in_words(reason, says):
    sentence = blame.sentence_of_tls(ssl.SSLError(1, reason))
    assert says in sentence
    assert "ssl.c" not in sentence
