"""DNS records as they are typed, and as name servers answer."""

import asyncio

import pytest
from dnslib import QTYPE, RR
from dnslib.server import BaseResolver, DNSServer

from components import probers
from components.egress import Egress
from components.outcomes import Failure
from components.probers import PROBERS, InvalidProbeError

ZONE = """
app.example.             60 IN A     192.0.2.7
app.example.             60 IN A     192.0.2.8
app.example.             60 IN AAAA  2001:db8::7
www.example.             60 IN CNAME App.Example.
app.example.             60 IN MX    10 Mail.Example.
app.example.             60 IN NS    ns1.example.
app.example.             60 IN SOA   ns1.example. admin.example. 2026 7200 3600 1209600 300
_sip._tcp.example.       60 IN SRV   10 5 5060 sip.example.
app.example.             60 IN CAA   0 issue "letsencrypt.org; validationmethods=dns-01"
app.example.             60 IN TXT   "v=spf1 -all"
app.example.             60 IN TXT   "Token=AbC"
dkim.example.            60 IN TXT   "v=DKIM1; k=rsa; p=AAAA" "BBBB"
_dmarc.example.          60 IN TXT   "v=DMARC1; p=none"
idn.example.             60 IN CNAME _a.xn--bcher-kva.example.
quoted.example.          60 IN TXT   "say \\"ready\\""
7.2.0.192.in-addr.arpa.  60 IN PTR   app.example.
"""
ZONE += f'long.example. 60 IN TXT "{"a" * 255}" "{"b" * 45}"\n'


class Zone(BaseResolver):
    """Answers from ZONE."""

    def __init__(self):
        self.records = RR.fromZone(ZONE)

    def resolve(self, request, handler):
        reply = request.reply()
        name = str(request.q.qname).lower()
        for record in self.records:
            if str(record.rname).lower() == name and QTYPE[record.rtype] == QTYPE[request.q.qtype]:
                reply.add_answer(record)
        return reply


@pytest.fixture(scope="module")
def zone():
    server = DNSServer(Zone(), address="127.0.0.1", port=0)
    server.start_thread()
    yield Egress(nameservers=[("127.0.0.1", server.server.server_address[1])])
    server.stop()
    server.server.server_close()


def failure_of(egress, name, record_type, expect):
    order = PROBERS["dns"].parse(name, {"record_type": record_type, "expect": expect})
    return asyncio.run(probers.check("dns", order, deadline_s=5, egress=egress)).failure


@pytest.mark.parametrize(
    ("name", "record_type", "expect"),
    [
        ("app.example", "A", "192.0.2.8"),
        ("app.example.", "A", " 192.0.2.7 "),
        ("app.example", "AAAA", "2001:DB8:0:0::7"),
        ("www.example", "CNAME", "app.example"),
        ("www.example", "CNAME", "APP.example."),
        ("app.example", "MX", "10 mail.example."),
        ("app.example", "MX", "10   mail.example"),
        ("app.example", "NS", "NS1.example"),
        ("app.example", "SOA", "ns1.example. admin.example. 2026 7200 3600 1209600 300"),
        ("_sip._tcp.example", "SRV", "10 5 5060 sip.example"),
        ("app.example", "CAA", '0 issue "letsencrypt.org; validationmethods=dns-01"'),
        ("app.example", "CAA", "0 ISSUE letsencrypt.org; validationmethods=dns-01"),
        ("app.example", "TXT", '"v=spf1 -all"'),
        ("app.example", "TXT", "“v=spf1 -all”"),
        ("app.example", "TXT", "v=spf1 -all"),
        ("app.example", "TXT", "Token=AbC"),
        ("dkim.example", "TXT", "v=DKIM1; k=rsa; p=AAAABBBB"),
        ("dkim.example", "TXT", '"v=DKIM1; k=rsa; p=AAAA" "BBBB"'),
        ("dkim.example", "TXT", '"v=DKIM1; k=rsa; " "p=AAAABBBB"'),
        ("_dmarc.example", "TXT", "v=DMARC1\\; p=none"),
        ("_dmarc.example", "TXT", '"v=DMARC1\\; p=none"'),
        ("long.example", "TXT", f'"{"a" * 255}{"b" * 45}"'),
        ("idn.example", "CNAME", "_a.bücher.example"),
        ("quoted.example", "TXT", 'say "ready"'),
        ("quoted.example", "TXT", '"say \\"ready\\""'),
        ("7.2.0.192.in-addr.arpa", "PTR", "app.example"),
        ("192.0.2.7", "PTR", "app.example."),
    ],
)
def test_a_record_is_found_however_it_is_spelled(zone, name, record_type, expect):
    assert failure_of(zone, name, record_type, expect) is None


@pytest.mark.parametrize(
    ("name", "record_type", "expect"),
    [
        ("app.example", "A", "192.0.2.9"),
        ("app.example", "TXT", "token=abc"),
        ("app.example", "TXT", "v=spf1"),
        ("dkim.example", "TXT", "v=DKIM1; k=rsa; p=AAAA"),
        ("dkim.example", "TXT", "v=dkim1; k=rsa; p=aaaabbbb"),
        ("app.example", "CAA", "0 issue letsencrypt.org"),
        ("app.example", "CAA", "0 issue LETSENCRYPT.org; validationmethods=dns-01"),
        ("app.example", "MX", "20 mail.example."),
    ],
)
def test_a_record_that_differs_is_no_match(zone, name, record_type, expect):
    assert failure_of(zone, name, record_type, expect) is Failure.ASSERTION


@pytest.mark.parametrize(
    ("record_type", "expect"),
    [
        ("A", "1.2.3"),
        ("A", "192.0.2.7 192.0.2.8"),
        ("AAAA", "192.0.2.7"),
        ("MX", "mail.example"),
        ("SRV", "sip.example"),
        ("CAA", "letsencrypt.org"),
        ("CNAME", "a..b"),
        ("SOA", "ns1.example"),
    ],
)
def test_what_can_be_no_such_record_is_refused_with_an_example(record_type, expect):
    with pytest.raises(InvalidProbeError) as refused:
        PROBERS["dns"].parse("app.example", {"record_type": record_type, "expect": expect})
    assert refused.value.field == "expect"
    assert "as dig prints it" in refused.value.sentence
