"""Where an address leads: as typed, and as a redirect says it (url.spec.whatwg.org)."""

import pytest

from components.egress import EgressError, ascii_host
from components.probers.redirects import first_hop, next_hop
from components.targets import InvalidProbeError
from components.web_addresses import split_address
from tests.components.test_probers import look


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("http://１２７.0.0.1/", "http://127.0.0.1/"), ("http://0x7f.1/", "http://127.0.0.1/"),
        ("http://2130706433/", "http://127.0.0.1/"), ("http://[0:0::0:1]/", "http://[::1]/"),
        ("http://[2001:DB8::7]:8080/", "http://[2001:db8::7]:8080/"),
        ("http://☃.example/", "http://xn--n3h.example/"), ("http://i❤.example/", "http://xn--i-7iq.example/"),
        ("http://_a.bücher.example/", "http://_a.xn--bcher-kva.example/"),
        ("http://ab--c.bücher.example/", "http://ab--c.xn--bcher-kva.example/"),
        ("http://-x.bücher。example/", "http://-x.xn--bcher-kva.example/"),
    ],
)  # fmt: skip
def test_a_host_is_spelled_as_browsers_spell_it(typed, sent):
    assert split_address(typed).geturl() == sent


@pytest.mark.parametrize("bad", ["http://[v1.x]/", "http://a.example/\udcff"])
def test_what_browsers_would_not_open_is_refused(bad):
    with pytest.raises(InvalidProbeError):
        split_address(bad)


@pytest.mark.parametrize("name", ["\u200d.de", "אa.de", "a\u200c☃.de", "\u0300☃.de", "\ufffd.de"])
def test_letters_that_no_name_has_are_none(name):
    with pytest.raises(EgressError):
        ascii_host(name)


@pytest.mark.parametrize(
    ("location", "to"),
    [
        ("next", "http://h/a//b/next?"), ("./next#part", "http://h/a//b/next?"), ("../x", "http://h/a//x?"),
        ("/x//y", "http://h/x//y?"), ("?", "http://h/a//b/c?"), ("?q=\\", "http://h/a//b/c?q=\\"),
        ("#part", "http://h/a//b/c?z=1"), ("//other/x", "http://other/x?"), ("\\\\other\\x", "http://other/x?"),
        ("http:next", "http://h/a//b/next?"), ("HTTP://other", "http://other/?"), ("a b", "http://h/a//b/a%20b?"),
        ("https:/x", ""), ("mailto:a@b.example", ""), ("x:y", ""), ("/x:y", "http://h/x:y?"), ("///", ""),
    ],
)  # fmt: skip
def test_a_redirect_leads_where_browsers_go(location, to):
    hop = first_hop(split_address("http://h/a//b/c?z=1").geturl(), "GET", {}, b"")
    if not to:
        with pytest.raises(InvalidProbeError):
            next_hop(hop, 302, location, [])
        return
    url = next_hop(hop, 302, location, []).url
    assert f"{url.scheme}://{url.netloc}{url.path}?{url.query}" == to


def test_a_cookie_of_raw_letters_leaves_as_it_came(target):
    raw = "n=Größe".encode().decode("latin-1")
    target.paths["/"] = (302, {"Location": "/x", "Set-Cookie": raw}, b"")
    assert look("http", target.url).failure is None
    assert target.asked[1][2]["Cookie"] == raw
