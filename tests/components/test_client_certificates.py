"""A probe says who it is: to the origin it was made for, and to no other."""

import asyncio
import contextlib
import socket
import ssl
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from django.core.management import CommandError, call_command

from components import client_certificates, probers
from components.client_certificates import CertificateError, checked
from components.egress import Egress
from components.outcomes import Failure
from components.probers import PROBERS
from tests.certificates import make
from tests.components.test_probers import OWN

PEM = serialization.Encoding.PEM
NOW = datetime.now(UTC)
VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nwell"


def pair(*, days=30, begins=-1, authority=None, key=None, name="probe", others=()):
    """A client certificate and its key as PEM, signed by an authority (key, certificate) or by itself."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)] if name else [])
    signer, issuer = (authority[0], authority[1].subject) if authority else (key, name)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW + timedelta(days=min(begins, days - 1)))
        .not_valid_after(NOW + timedelta(days=days, hours=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    )
    if others:
        made = made.add_extension(x509.SubjectAlternativeName(others), critical=not name.rdns)
    made = made.sign(signer, hashes.SHA256())
    return made.public_bytes(PEM).decode(), in_clear(key)


def in_clear(key, lock=None):
    return key.private_bytes(
        PEM, serialization.PrivateFormat.PKCS8, lock or serialization.NoEncryption()
    ).decode()


class Demanding:
    """A TLS server that wants to know who asks: each line is (the name it was shown, what was said)."""

    def __init__(self, folder, *, trusts, version=None, answer=ANSWER, takes=ssl.CERT_REQUIRED):
        self.file = folder / "127.0.0.1-30.pem"
        key = self.file.with_suffix(".key") if self.file.exists() else make(folder, "127.0.0.1")[0]
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if version:
            self.context.minimum_version = self.context.maximum_version = version
        self.context.load_cert_chain(self.file, key)
        self.context.load_verify_locations(cadata=trusts)
        self.context.verify_mode = takes
        self.answer, self.lines = answer, []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.egress = Egress(OWN, ca_file=str(self.file))
        self.thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(5)

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                line, _ = self.listener.accept()
                line.settimeout(5)
                threading.Thread(target=self._talk, args=(line,), daemon=True).start()

    def _talk(self, line):
        """The alert comes behind the handshake in TLS 1.3; a close at once would overtake it."""
        with self.context.wrap_socket(line, server_side=True, do_handshake_on_connect=False) as secure:
            try:
                secure.do_handshake()
                subject = dict(row[0] for row in (secure.getpeercert() or {}).get("subject", ()))
                asked = secure.recv(4000)
                self.lines.append((subject.get("commonName", ""), asked))
                secure.sendall(self.answer)
            except OSError:
                time.sleep(0.3)


def look(server, kind, shown, *, path="/", **options):
    place = f"127.0.0.1:{server.port}"
    order = PROBERS[kind].parse(f"https://{place}{path}" if kind == "http" else place, options)
    order = replace(order, shown=client_certificates.of(*shown) if shown else None)
    return asyncio.run(probers.check(kind, order, deadline_s=4, egress=server.egress))


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind", ["http", "tls"])
def test_a_server_that_wants_to_know_who_asks_is_told(tmp_path, kind, version):
    ours = pair()
    with Demanding(tmp_path, trusts=ours[0], version=version) as server:
        reading = look(server, kind, ours)
        assert (reading.failure, reading.detail, reading.facts.get("note")) == (None, "", None)
        if kind == "http":
            assert server.lines[0][0] == "probe"


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind", ["http", "tls"])
def test_a_server_that_refuses_ours_is_down_and_says_why(tmp_path, kind, version):
    with Demanding(tmp_path, trusts=pair()[0], version=version) as server:
        reading = look(server, kind, pair())
    assert reading.failure is Failure.TLS
    assert reading.detail.startswith("The server rejects our client certificate: ")


def test_one_that_has_expired_meanwhile_and_is_refused_is_our_own_fault(tmp_path):
    ours = pair(days=-2)
    with Demanding(tmp_path, trusts=ours[0]) as server:
        reading = look(server, "http", ours)
    assert reading.failure is Failure.OWN_FAULT
    assert reading.detail.startswith("Our client certificate expired on ")


@pytest.mark.parametrize(
    ("days", "note"),
    [
        (3, "Our client certificate expires in 3 days: renew it."),
        (-2, "Our client certificate has expired: renew it."),
        (20, None),
    ],
)
@pytest.mark.parametrize("kind", ["http", "tls"])
def test_staff_are_told_in_time_while_the_target_is_well(tmp_path, kind, days, note):
    with Demanding(tmp_path, trusts=pair()[0], takes=ssl.CERT_NONE) as server:
        reading = look(server, kind, pair(days=days))
    assert (reading.failure, reading.facts.get("note")) == (None, note)


def test_it_is_shown_to_no_other_origin(tmp_path):
    ours = pair()
    with Demanding(tmp_path, trusts=ours[0], takes=ssl.CERT_OPTIONAL) as other:
        there = f"https://127.0.0.1:{other.port}/there".encode()
        moved = b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: " + there + b"\r\n\r\n"
        with Demanding(tmp_path, trusts=ours[0], answer=moved) as home:
            reading = look(home, "http", ours)
    assert (reading.failure, reading.status_code) == (None, 200)
    assert ([name for name, _ in home.lines], [name for name, _ in other.lines]) == (["probe"], [""])


def test_it_is_shown_on_the_way_within_the_origin(tmp_path):
    ours = pair()
    moved = b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: /again\r\n\r\n"
    with Demanding(tmp_path, trusts=ours[0], answer=moved) as server:
        assert look(server, "http", ours).failure is Failure.REDIRECT
    assert {name for name, _ in server.lines} == {"probe"}


def test_a_context_is_made_once_for_a_certificate(tmp_path):
    ours = client_certificates.of(*pair())
    again = client_certificates.of(ours.chain, ours.key)
    made = client_certificates.context(ours, None)
    assert client_certificates.context(again, None) is made
    assert client_certificates.context(client_certificates.of(*pair()), None) is not made


def test_a_key_is_in_no_words():
    chain, key = pair()
    assert key.splitlines()[1] not in repr(client_certificates.of(chain, key))


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
@pytest.mark.parametrize("make_key", [None, lambda: rsa.generate_private_key(65537, 2048)])
def test_a_pair_is_taken_as_it_is_pasted(ends, make_key):
    chain, key = pair(key=make_key and make_key())
    taken = checked(f"  {chain.replace(chr(10), ends)}", key.replace("\n", ends), NOW)
    assert (taken.chain, taken.key) == (chain.strip(), key.strip())


def refused(chain, key):
    with pytest.raises(CertificateError) as caught:
        checked(chain, key, NOW)
    return caught.value.field, caught.value.sentence


def test_what_cannot_be_shown_is_refused_with_the_mend():
    chain, key = pair()
    locked = in_clear(
        ec.generate_private_key(ec.SECP256R1()), serialization.BestAvailableEncryption(b"secret")
    )
    weak = pair(key=rsa.generate_private_key(65537, 1024))
    old = key.replace("PRIVATE KEY", "EC PRIVATE KEY")
    for words, pasted in {
        "client_key: Add the private key": (chain, ""),
        "client_certificate: Add the certificate": ("", key),
        "client_certificate: This is not a certificate": ("nonsense", key),
        "client_certificate: This contains a private key": (chain + key, key),
        "client_certificate: Longer than": (chain + "x" * 50_000, key),
        "client_key: Longer than": (chain, key + "x" * 50_000),
        "client_key: This is not a private key": (chain, chain),
        "client_key: This is not a private key:": (chain, old),
        "client_key: This key is encrypted": (chain, locked),
        "client_key: This key does not match": (chain, pair()[1]),
        "client_certificate: This certificate expired on": pair(days=-2),
        "client_certificate: This certificate is valid only from": pair(begins=3),
        "client_certificate: OpenSSL does not accept this": weak,
    }.items():
        field, sentence = refused(*pasted)
        assert f"{field}: {sentence}".startswith(words)
        assert key.splitlines()[1] not in sentence


URI = x509.UniformResourceIdentifier("spiffe://widgetify.example/probe")


@pytest.mark.parametrize(
    ("made", "says"),
    [
        ({"days": 30}, "set, valid until {} (CN=probe)"),
        ({"days": -2}, "set, expired on {} (CN=probe)"),
        ({"days": 30, "others": [URI]}, "set, valid until {} (CN=probe)"),
        ({"days": 30, "others": [URI], "name": ""}, "set, valid until {} (spiffe://widgetify.example/probe)"),
        ({"days": 30, "name": ""}, "set, valid until {}"),
        ({"days": 30, "name": "a\u202eb"}, "set, valid until {} (CN=a·b)"),
    ],
)
def test_all_that_is_said_of_one_is_its_end_and_its_name(made, says):
    end = NOW + timedelta(days=made["days"], hours=1)
    assert client_certificates.summary(pair(**made)[0], NOW) == says.format(f"{end:%-d %b %Y}")


def test_a_renewal_names_the_same_and_another_does_not():
    others = [URI, x509.DNSName("probe.example")]
    first = client_certificates.identity(pair(others=others)[0])
    assert client_certificates.identity(pair(days=300, others=others[::-1])[0]) == first
    assert client_certificates.identity(pair(others=[URI])[0]) != first
    assert client_certificates.identity("") == client_certificates.identity("nonsense") == ()


@pytest.fixture
def files(tmp_path):
    """The pair in files, and its text."""
    chain, key = pair()
    file, key_file = tmp_path / "probe.pem", tmp_path / "probe.key"
    file.write_text(chain)
    key_file.write_text(key)
    return ["--client-certificate", str(file), "--client-key", str(key_file)], chain


def test_the_shell_shows_the_certificate_of_these_files(tmp_path, files, settings, monkeypatch, capsys):
    with Demanding(tmp_path, trusts=files[1]) as server:
        monkeypatch.setenv("SSL_CERT_FILE", str(server.file))  # what OpenSSL trusts besides the system's
        settings.EGRESS_ALLOW = OWN
        call_command("probe", f"https://127.0.0.1:{server.port}/", *files[0])
    assert "up in" in capsys.readouterr().out
    assert server.lines[0][0] == "probe"


@pytest.mark.parametrize(
    ("target", "more", "words"),
    [
        ("http://127.0.0.1:9/", [], "Only https://, wss:// and tls://"),
        ("tcp://127.0.0.1:9", [], "Only https://, wss:// and tls://"),
        ("https://127.0.0.1:9/", ["--client-key", "/nowhere"], "/nowhere cannot be read"),
        ("https://127.0.0.1:9/", ["--client-key", ""], "--client-key: Add the private key"),
    ],
)
def test_the_shell_refuses_what_would_show_nothing(files, target, more, words):
    with pytest.raises(CommandError, match=words):
        call_command("probe", target, *files[0], *more)


@pytest.mark.parametrize(
    ("kind", "options", "body"),
    [("numbers", {"value": "$.used"}, b'{"used": 7}'), ("health", {}, b'{"status": "UP", "checks": []}')],
)
def test_a_document_is_fetched_under_the_same_certificate(tmp_path, kind, options, body):
    shown = pair()
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    with Demanding(tmp_path, trusts=shown[0], answer=answer) as server:
        order = PROBERS[kind].parse(f"https://127.0.0.1:{server.port}/", options)
        order = replace(order, shown=client_certificates.of(*shown))
        reading = asyncio.run(probers.check(kind, order, deadline_s=4, egress=server.egress))
        bare = replace(order, shown=None)
        refused = asyncio.run(probers.check(kind, bare, deadline_s=4, egress=server.egress))
    assert (reading.failure, reading.detail) == (None, "")
    assert server.lines[0][0] == "probe"
    assert refused.failure is Failure.TLS
    assert PROBERS[kind].is_secure(order)
