"""No request of a stranger is an error of ours: no 5xx, no traceback, a sentence, and no key in the log."""

import gzip
import io
import json
import logging
import re
import zlib

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import URLPattern
from django.utils import timezone

from components.access_marks import PUBLIC
from incidents.models import Incident
from statuspage.ops.logs import LineFormatter
from statuspage.urls import urlpatterns
from subscribers import confirming
from subscribers.models import State, Subscriber
from tests.faults.faults import length
from tests.making import watched
from tests.subscribers.making import mail, webhook
from tests.subscribers.test_push import HERE, subscription

INVITATION = "an-invitation-that-nobody-may-read"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW")
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=x"

DEEP = "[" * 30_000
TEXTS = (
    "", " ", "\0", "a\0b", "\ud800", "a\udfffb", "\r\n", "a\r\nBcc: x", "\u202e", "²", "٣", "-1", "1e309",
    "NaN", "null", "9" * 5000, "a" * 30_000, "é" * 5000, "😀" * 2000, "%00", "%", "../../etc", "{{7*7}}",
    "' OR 1=1 --", "<script>", "a@b", "@", "a@b@c.example", '"a b"@example.org',
    "a@" + "b" * 300 + ".example", "a@[1.2.3.4]", "a@1.2.3.4", "a@0x", "a@xn--", "a@\ud800.example",
    "a@ex\0ample.org", "ａ@ｅｘａｍｐｌｅ.org", "http://[", "http://\ud800/", "https://0x-1/", "//x",
    "javascript:alert(1)", "[" * 30_000, '{"id": "x"}', '{"id": 1}', '{"response": {}}',
    '{"response": {"userHandle": 1}}', "[]", "{}",
    '{"id": "AA", "rawId": "AA", "type": "public-key", "response": {"userHandle": "AA"}}',
    "component-", "component-\0", "group-" + "x" * 300, "all", "some", "follow",
)  # fmt: skip
VALUES = (
    None, True, False, 0, -1, 10**400, 1e308, [], {}, [[]], [None], {"a": {}}, ["a@example.org"],
    {"email": "x"}, "\ud800", "\0", "a" * 5000, "a@example.org", "http://example.org/",
)  # fmt: skip
CHOICE = ("full", "scope", "places", "kinds", "least_impact", "is_digest")
FIELDS = {
    "subscribe/<": (*CHOICE, "address", "contact", "follow", "challenge", "number"),
    "subscription/": (*CHOICE, "incident", "also", "message", "csrfmiddlewaretoken"),
    "subscriptions/": ("email", "endpoint"),
    "unsubscribe/": ("List-Unsubscribe",),
    "confirm/": ("a",),
    "api/": ("subscriber[email]", "subscriber[endpoint]", "subscriber[id]", "subscriber[", "email"),
    "accounts/": ("login", "password", "code", "credential", "next", "email", "username", "password1"),
    "hooks/": ("event", "signature"),
}  # fmt: skip
JSON_FIELDS = (
    "email",
    "endpoint",
    "id",
    "component_id",
    "incident_id",
    "subscriber",
    "keys",
    "p256dh",
    "auth",
    "address",
)
RAW = (
    (b"", JSON), (b"null", JSON), (b"[]", JSON), (b"1", JSON), (b'"x"', JSON), (b"NaN", JSON),
    (b"[" * 60_000, JSON), (b'{"a":' * 12_000, JSON),
    (b'{"subscriber":' * 4_000 + b"1" + b"}" * 4_000, JSON), (b"{", JSON), (b"\xff\xfe", JSON),
    (b"\xef\xbb\xbf{}", JSON), (b"\x00", JSON), (b"9" * 60_000, JSON),
    (b'{"id":' + b"9" * 9000 + b"}", JSON), (b'{"id":1e999}', JSON), (b'{"id":-Infinity}', JSON),
    (b'{"id":"\\ud800"}', JSON), (b'{"id":"\\u0000"}', JSON), (b'{"id":"a","id":"b"}', JSON),
    (b'{"\\ud800":"a"}', JSON), (b'{"":""}', JSON),
    (b'{"subscriber":{"endpoint":"\\ud800","email":"a@example.org"}}', JSON),
    (b'{"subscriber":{"endpoint":"http://example.org/\\ud800","email":"a@example.org"}}', JSON),
    (b'{"subscriber":{"email":"\\ud800@example.org"}}', JSON),
    (b'{"subscriber":{"email":"a@example.org","component_id":"\\ud800"}}', JSON),
    (b'{"subscriber":{"email":"a@example.org","incident_id":"\\u0000"}}', JSON),
    ('{"id":"é"}'.encode("utf-16"), JSON), ('{"email":"é@example.org"}'.encode("latin-1"), JSON),
    (gzip.compress(b'{"id":"a"}'), JSON), (b'{"id":"a"}', "application/json; charset=utf-16"),
    (b'{"id":"a"}', "application/json; charset=nonsense"),
    (b'{"id":"a"}', "application/json; charset=\x7f"), (b"address=%ED%A0%80", FORM), (b"address=%FF", FORM),
    (b"address=\xff\xfe", FORM), (b"\x00=\x00", FORM), (b"=" * 20_000, FORM), (b"&" * 60_000, FORM),
    (b"a=1&" * 12_000, FORM), (b"address", FORM), (b"%", FORM), (b"%zz=%", FORM),
    (b"address=a%40example.org", "application/x-www-form-urlencoded; charset=utf-16"),
    (b"address=a%40example.org", "application/x-www-form-urlencoded; charset=nonsense"),
    (b"address=a%40example.org", "application/x-www-form-urlencoded; charset=rot13"),
    (b"address=a%40example.org", "application/x-www-form-urlencoded; charset=idna"),
    (b"address=%C3%A9", "application/x-www-form-urlencoded; charset=ascii"), (b"", MULTIPART),
    (b"--x", MULTIPART), (b"--x--", MULTIPART), (b"--x\r\n\r\n", MULTIPART),
    (b'--x\r\nContent-Disposition: form-data; name="address"\r\n\r\n\xff\xed\xa0\x80\r\n--x--', MULTIPART),
    (b'--x\r\nContent-Disposition: form-data; name="\xff"\r\n\r\na\r\n--x--', MULTIPART),
    (b'--x\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\na\r\n--x--', MULTIPART),
    (b'--x\r\nContent-Disposition: form-data; name="f"; filename*=utf-8\'\'%ff\r\n\r\na\r\n--x--', MULTIPART),
    (b'--x\r\nContent-Disposition: form-data; name="f"\r\nContent-Transfer-Encoding: base64\r\n', MULTIPART),
    (b'--x\r\nContent-Type: a; charset=no\r\nContent-Disposition: form-data; name="a"\r\n\r\na', MULTIPART),
    (b"--x\r\n" * 2_000, MULTIPART), (b"a", "multipart/form-data"),
    (b"a", "multipart/form-data; boundary="), (b"a", "multipart/form-data; boundary=" + "b" * 500),
    (b"a", "multipart/mixed; boundary=x"), (b"a", ""), (b"a", "\xff"), (b"a", "text/plain"),
    (b"<a/>", "application/xml"), (b"a", "application/json/x"), (b"{}", "APPLICATION/JSON"),
)  # fmt: skip
QUERIES = (
    "", "%00", "%ff", "%ED%A0%80", "a=%00", "q=%ff", "q=%00", "q=%ED%A0%80", "q=" + "a" * 5000, "page=²",
    "page=%D9%A3", "page=" + "9" * 5000, "page=-1", "page=0", "page=1&page=x", "unsubscribe=%00",
    "unsubscribe=%ff", "unsubscribe=" + "a" * 5000, "unsubscribe=../../x", "only=%00", "only=%ff",
    "said=%00", "next=%00", "next=//evil.example", "next=https%3A%2F%2Fevil.example", "code=%00&state=%00",
    "error=%00", "state=%ff&code=a", "&" * 2000, "=", "a[]=1", "%", ";", "a=1;b=2", "\xff", "email=%00",
    "id=%00", "id=%ED%A0%80", "subscriber%5Bid%5D=%00", "key=%00", "&".join("a=1" for _ in range(1500)),
)  # fmt: skip
PIECES = (
    "%00", "a%00b", "%ff", "%ED%A0%80", "%C3%A9", "%F0%9F%98%80", "a" * 3000, "%2e%2e", "..", ".", "%2F",
    "a%2Fb", "%0d%0a", "%20", "-", "_", "0", "9" * 400, "%D9%A3", "%C2%B2", "1999-01", "0000-00", "9999-12",
    "2026-13", "2026-02-30", "9999-12-31", "0001-01-01", "99", "24", "00b", "con", "%25", "%", "%zz", "'",
    '"', "<", ":", ";", "a:b:c", "a.b.c", "*", "~",
)  # fmt: skip


def routes(patterns=urlpatterns, prefix=""):
    """(route, view) of every address that is ours."""
    for pattern in patterns:
        route = f"{prefix}{pattern.pattern}"
        if isinstance(pattern, URLPattern):
            yield route, pattern.callback
        elif not route.startswith("admin/"):
            yield from routes(pattern.url_patterns, route)


def public_routes():
    return sorted({route for route, view in routes() if getattr(view, "access", None) == PUBLIC})


POSTED = (
    "subscribe/",
    "subscriptions/",
    "subscription/",
    "confirm/",
    "unsubscribe/",
    "api/v2/sub",
    "accounts/",
    "hooks/",
)
PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>|\(\?P<(\w+)>[^)]*\)")


def plain(route):
    return route.replace("^", "").rstrip("$").replace("\\Z", "").replace("\\/", "/").replace("\\.", ".")


TAKERS = [route for route in public_routes() if plain(route).startswith(POSTED)]


def filled(route, samples):
    """The address with a sample in the place of each parameter."""
    return "/" + PARAMETER.sub(lambda found: samples[found[1] or found[2]], plain(route))


@pytest.fixture
def samples(db, ask):
    """What real addresses hold. The keys among it must not be read in the log."""
    part = watched().component
    incident = Incident.objects.create(title="Chat is slow", started_at=timezone.now())
    hook = webhook("http://example.org/hook")
    asked = mail("asked@example.org", state=State.UNCONFIRMED)
    ask.keys |= {hook.key, confirming.link(asked).rsplit("/", 1)[1], INVITATION}
    return {
        "public_id": part.public_id,
        "key": hook.key,
        "signed": confirming.link(asked).rsplit("/", 1)[1],
        "channel": "webhook",
        "provider": "postmark",
        "provider_id": "sso",
        "month": "2026-10",
        "on": "2026-10-05",
        "hour": "08",
        "form": "feed.json",
        "token": INVITATION,
        "uidb36": "1",
        "incident": incident.public_id,
        "name": "logo-64x64",
    }


@pytest.fixture
def ask(settings):
    """Send it, and hold the answer and the log against the rule."""
    settings.MAIL_EVENTS, settings.ANYMAIL = "postmark", {"WEBHOOK_SECRET": "user:sixteen-letters"}
    client, log = Client(raise_request_exception=False), io.StringIO()
    handler = logging.StreamHandler(log)
    handler.setFormatter(LineFormatter(settings.LOGGING["formatters"]["line"]["format"]))
    logging.getLogger().addHandler(handler)

    def asked(method, path, body=b"", content_type=FORM, **more):
        cache.clear()
        log.seek(0)
        log.truncate()
        answer = client.generic(method, path, body, content_type=content_type, **{**HERE, **more})
        what = f"{method} {path[:120]!r} {body[:120]!r} {content_type[:60]!r}"
        assert answer.status_code < 500 or path.startswith("/healthz"), what  # nothing checks here: 503
        assert "Traceback" not in log.getvalue(), f"{what}: {log.getvalue()[-400:]}"
        assert not {key for key in samples_of_keys if key in log.getvalue()}, log.getvalue()
        text = b"" if answer.streaming else answer.content
        assert b"Traceback" not in text, what
        return answer

    samples_of_keys = set()
    asked.keys = samples_of_keys
    yield asked
    logging.getLogger().removeHandler(handler)


def encoded(name, text):
    from urllib.parse import quote_from_bytes

    raw = [part.encode("utf-8", "surrogatepass") for part in (name, text)]
    return "=".join(quote_from_bytes(part) for part in raw).encode()


def share(values, of):
    """All of them in the long form; else every fourth, beginning elsewhere for each `of`."""
    step = length(4, 1)
    return values[zlib.crc32(of.encode()) % step :: step]


@pytest.mark.parametrize("route", public_routes())
def test_odd_bodies(ask, samples, route):
    path = filled(route, samples)
    for body, content_type in share(RAW, of=route):
        ask("POST", path, body, content_type)


@pytest.mark.parametrize("route", public_routes())
def test_odd_methods(ask, samples, route):
    path = filled(route, samples)
    for method in METHODS:
        answer = ask(method, path)
        if method not in ("GET", "HEAD", "POST", "OPTIONS") and (method, route) != (
            "DELETE",
            "api/v2/subscribers.json",
        ):
            assert answer.status_code in (403, 404, 405), (method, path)


@pytest.mark.parametrize("route", [*TAKERS, "", "history", "history/search", "api/v2/summary.json"])
def test_odd_queries(ask, samples, route):
    path = filled(route, samples)
    for query in share(QUERIES, of=route):
        ask("GET", f"{path}?{query}", QUERY_STRING=query)
        ask("POST", f"{path}?{query}", QUERY_STRING=query)


@pytest.mark.parametrize("route", [route for route in public_routes() if PARAMETER.search(route)])
def test_odd_addresses(ask, samples, route):
    for piece in share(PIECES, of=route):
        for method in ("GET", "POST"):
            ask(method, filled(route, dict.fromkeys(samples, piece)))


def test_addresses_that_nobody_routes(ask, db):
    for piece in PIECES:
        ask("GET", f"/{piece}")
        ask("GET", f"/{piece}/{piece}/{piece}")
        ask("POST", f"/console/{piece}")
        ask("GET", f"/admin/{piece}")
        ask("GET", f"/static/{piece}")


@pytest.mark.parametrize("route", [route for route in TAKERS if plain(route).startswith(tuple(FIELDS))])
def test_every_field_takes_odd_words(ask, samples, route):
    path = filled(route, samples)
    usual = {
        "address": "https://example.org/hook",
        "contact": "me@example.org",
        "full": "1",
        "scope": "all",
        "kinds": "incident",
    }
    (fields,) = [fields for prefix, fields in FIELDS.items() if plain(route).startswith(prefix)]
    for field in fields:
        for text in share(TEXTS, of=route + field):
            rest = b"&".join(encoded(name, value) for name, value in usual.items() if name != field)
            ask("POST", path, rest + b"&" + encoded(field, text), FORM)


@pytest.mark.parametrize("path", ["/api/v2/subscribers.json", "/subscribe/browser"])
@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_every_json_field_takes_odd_values(ask, samples, path, method):
    good = {"subscriber": {"endpoint": "http://example.org/", "email": "a@example.org"}, **subscription()}
    for field in JSON_FIELDS:
        for value in share(VALUES, of=path + field):
            for inside in ("", "subscriber", "keys"):
                body = json.loads(json.dumps(good))
                (body[inside] if inside else body)[field] = value
                ask(method, path, json.dumps(body).encode(), JSON)
                if inside:
                    ask(method, path, json.dumps({field: value}).encode(), JSON)


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ("[" * 60_000, "JSON"),
        ("{", "JSON"),
        ('{"subscriber": []}', "subscriber"),
        ('{"subscriber": {"email": ["a@example.org"]}}', "email"),
        ('{"subscriber": {"email": true}}', "email"),
        ('{"subscriber": {"email": {"a": 1}}}', "email"),
        ('{"subscriber": {"email": "a\\ud800@example.org"}}', "email"),
        ('{"subscriber": {"email": "a\\u0000@example.org"}}', "email"),
        ('{"subscriber": {"endpoint": 5, "email": "a@example.org"}}', "endpoint"),
        ('{"subscriber": {"endpoint": "http://\\ud800/", "email": "a@example.org"}}', "endpoint"),
        ('{"subscriber": {"email": "a@example.org", "component_id": ["x"]}}', "component_id"),
        ('{"subscriber": {"email": "a@example.org", "incident_id": "\\ud800"}}', "incident_id"),
    ],
)
def test_the_answer_names_the_field(ask, db, told, says):
    answer = ask("POST", "/api/v2/subscribers.json", told.encode(), JSON)
    assert answer.status_code in (400, 422)
    assert says in answer.json()["error"]
    assert not Subscriber.objects.exists()
