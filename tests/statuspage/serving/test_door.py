"""The front door: bytes from memory, honest about their age, whatever is dead behind it."""

import asyncio
import gzip
import json
import re

import brotli
import httpx
import pytest
from django.utils import timezone

from components.models import Page
from incidents.models import Incident
from statuspage.requests.limits import shared_address
from statuspage.serving.door import Door, best_encoding, security_headers
from statuspage.serving.event_stream import Streams
from statuspage.serving.snapshot import Snapshot
from tests.making import fell, found, watched


async def no_django(scope, receive, send):
    raise AssertionError("Django was asked")


@pytest.fixture
def door(tmp_path, transactional_db):
    return Door(no_django, Snapshot(tmp_path), Streams(10))


def ask(door, path, method="GET", **headers):
    async def go():
        transport = httpx.ASGITransport(door)
        async with httpx.AsyncClient(transport=transport, base_url="http://page") as client:
            client.headers.clear()
            names = {name.replace("_", "-"): value for name, value in headers.items()}
            async with client.stream(method, path, headers=names) as answer:
                raw = b"".join([piece async for piece in answer.aiter_raw()])
                return answer, raw

    return asyncio.run(go())


def test_the_encoding_the_reader_takes(door):
    found(watched(), "up", timezone.now())
    _, plain = ask(door, "/")
    answer, raw = ask(door, "/", accept_encoding="gzip, deflate, br")
    assert answer.headers["content-encoding"] == "br"
    assert brotli.decompress(raw) == plain
    answer, raw = ask(door, "/", accept_encoding="gzip")
    assert gzip.decompress(raw) == plain
    assert int(answer.headers["content-length"]) == len(raw)
    assert answer.headers["vary"] == "Accept-Encoding"


@pytest.mark.parametrize(
    ("accepted", "chosen"),
    [
        (b"br", b"br"),
        (b"gzip, br", b"br"),
        (b"br;q=0, gzip", b"gzip"),
        (b"br;q=0.5, gzip;q=0.8", b"gzip"),
        (b"*", b"gzip"),
        (b"identity", b""),
        (b"gzip;q=0", b""),
        (b"gzip;q=nonsense", b""),
        (b"", b""),
    ],
)
def test_which_encoding_is_best(accepted, chosen):
    assert best_encoding(accepted) == chosen


def test_nothing_new_is_304_without_a_body(door):
    found(watched(), "up", timezone.now())
    answer, _ = ask(door, "/")
    again, raw = ask(door, "/", if_none_match=answer.headers["etag"])
    assert (again.status_code, raw) == (304, b"")
    assert again.headers["etag"] == answer.headers["etag"]
    other, _ = ask(door, "/", if_none_match='"something else"')
    assert other.status_code == 200


def test_the_way_out_of_old_mails_is_djangos_to_answer(door):
    with pytest.raises(AssertionError, match="Django was asked"):
        ask(door, "/?unsubscribe=abc")
    assert ask(door, "/?utm_source=mail")[0].status_code == 200


def test_head_has_the_headers_and_no_body(door):
    answer, raw = ask(door, "/", method="HEAD")
    assert (answer.status_code, raw) == (200, b"")
    assert int(answer.headers["content-length"]) > 1000


def test_caches_may_keep_it_briefly_and_fall_back_on_it(door):
    answer, _ = ask(door, "/")
    assert answer.headers["cache-control"] == (
        "public, max-age=5, stale-while-revalidate=30, stale-if-error=86400"
    )


def test_the_headers_that_keep_strangers_code_out(door):
    answer, _ = ask(door, "/")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert re.fullmatch("max-age=[0-9]+", answer.headers["strict-transport-security"])
    assert "set-cookie" not in answer.headers


def test_other_sites_may_read_the_api_and_only_that(door):
    assert ask(door, "/api/v2/status.json")[0].headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-origin" not in ask(door, "/")[0].headers


def test_a_change_is_seen_at_the_next_look(door):
    probe = watched("API")
    found(probe, "up", timezone.now())
    ask(door, "/")
    fell(probe, timezone.now())
    door.snapshot.version = Page.objects.version()  # what the renderer's look would find
    _, text = ask(door, f"/incidents/{Incident.objects.get().public_id}")
    assert b"API is returning errors" in text


def test_with_everything_dead_behind_it_the_last_copy_is_served(door, monkeypatch):
    found(watched(), "up", timezone.now())
    ask(door, "/")

    def dead(*_):
        raise OSError("database and broker are gone")

    monkeypatch.setattr(Snapshot, "begin", dead)
    monkeypatch.setattr(Page.objects.__class__, "version", dead)
    after_restart = Door(no_django, Snapshot(door.snapshot.folder), Streams(10))
    answer, text = ask(after_restart, "/")
    assert answer.status_code == 200
    assert b"All systems are operational" in text


def test_with_no_copy_at_all_it_says_that_it_does_not_know(door, monkeypatch):
    def dead(*_):
        raise OSError("database and broker are gone")

    monkeypatch.setattr(Snapshot, "begin", dead)
    answer, text = ask(door, "/")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "10"
    assert "We don’t currently know the status".encode() in text
    assert b"Widgetify" in text


def test_only_get_is_answered_from_memory(door):
    with pytest.raises(AssertionError, match="Django was asked"):
        ask(door, "/", method="POST")


def test_what_is_no_document_goes_to_django(door):
    for path in ("/admin/", "/static/x.css", "/nothing", "/components/zzzzzzzzzzzz"):
        with pytest.raises(AssertionError, match="Django was asked"):
            ask(door, path)


def test_life_and_readiness(door):
    assert ask(door, "/livez")[0].status_code == 200
    assert ask(door, "/readyz")[0].status_code == 503  # nothing rendered yet
    door.snapshot.is_ready = True
    assert ask(door, "/readyz")[0].status_code == 200
    door.streams.is_closing = True
    assert ask(door, "/readyz")[0].status_code == 503
    assert ask(door, "/livez")[0].status_code == 200


def test_the_body_is_what_django_would_have_rendered(door, client):
    found(watched(), "up", timezone.now())
    _, through_door = ask(door, "/api/v2/status.json")
    assert json.loads(through_door) == client.get("/api/v2/status.json").json()


def test_subdomains_and_preload_are_spoken_of_only_by_setting(settings):
    settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = settings.SECURE_HSTS_PRELOAD = True
    assert dict(security_headers())[b"strict-transport-security"].endswith(b"; includeSubDomains; preload")


@pytest.mark.parametrize(
    ("proxies", "told", "client", "shared"),
    [
        (0, [], "93.184.216.34", "93.184.216.34"),
        (0, ["8.8.8.8"], "93.184.216.34", "93.184.216.34"),
        (1, ["1.1.1.1, 8.8.8.8"], "127.0.0.1", "8.8.8.8"),
        (1, ["1.1.1.1", "8.8.8.8"], "127.0.0.1", "8.8.8.8"),
        (2, ["8.8.8.8, 10.0.0.1"], "127.0.0.1", "8.8.8.8"),
        (1, ["2a00:1450::1:2"], "127.0.0.1", "2a00:1450::/64"),
        (0, [], "::ffff:8.8.8.8", "8.8.8.8"),
        (0, [], "127.0.0.1", ""),  # a proxy nobody told us of
        (1, ["10.0.0.7"], "127.0.0.1", ""),
        (1, ["nonsense"], "127.0.0.1", ""),
    ],
)
def test_who_shares_the_limit_of_open_pages(settings, proxies, told, client, shared):
    settings.TRUSTED_PROXIES = proxies
    headers = [(b"x-forwarded-for", text.encode()) for text in told] + [(b"x_forwarded_for", b"9.9.9.9")]
    assert shared_address({"headers": headers, "client": (client, 1)}) == shared
