"""SMTP and IMAP probes: aiosmtpd with STARTTLS, a small IMAP server, and servers that break the rules."""

import pytest

from components.egress import Egress
from components.outcomes import Expectation, Failure, Outcome, classify
from components.probers import PROBERS, InvalidProbeError
from tests.certificates import make
from tests.components.test_probers import OWN, look
from tests.subscribers.mailbox import Mailbox, secured
from tests.targets import Raw

LOGIN = {"user": "ada", "password": "open sesame"}


@pytest.fixture
def pair(tmp_path):
    """Key and certificate of 127.0.0.1, with 30 days left."""
    return make(tmp_path, "127.0.0.1")


def trusting(pair):
    return Egress(OWN, ca_file=str(pair[1]))


def smtp(box, options=None, **more):
    return look("smtp", f"127.0.0.1:{box.port}", options, **more)


def test_a_mail_server_is_asked_up_to_its_certificate(pair):
    with Mailbox(tls=secured(*pair)) as box:
        reading = smtp(box, egress=trusting(pair))
    assert (reading.failure, reading.detail) == (None, "")
    assert reading.days_left == 30
    assert reading.facts["cert_name"] == "127.0.0.1"
    times = (reading.connect_ms, reading.tls_ms, reading.first_byte_ms, reading.transfer_ms)
    assert None not in times
    assert classify(reading, Expectation(least_days_left=60))[0] is Outcome.DEGRADED


def test_an_untrusted_certificate_after_starttls_is_down(pair):
    with Mailbox(tls=secured(*pair)) as box:
        reading = smtp(box)
    assert reading.failure is Failure.TLS
    assert reading.detail.startswith("After STARTTLS: The certificate is not valid")


def test_a_login_is_right_or_wrong(pair):
    with Mailbox(tls=secured(*pair), login=tuple(LOGIN.values())) as box:
        right = smtp(box, LOGIN, egress=trusting(pair))
        wrong = smtp(box, {**LOGIN, "password": "guess"}, egress=trusting(pair))
    assert (right.failure, right.detail) == (None, "")
    assert (wrong.failure, wrong.detail) == (
        Failure.STATUS,
        "The server rejects the user or password: 535.",
    )


def test_a_server_without_starttls_is_down_and_up_when_none_is_wanted():
    with Mailbox() as box:
        assert smtp(box).detail == "The server does not offer STARTTLS."
        assert smtp(box, {"tls": "none"}).failure is None


def says(*lines, until=b"\n"):
    """A server that sends these lines, each after a line of the client; the first at once."""

    async def behave(reader, writer):
        writer.write(lines[0])
        for line in lines[1:]:
            await reader.readuntil(until)
            writer.write(line)
        await writer.drain()
        await reader.read(-1)

    return Raw(behave)


HELLO = b"250-mail\r\n250 STARTTLS\r\n"


@pytest.mark.parametrize(
    ("lines", "failure", "words"),
    [
        ((b"421 Too many connections\r\n",), Failure.STATUS, "greets with 421"),
        ((b"554 No service\r\n",), Failure.STATUS, "greets with 554"),
        ((b"220 hi\r\n", b"502 what?\r\n"), Failure.STATUS, "refuses EHLO: 502"),
        ((b"220 hi\r\n", HELLO, b"454 no TLS now\r\n"), Failure.STATUS, "refuses STARTTLS: 454"),
        ((b"220 hi\r\n", HELLO, b"220 go\r\n250 injected\r\n"), Failure.PROTOCOL, "plain text after"),
        ((b"220 hi\r\n", HELLO, b"220 go\r\n", b"no handshake\r\n" * 9), Failure.TLS, "After STARTTLS"),
        ((b"HTTP/1.1 400 Bad Request\r\n",), Failure.PROTOCOL, "not SMTP"),
        ((b"220-more\r\n" * 200,), Failure.PROTOCOL, "does not end"),
        ((b"220 " + b"x" * 200_000,), Failure.PROTOCOL, "too long"),
        ((b"\xff\xfe\x00\r\n",), Failure.PROTOCOL, "not SMTP"),
    ],
)  # fmt: skip
def test_what_a_mail_server_may_say_instead(lines, failure, words):
    with says(*lines) as server:
        reading = look("smtp", f"127.0.0.1:{server.port}")
    assert reading.failure is failure
    assert words in reading.detail


def test_a_server_that_does_not_greet_is_late():
    with says(b"") as server:
        reading = look("smtp", f"127.0.0.1:{server.port}", deadline_s=0.5)
    assert (reading.failure, reading.first_byte_ms) == (Failure.TIMEOUT_FIRST_BYTE, None)


class Imap(Raw):
    """A server that knows CAPABILITY, STARTTLS, LOGIN and LOGOUT."""

    def __init__(self, pair, *, offers="IMAP4rev1 STARTTLS", implicit=False):
        self.context, self.offers, self.logins = secured(*pair), offers, []
        super().__init__(self.talk, tls=self.context if implicit else None)

    async def talk(self, reader, writer):
        writer.write(b"* OK [CAPABILITY IMAP4rev1] ready\r\n")
        while line := (await reader.readline()).decode().strip():
            tag, command, *rest = line.split(" ", 2)
            if command == "CAPABILITY":
                writer.write(f"* CAPABILITY {self.offers}\r\n{tag} OK done\r\n".encode())
            elif command == "STARTTLS":
                writer.write(f"{tag} OK begin\r\n".encode())
                await writer.start_tls(self.context)
            elif command == "LOGIN":
                self.logins.append(rest[0])
                ok = rest[0] == r'"a\"d\\a" "open sesame"'
                writer.write(f"{tag} {'OK hi' if ok else 'NO [AUTHENTICATIONFAILED]'}\r\n".encode())
            else:
                writer.write(f"* BYE\r\n{tag} OK bye\r\n".encode())


ADA = {"user": 'a"d\\a', "password": "open sesame"}


@pytest.mark.parametrize("tls", ["starttls", "tls"])
def test_an_imap_server_is_asked_up_to_the_login(pair, tls):
    with Imap(pair, implicit=tls == "tls") as server:
        at = f"127.0.0.1:{server.port}"
        right = look("imap", at, {"tls": tls, **ADA}, egress=trusting(pair))
        wrong = look("imap", at, {"tls": tls, **ADA, "password": "x"}, egress=trusting(pair))
        none = look("imap", at, {"tls": tls}, egress=trusting(pair))
    assert (right.failure, right.detail, right.days_left) == (None, "", 30)
    assert (wrong.failure, wrong.detail) == (Failure.STATUS, "The server rejects the user or password.")
    assert none.failure is None
    assert len(server.logins) == 2


def test_an_imap_server_that_takes_no_password_is_told_none(pair):
    with Imap(pair, offers="IMAP4rev1 STARTTLS LOGINDISABLED") as server:
        reading = look("imap", f"127.0.0.1:{server.port}", {"tls": "starttls", **ADA}, egress=trusting(pair))
    assert (reading.failure, server.logins) == (Failure.STATUS, [])


@pytest.mark.parametrize(
    ("lines", "failure", "words"),
    [
        ((b"* BYE overloaded\r\n",), Failure.STATUS, "greets with BYE"),
        ((b"* OK hi\r\n", b"a1 BAD no\r\n"), Failure.STATUS, "refuses CAPABILITY"),
        ((b"* OK hi\r\n", b"* BYE shutting down\r\n"), Failure.STATUS, "says BYE"),
        ((b"* OK hi\r\n", b"* CAPABILITY IMAP4rev1\r\na1 OK\r\n"), Failure.STATUS, "not offer STARTTLS"),
        ((b"* OK hi\r\n", b"* CAPABILITY STARTTLS\r\na1 OK\r\n", b"a2 OK\r\na3 OK\r\n"),
         Failure.PROTOCOL, "plain text after"),
        ((b"* OK hi\r\n", b"* more\r\n" * 200), Failure.PROTOCOL, "does not end"),
        ((b"+OK POP3 ready\r\n",), Failure.PROTOCOL, "not IMAP"),
        ((b"* OK hi\r\n", b"junk\r\n"), Failure.PROTOCOL, "not IMAP"),
    ],
)  # fmt: skip
def test_what_an_imap_server_may_say_instead(lines, failure, words):
    with says(*lines) as server:
        reading = look("imap", f"127.0.0.1:{server.port}", {"tls": "starttls"})
    assert reading.failure is failure
    assert words in reading.detail


@pytest.mark.parametrize(
    ("kind", "options", "field"),
    [
        ("smtp", {"user": "ada"}, "password"),
        ("smtp", {"password": "x"}, "user"),
        ("smtp", {**LOGIN, "tls": "none"}, "tls"),
        ("imap", {"user": "ada", "password": "x\r\na9 DELETE INBOX"}, "password"),
        ("imap", {"tls": "maybe"}, "tls"),
    ],
)
def test_what_cannot_be_meant_is_refused(kind, options, field):
    with pytest.raises(InvalidProbeError) as refused:
        PROBERS[kind].parse("mail.example.org", options)
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("kind", "options", "port"),
    [("smtp", {}, 25), ("smtp", {"tls": "tls"}, 465), ("imap", {}, 993), ("imap", {"tls": "starttls"}, 143)],
)
def test_the_usual_port_follows_from_how_tls_begins(kind, options, port):
    assert PROBERS[kind].parse("mail.example.org", options).port == port
    assert PROBERS[kind].parse(f"{kind}://mail.example.org:7", options).port == 7


def test_a_certificate_for_another_name_is_refused_after_starttls_too(pair):
    with Mailbox(tls=secured(*pair)) as box:
        reading = look("smtp", f"localhost:{box.port}", egress=trusting(pair))
    assert reading.failure is Failure.TLS
    assert "After STARTTLS" in reading.detail
