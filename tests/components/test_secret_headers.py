"""Secret headers of probes: encrypted in the row, sent to one origin, and kept out of what is stored."""

import asyncio
import json
from dataclasses import asdict

import pytest
from django.core.exceptions import ValidationError

from components.egress import Egress
from components.models import Probe
from components.probers import PROBERS, InvalidProbeError, check
from tests.making import watched
from tests.targets import Target

TOKEN = "t0k-3n.of_ours"
TYPED = f"Authorization: Bearer {TOKEN}\nX-Key: {TOKEN}-2"
KINDS = {
    "http": ("https", {"expect_text": "never there"}),
    "health": ("https", {}),
    "numbers": ("https", {"value": "$.used"}),
    "sse": ("https", {}),
    "websocket": ("wss", {}),
}
SET = r"It was set for https://api\.example\.org:8443"
HOSTS = ("Host: evil.example", "host:  Evil.example ")


def made(kind, target, **more):
    return watched(kind=kind, target=target, options={**KINDS[kind][1], "secret_headers": TYPED, **more})


def again(**changes):
    row = Probe.objects.get()
    for name, value in changes.items():
        setattr(row, name, value)
    return row


@pytest.mark.parametrize("kind", KINDS)
def test_they_are_encrypted_in_the_row_and_sent_to_the_target(db, kind):
    with Target() as target:
        scheme = KINDS[kind][0].removesuffix("s")
        made(kind, f"{scheme}://127.0.0.1:{target.port}/", headers={"X-Plain": "seen"})
        row = Probe.objects.get()
        assert TOKEN not in json.dumps(row.options)
        assert set(row.options["secret_headers"]) == {"sealed"}
        order = row.order()
        assert TOKEN not in repr(order)
        target.answers = 503
        target.says = f'{{"status": "down", "error": "no such token: Bearer {TOKEN}"}}'.encode()
        target.headers = {"Content-Type": "application/json", "X-Echo": f"{TOKEN}-2"}
        egress = Egress(["127.0.0.0/8"])
        reading = asyncio.run(check(kind, order, deadline_s=5, egress=egress))
        _, _, headers, _ = target.asked[-1]
        assert headers["Authorization"] == f"Bearer {TOKEN}"
        assert (headers["X-Key"], headers["X-Plain"]) == (f"{TOKEN}-2", "seen")
        assert reading.failure is not None
        assert TOKEN not in json.dumps(asdict(reading), default=str)


def test_a_redirect_to_another_origin_does_not_get_them(db):
    with Target() as home, Target() as away:
        home.paths["/"] = (302, {"Location": f"http://127.0.0.1:{away.port}/there"}, b"")
        made("http", f"http://127.0.0.1:{home.port}/")
        asyncio.run(check("http", Probe.objects.get().order(), deadline_s=5, egress=Egress(["127.0.0.0/8"])))
        _, path, headers, _ = away.asked[-1]
        assert path == "/there"
        assert not {"Authorization", "X-Key"} & set(headers)


@pytest.mark.parametrize("kind", KINDS)
def test_they_do_not_move_to_another_origin_by_themselves(db, kind):
    scheme = KINDS[kind][0]
    made(kind, f"{scheme}://api.example.org:8443/a")
    again(target=f"{scheme}://api.example.org:8443/b?c").clean()
    plain = scheme.removesuffix("s")
    for target in ("evil.example:8443", "api.example.org:443", "api.example.org"):
        with pytest.raises(ValidationError, match=f"secret_headers: {SET}"):
            again(target=f"{scheme}://{target}/a").clean()
    with pytest.raises(ValidationError, match=SET):
        again(target=f"{plain}://api.example.org:8443/a").clean()  # without TLS
    row = again(target=f"{plain}://api.example.org:8443/a")
    row.options = {**row.options, "secret_headers": TYPED}  # entered again
    row.clean()


@pytest.mark.parametrize("line", HOSTS)
def test_they_do_not_go_to_another_site_of_the_same_server(db, line):
    made("http", "https://cdn.example.org/")
    name, _, value = line.partition(":")
    row = again()
    row.options = {**row.options, "headers": {name: value}}
    with pytest.raises(ValidationError, match=r"It was not set for the host evil\.example in a header"):
        row.clean()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("line", "headers", "sentence"),
    [
        ("X-Key: a", {"x-KEY": "b"}, "X-Key is in “Headers (sent)” as well: remove one of them."),
        ("Host: a.example", {}, "Host is no secret: put it into “Headers (sent)”."),
        ("content-type: text/plain", {}, "content-type is no secret: put it into “Headers (sent)”."),
        ("X Key: a", {}, "“X Key” is not a valid header name."),
        ("X-Key: a\x01b", {}, "The value of X-Key contains control characters."),
    ],
)
def test_what_cannot_be_sent_is_refused_in_a_sentence(kind, line, headers, sentence):
    scheme, options = KINDS[kind]
    given = {**options, "headers": headers, "secret_headers": line}
    with pytest.raises(InvalidProbeError) as refused:
        PROBERS[kind].parse(f"{scheme}://api.example.org/", given)
    assert refused.value.field == "secret_headers"
    assert sentence in refused.value.sentence


@pytest.mark.parametrize(
    "name", ["Sec-WebSocket-Protocol", "Upgrade", "Sec-WebSocket-Key", "Transfer-Encoding"]
)
def test_what_belongs_to_the_upgrade_is_no_secret_header_either(name):
    with pytest.raises(InvalidProbeError) as refused:
        PROBERS["websocket"].parse("wss://api.example.org/", {"secret_headers": f"{name}: x"})
    assert refused.value.field == "secret_headers"
