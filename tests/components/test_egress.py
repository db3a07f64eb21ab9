"""The one door out: what may be dialled, however it is spelled, and how."""

import asyncio
import socket
import ssl
import time

import pytest
from dnslib import AAAA, QTYPE, RCODE, RR, A
from dnslib.server import BaseResolver, DNSLogger, DNSServer

from components import probers
from components.egress import DeniedError, Egress, EgressError
from components.outcomes import Failure
from components.probers import PROBERS, InvalidProbeError
from tests.certificates import make
from tests.targets import FullBacklog, Raw, answer

OWN = ["127.0.0.0/8", "::1/128"]
# Every spelling of an address that must never be dialled by default.
HOSTS = [
    "127.0.0.1", "127.1", "127.0.1", "127.255.255.254", "2130706433", "0x7f000001", "0x7f.1",
    "0x7F.0.0.1", "0177.0.0.1", "017700000001", "127.0.0.1.", "0", "0.0.0.0", "0x0", "00", "localhost",
    "LOCALHOST", "localhost.", "a.localhost", "10.0.0.1", "10.255.255.255", "0xa.1", "172.16.0.1",
    "172.31.255.255", "192.168.0.1", "192.168.1", "3232235521", "169.254.169.254", "0xA9FEA9FE",
    "2852039166", "169.254.43518", "0251.0376.0251.0376", "100.64.0.1", "100.127.255.255",
    "192.0.0.1", "192.0.2.1", "198.18.0.1", "198.51.100.7", "203.0.113.9", "224.0.0.1",
    "239.255.255.255", "240.0.0.1", "255.255.255.255", "192.88.99.1", "[::1]", "[::]",
    "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[::ffff:10.0.0.1]",
    "[::ffff:169.254.169.254]", "[64:ff9b::127.0.0.1]", "[64:ff9b::a9fe:a9fe]", "[64:ff9b:1::1]",
    "[2002:7f00:1::]", "[2002:a9fe:a9fe::]", "[fe80::1]", "[fec0::1]", "[fc00::1]", "[fd00:ec2::254]",
    "[ff02::1]", "[100::1]", "168.63.129.16", "0xa83f8110", "[::ffff:0:127.0.0.1]", "[::ffff:0:7f00:1]",
    "[4000::1]", "[8000::1]", "[1::1]", "[64:ff9b::168.63.129.16]",
    "[2001:db8::1]", "[2001::1]", "[3fff::1]", "[5f00::1]",
    "①②⑦.⓪.⓪.①", "１２７.0.0.1", "ⓛocalhost",
]  # fmt: skip
REFUSED_BEFORE = [
    "http://user:secret@127.0.0.1/", "http://127.0.0.1:0/", "http://[fe80::1%25eth0]/",
    "file:///etc/passwd", "gopher://127.0.0.1:70/", "ftp://127.0.0.1/", "unix:/run/x.sock", "//127.0.0.1/",
    "http:///", "http://", "http://a b/", "http://exa mple.org/", "http://example.org:99999/",
    "http://example.org\r\nHost: x/", "javascript:alert(1)", "http://-\x00-/", f"http://{'a' * 300}.org/",
    "http://" + "a" * 3000, "http://[::1/", "http://exam_ple..org/",
]  # fmt: skip


class Spy:
    """Sees every socket that is dialled, below asyncio and everything else."""

    def __init__(self, monkeypatch):
        self.dialled = []
        dial = asyncio.selector_events.BaseSelectorEventLoop.sock_connect

        async def watched(loop, sock, address):
            self.dialled.append(address[0])
            return await dial(loop, sock, address)

        monkeypatch.setattr(asyncio.selector_events.BaseSelectorEventLoop, "sock_connect", watched)


@pytest.fixture
def spy(monkeypatch):
    return Spy(monkeypatch)


def test_there_are_sixty_spellings_and_more():
    assert len(HOSTS) + len(REFUSED_BEFORE) >= 80


@pytest.mark.parametrize("kind", ["http", "https", "tcp", "tls"])
def test_no_spelling_of_a_private_address_is_dialled(kind, spy):
    egress = Egress()

    async def look():
        for host in HOSTS:
            target = f"{kind}://{host}/" if kind.startswith("http") else f"{host}:6379"
            prober = PROBERS["http" if kind == "https" else kind]
            try:
                order = prober.parse(target, {})
            except InvalidProbeError:
                continue
            reading = await probers.check(prober.kind, order, deadline_s=5, egress=egress)
            assert reading.failure in (Failure.DENIED, Failure.DNS), (host, reading)
            assert reading.excerpt == ""

    asyncio.run(look())
    assert spy.dialled == []


@pytest.mark.parametrize("target", REFUSED_BEFORE)
def test_what_is_no_address_is_refused_naming_the_field(target):
    with pytest.raises(InvalidProbeError) as refused:
        PROBERS["http"].parse(target, {})
    assert refused.value.field == "target"
    assert refused.value.sentence.endswith((".", "…."))


def test_the_operators_allow_list_opens_exactly_that_network(target):
    async def look(egress, url):
        return await probers.check("http", PROBERS["http"].parse(url, {}), deadline_s=5, egress=egress)

    allowed = asyncio.run(look(Egress(["127.0.0.0/8"]), target.url))
    mapped = asyncio.run(look(Egress(["127.0.0.0/8"]), f"http://[::ffff:127.0.0.1]:{target.port}/"))
    other = asyncio.run(look(Egress(["10.0.0.0/8"]), target.url))
    assert allowed.failure is None
    assert mapped.failure is None
    assert other.failure is Failure.DENIED


class Names(BaseResolver):
    """A name server with answers on order; a name may change its mind after the first question."""

    def __init__(self, names):
        self.names, self.asked = names, []

    def resolve(self, request, handler):
        name, kind = str(request.q.qname).rstrip("."), QTYPE[request.q.qtype]
        self.asked.append((name, kind))
        reply = request.reply()
        for address in self.names.get(name, []):
            is_six = ":" in address
            if (kind == "AAAA") == is_six and kind in ("A", "AAAA"):
                data = AAAA(address) if is_six else A(address)
                reply.add_answer(RR(name, QTYPE.AAAA if is_six else QTYPE.A, rdata=data, ttl=0))
        return reply


@pytest.fixture
def name_server():
    resolver = Names({})
    server = DNSServer(resolver, address="127.0.0.1", port=0)
    server.start_thread()
    resolver.egress = lambda allow=(): Egress(
        allow, nameservers=[("127.0.0.1", server.server.server_address[1])]
    )
    yield resolver
    server.stop()
    server.server.server_close()


def test_a_network_that_is_open_for_one_name_is_closed_for_others(name_server, spy):
    """Whoever owns another name can point it there: it is refused before anything is dialled."""
    name_server.names |= {"app.example": ["127.0.0.1"], "evil.example": ["127.0.0.1"]}
    with Raw(answer) as target:
        egress = name_server.egress(["app.example=127.0.0.0/8"])

        async def dial(host):
            (await egress.open(host, target.port)).close()

        for host in ("app.example", "APP.example."):
            asyncio.run(dial(host))
        assert spy.dialled.count("127.0.0.1") == 2
        for host in ("evil.example", "127.0.0.1"):
            with pytest.raises(DeniedError):
                asyncio.run(dial(host))
        assert spy.dialled.count("127.0.0.1") == 2
        with pytest.raises(DeniedError):
            asyncio.run(egress.for_strangers().open("app.example", target.port))


def test_one_bad_address_among_good_ones_refuses_the_whole_name(name_server, spy):
    name_server.names["mixed.example"] = ["93.184.216.34", "10.0.0.7"]
    with pytest.raises(DeniedError):
        asyncio.run(name_server.egress().open("mixed.example", 80))
    assert spy.dialled == []


def test_the_name_is_looked_up_once_and_that_answer_is_dialled(name_server, target, spy):
    name_server.names["app.example"] = ["127.0.0.1"]

    async def look():
        order = PROBERS["http"].parse(f"http://app.example:{target.port}/", {})
        return await probers.check("http", order, deadline_s=5, egress=name_server.egress(["127.0.0.0/8"]))

    assert asyncio.run(look()).failure is None
    assert sorted(name_server.asked) == [("app.example", "A"), ("app.example", "AAAA")]
    assert "127.0.0.1" in spy.dialled


def test_each_hop_of_a_redirect_is_judged_again(target, spy):
    """The target is allowed, the address it sends us to is not."""
    egress = Egress([f"127.0.0.1/32"])  # noqa: F541
    for place in (
        "http://127.0.0.2:6379/",
        "http://169.254.169.254/latest",
        "http://[::1]:80/",
        "//10.0.0.1/",
    ):
        target.paths["/"] = (302, {"Location": place}, b"")
        order = PROBERS["http"].parse(target.url, {})
        reading = asyncio.run(probers.check("http", order, deadline_s=5, egress=egress))
        assert reading.failure is Failure.DENIED, place
    assert set(spy.dialled) == {"127.0.0.1"}


def test_secrets_do_not_follow_to_another_origin(target):
    from tests.targets import Target

    with Target() as other:
        target.paths["/"] = (302, {"Location": other.url}, b"")
        headers = {"Authorization": "Bearer secret", "Cookie": "a=b", "X-Plain": "kept"}
        order = PROBERS["http"].parse(target.url, {"headers": headers})
        reading = asyncio.run(probers.check("http", order, deadline_s=5, egress=Egress(["127.0.0.0/8"])))
        assert reading.failure is None
        (_, _, seen, _) = other.asked[0]
        assert "Authorization" not in seen
        assert "Cookie" not in seen
        assert "X-Plain" not in seen  # any name may hold a key: X-Api-Key did


def test_ipv4_is_tried_when_ipv6_lags():
    async def serve(reader, writer):
        await answer(writer)

    with FullBacklog("::1") as hole:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", hole.port))
        listener.listen()
        with listener:
            egress = Egress(["127.0.0.0/8", "::1/128"])

            async def dial():
                async with asyncio.timeout(5):
                    line = await egress.open("localhost", hole.port)
                    line.close()
                    return line

            line = asyncio.run(dial())
    assert (line.address, line.family) == ("127.0.0.1", 4)
    assert line.connect_ms < 1000


def test_a_name_nobody_knows_and_a_resolver_nobody_reaches_are_told_apart(name_server):
    async def ask(egress, name):
        try:
            await egress.addresses(name, 80)
        except EgressError as error:
            return error.failure

    assert asyncio.run(ask(name_server.egress(), "nobody.example")) is Failure.DNS
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        gone = Egress(nameservers=[("127.0.0.1", silent.getsockname()[1])])
        gone.lookup.resolver.lifetime = 1
        assert asyncio.run(ask(gone, "example.org")) is Failure.OWN_FAULT


def test_a_certificate_nobody_vouches_for_is_refused(tmp_path):
    key, certificate = make(tmp_path, "127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    async def serve(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        await answer(writer)

    with Raw(serve, tls=context) as server:

        async def look(egress):
            order = PROBERS["http"].parse(f"https://127.0.0.1:{server.port}/", {})
            return await probers.check("http", order, deadline_s=5, egress=egress)

        assert asyncio.run(look(Egress(["127.0.0.0/8"]))).failure is Failure.TLS
        trusted = asyncio.run(look(Egress(["127.0.0.0/8"], ca_file=str(certificate))))
        assert trusted.failure is None
        assert trusted.tls_ms > 0


def test_a_certificate_names_its_host_where_browsers_look(tmp_path):
    """A common name alone is no name of a host (RFC 9110, section 4.3.4): no browser opens such a page."""
    key, certificate = make(tmp_path, "localhost", is_named=False)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with Raw(lambda reader, writer: answer(writer), tls=context) as server:
        order = PROBERS["tls"].parse(f"localhost:{server.port}", {})
        egress = Egress(OWN, ca_file=str(certificate))
        reading = asyncio.run(probers.check("tls", order, deadline_s=5, egress=egress))
    assert reading.failure is Failure.TLS
    assert "localhost" in reading.detail


class SlowNames(Names):
    """A name server that is slow with, or drops, the questions of one type (s; None: never)."""

    def __init__(self, names, slow):
        super().__init__(names)
        self.slow = slow

    def resolve(self, request, handler):
        wait = self.slow.get(QTYPE[request.q.qtype], 0)
        if wait is None:
            raise RuntimeError("dropped")  # dnslib answers nothing then
        time.sleep(wait)
        return super().resolve(request, handler)


@pytest.fixture
def slow_names():
    servers = []

    def start(names, slow):
        quiet = DNSLogger(log="-recv,-send,-request,-reply,-truncated,-error,-data")
        server = DNSServer(SlowNames(names, slow), address="127.0.0.1", port=0, logger=quiet)
        server.server.daemon_threads = True
        server.server.handle_error = lambda *_: None
        server.start_thread()
        servers.append(server)
        return Egress(OWN, nameservers=[("127.0.0.1", server.server.server_address[1])])

    yield start
    for server in servers:
        server.stop()
        server.server.server_close()


def probe_by_name(egress, target, *, deadline_s=3.0):
    order = PROBERS["http"].parse(f"http://app.example:{target.port}/", {})
    return asyncio.run(probers.check("http", order, deadline_s=deadline_s, egress=egress))


@pytest.mark.parametrize("wait", [None, 1.2])
def test_a_name_server_that_keeps_the_other_family_back_costs_a_moment(slow_names, target, wait):
    """Only the order is held against the clock, by far: the look-up took 1.2 s and more before."""
    reading = probe_by_name(slow_names({"app.example": ["127.0.0.1"]}, {"AAAA": wait}), target)
    assert reading.failure is None
    assert reading.dns_ms < 1000


def test_a_target_that_is_down_is_refused_although_the_other_family_is_kept_back(slow_names, free_port):
    egress = slow_names({"app.example": ["127.0.0.1"]}, {"AAAA": None})
    order = PROBERS["http"].parse(f"http://app.example:{free_port}/", {})
    reading = asyncio.run(probers.check("http", order, deadline_s=8, egress=egress))
    assert reading.failure is Failure.REFUSED


def test_ipv4_is_waited_for_when_ipv6_fails(slow_names, target):
    """The target listens on 127.0.0.1 alone; the name has ::1 as well, which is known first."""
    reading = probe_by_name(slow_names({"app.example": ["::1", "127.0.0.1"]}, {"A": 0.7}), target)
    assert (reading.failure, reading.address) == (None, "127.0.0.1")


def test_an_address_that_comes_later_is_judged_as_well(slow_names, spy, free_port):
    egress = slow_names({"app.example": ["::1", "10.0.0.7"]}, {"A": 0.4})
    order = PROBERS["http"].parse(f"http://app.example:{free_port}/", {})
    reading = asyncio.run(probers.check("http", order, deadline_s=5, egress=egress))
    assert reading.failure is Failure.DENIED
    assert spy.dialled == ["::1"]


def test_a_name_that_does_not_exist_is_said_at_once(slow_names):
    class Nowhere(SlowNames):
        def resolve(self, request, handler):
            reply = super().resolve(request, handler)
            reply.header.rcode = RCODE.NXDOMAIN
            return reply

    server = DNSServer(Nowhere({}, {"AAAA": 2.0}), address="127.0.0.1", port=0)
    server.start_thread()
    egress = Egress(nameservers=[("127.0.0.1", server.server.server_address[1])])

    async def ask():
        async with asyncio.timeout(1.5):
            await egress.addresses("nobody.example", 80)

    try:
        with pytest.raises(EgressError) as gone:
            asyncio.run(ask())
    finally:
        server.stop()
        server.server.server_close()
    assert gone.value.failure is Failure.DNS


@pytest.mark.parametrize("kind", ["AAAA", "A"])
def test_a_server_that_denies_the_name_for_one_family_is_not_the_last_word(target, kind):
    """RFC 4074, section 4.2: some do so for every family that they do not have."""

    class Denies(SlowNames):
        def resolve(self, request, handler):
            reply = super().resolve(request, handler)
            if QTYPE[request.q.qtype] == kind:
                reply.header.rcode = RCODE.NXDOMAIN
            return reply

    addresses = ["127.0.0.1"] if kind == "AAAA" else ["::1"]
    slow = {"A" if kind == "AAAA" else "AAAA": 0.05}
    server = DNSServer(Denies({"app.example": addresses}, slow), address="127.0.0.1", port=0)
    server.start_thread()
    egress = Egress(OWN, nameservers=[("127.0.0.1", server.server.server_address[1])])
    try:
        known = asyncio.run(egress.addresses("app.example", 80))
    finally:
        server.stop()
        server.server.server_close()
    assert [str(address) for address in known] == addresses


@pytest.mark.parametrize(
    ("name", "is_here"),
    [("localhost", True), ("a.localhost.", True), ("notlocalhost", False), ("localhost.example", False)],
)
def test_only_localhost_and_what_stands_below_it_is_this_machine(name_server, name, is_here):
    name_server.names.update({"notlocalhost": ["192.0.2.1"], "localhost.example": ["192.0.2.1"]})
    egress = name_server.egress([*OWN, "192.0.2.0/24"])
    known = asyncio.run(egress.addresses(name, 80))
    assert ("127.0.0.1" in map(str, known)) is is_here
