"""Which hosts are addresses: the spellings of the URL standard, and what must never be one."""

import contextlib
import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components import networks
from components.egress import Egress, EgressError, ascii_host
from components.networks import ends_in_number, literal_address

# https://url.spec.whatwg.org/#concept-ipv4-parser, and the tests of the Web Platform (url/resources)
SPELLED = {
    "127.0.0.1": "127.0.0.1",
    "127.0.0.1.": "127.0.0.1",
    "127.1": "127.0.0.1",
    "0x7f.1": "127.0.0.1",
    "0X7F.0.0.1": "127.0.0.1",
    "2130706433": "127.0.0.1",
    "017700000001": "127.0.0.1",
    "0177.0.0.01": "127.0.0.1",
    "0": "0.0.0.0",
    "0x": "0.0.0.0",
    "0x.0x.0": "0.0.0.0",
    "00": "0.0.0.0",
    "256": "0.0.1.0",
    "192.0x00A80001": "192.168.0.1",
    "0xffffffff": "255.255.255.255",
    "1.2.3.08x": None,
    "１２７.０.０.１": "127.0.0.1",
    "127。0。0。1": "127.0.0.1",
    "①.2.3.4": "1.2.3.4",
    "[127.0.0.1]": "127.0.0.1",
    "::1": "::1",
    "[::1]": "::1",
    "[fe80::1%eth0]": "fe80::1",
    "::ffff:127.0.0.1": "::ffff:127.0.0.1",
    "::127.0.0.1": "::7f00:1",
}
# they end in a number, and are no address: neither dialled nor looked up
NOTHING = (
    "0x_1", "01_7.", "08", "09.1", "1.2.3.4.5", "256.256.256.256", "1.2.3.256", "4294967296", "0x100000000",
    "1..2", ".1", "foo.1", "foo.0x", "foo.0x7f", "1.2.3.4.", "+1.2.3.4", "-1.2.3.4", "1_0.2.3.4", "0x1_0.1",
    "1e3.1", "9" * 5000, "0x" + "f" * 5000,
)  # fmt: skip
NAMES = (
    "0x-1",
    "0x1_0",
    "01_7",
    "+1",
    "1_0",
    "٣",
    "²",
    "0xg",
    "1.example",
    "a",
    "",
    ".",
    "..",
    "127.0.0.1..",
    "%31",
)


@pytest.mark.parametrize(("host", "address"), SPELLED.items())
def test_a_host_is_the_address_that_a_browser_would_read(host, address):
    found = literal_address(host)
    assert found == (ipaddress.ip_address(address) if address else None)


@pytest.mark.parametrize("host", [host for host in NOTHING if host != "1.2.3.4."] + ["0x_1.1"])
def test_what_ends_in_a_number_and_is_no_address_is_refused_and_not_looked_up(host):
    assert literal_address(host) is None
    if ends_in_number(host):
        with pytest.raises(EgressError):
            ascii_host(host)
    assert not _is_dialled(host)


@pytest.mark.parametrize("host", NAMES)
def test_signs_underscores_and_foreign_digits_make_no_address(host):
    assert literal_address(host) is None or host in ("٣", "²"), "these are mapped to 3 and 2 by UTS 46"
    assert not _is_dialled(host)


@given(st.text(alphabet="0123456789abcdefxX.:-+_%[]()²٣１。\x00 \ud800é", max_size=40))
def test_no_text_at_all_makes_anything_but_an_answer(host):
    literal_address(host)
    ends_in_number(host)
    with contextlib.suppress(EgressError):
        ascii_host(host)


@pytest.mark.parametrize(
    ("text", "address", "port", "may"),
    [
        ("127.0.0.1:8000", "127.0.0.1", 8000, True),
        ("127.0.0.1:8000", "127.0.0.1", 8001, False),
        ("127.0.0.1:8000", "127.0.0.2", 8000, False),
        ("127.0.0.1:8000", "::ffff:127.0.0.1", 8000, True),
        ("[::1]:8000", "::1", 8000, True),
        ("[::1]:8000", "::1", 22, False),
        ("10.0.0.0/8", "10.1.2.3", 22, True),
        ("10.1.2.3", "10.1.2.3", 22, True),
    ],
)
def test_an_operator_opens_a_network_or_one_port_of_one_address(text, address, port, may):
    assert networks.may_dial(ipaddress.ip_address(address), port, networks.allowed([text])) is may


@pytest.mark.parametrize(
    ("text", "host", "may"),
    [
        ("db.example.org=10.0.0.0/8", "db.example.org", True),
        ("db.example.org=10.0.0.0/8", "DB.Example.ORG.", True),
        ("Db.example.org.=10.0.0.0/8", "db.example.org", True),
        (" db.example.org = 10.0.0.0/8 ", "db.example.org", True),
        ("db.example.org=10.0.0.0/8", "evil.example", False),
        ("db.example.org=10.0.0.0/8", "db.example.org.evil.example", False),
        ("db.example.org=10.0.0.0/8", "a.db.example.org", False),
        ("db.example.org=10.0.0.0/8", "", False),  # the address itself was typed
        ("db.example.org=10.9.0.0/16", "db.example.org", False),
        ("db.example.org=10.1.2.3:22", "db.example.org", True),
        ("db.example.org=10.1.2.3:23", "db.example.org", False),
        ("*.example.org=10.0.0.0/8", "a.b.example.org", True),
        ("*.example.org=10.0.0.0/8", "example.org", False),
        ("*.example.org=10.0.0.0/8", "evilexample.org", False),
        ("bücher.example=10.0.0.0/8", "xn--bcher-kva.example", True),
        ("10.0.0.0/8", "evil.example", True),
    ],
)
def test_an_operator_opens_a_network_for_one_name(text, host, may):
    allow = networks.allowed([text])
    assert networks.may_dial(ipaddress.ip_address("10.1.2.3"), 22, allow, host) is may
    assert networks.may_dial(ipaddress.ip_address("::ffff:10.1.2.3"), 22, allow, host) is may


@pytest.mark.parametrize(
    "text",
    ["127.0.0.1:0", "127.0.0.1:65536", "10.0.0.0/8:80", "host:80", "127.0.0.1:²", "=10.0.0.0/8", "a=", "a=b",
     "10.0.0.1=10.0.0.0/8", "*=10.0.0.0/8", "a.*=10.0.0.0/8", "*.*.a=10.0.0.0/8", "a b=10.0.0.0/8",
     "a=b=10.0.0.0/8", "http://a=10.0.0.0/8", "a:80=10.0.0.0/8", "a..b=10.0.0.0/8", "0x7f=10.0.0.0/8"],
)  # fmt: skip
def test_what_is_no_network_is_told(text):
    with pytest.raises(ValueError):  # noqa: PT011 - ipaddress has no narrower one
        networks.allowed([text])


def _is_dialled(host):
    """Whether the door would dial something for this host, everything being allowed."""
    door = Egress(["0.0.0.0/0", "::/0"])
    literal = literal_address(host)
    return literal is not None and door.may_dial(literal, 80) and host not in ("٣", "²")
