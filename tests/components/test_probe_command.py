"""`manage.py probe`: one look now, in words, and a component if wanted."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from components.models import Component, Probe
from components.probers import PROBERS
from tests import ws_targets
from tests.http2 import Http2, tls
from tests.recordings.backends import says
from tests.targets import Raw


def probe(*arguments, **options):
    out, code = StringIO(), 0
    try:
        call_command("probe", *arguments, stdout=out, **options)
    except SystemExit as end:
        code = end.code
    return out.getvalue(), code


def test_the_ladder_of_a_healthy_target(db, target):
    text, code = probe(target.url)
    assert code == 0
    for rung in ("✓ DNS", "✓ Connect", "127.0.0.1", "✓ First byte", "HTTP 200", "✓ Transfer", "✓ Assertion"):
        assert rung in text
    assert "up in " in text
    assert not Component.objects.exists()


def test_the_ladder_stops_where_the_check_does(db, target, free_port):
    text, code = probe(f"http://127.0.0.1:{free_port}/")
    assert code == 1
    assert f"✗ Connect    Nothing is listening on port {free_port}: connection refused." in text
    assert "– First byte" in text
    target.answers = 503
    text, code = probe(target.url)
    assert (code, "✗ Assertion  Responded with 503" in text) == (1, True)


def test_the_protocol_is_told_and_the_option_saved(db, tmp_path, monkeypatch):
    context, vouches = tls(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", vouches)
    with Http2(context) as server:
        assert "HTTP/2 200" in probe(server.url, option=["http2=on"])[0]
        _, code = probe(server.url, option=["http2=on"], save=True, name="Shop")
    assert (code, Probe.objects.get().options) == (0, {"http2": "on"})
    made = Probe.objects.get()
    assert PROBERS["http"].parse(made.target, made.options).http2 is True


def test_a_websocket_and_an_event_stream_by_their_schemes(db, target):
    with ws_targets.Served(ws_targets.echo) as server:
        text, code = probe(server.url, save=True, name="Chat", option=["connections=3", "hold_s=1"])
        assert code == 0
        for rung in ("✓ Upgrade       ", "✓ First message ", "3 of 3 opened", "✓ Assertion     as expected"):
            assert rung in text
        assert (Probe.objects.get().kind, Probe.objects.get().target) == ("websocket", server.url)
        text, code = probe(server.url.replace("ws://", "http://"))
        assert (code, "✗ Assertion" in text) == (1, True)
    target.headers, target.says = {"Content-Type": "text/event-stream"}, b"data: x\n\n"
    text, code = probe(f"sse+{target.url}")
    assert (code, "✓ First event" in text) == (0, True)
    text, code = probe(target.url.replace("http", "ws"))
    assert (code, "✗ Upgrade       Responded with 200, not with 101" in text) == (1, True)
    assert "– First message" in text


def test_saved_it_is_a_component_with_a_probe(db, target):
    text, _ = probe(target.url, save=True, name="Shop", interval=30, option=["expect_text=well"])
    assert "Saved as “Shop”; it is checked every 30 s." in text
    made = Probe.objects.get()
    assert (made.component.name, made.interval_s, made.options) == ("Shop", 30, {"expect_text": "well"})


def test_one_that_is_down_is_saved_too_for_that_is_why_it_is_watched(db, free_port):
    text, code = probe(f"tcp://127.0.0.1:{free_port}", save=True, name="Mail")
    assert (code, Probe.objects.get().kind) == (1, "tcp")
    assert "Saved as “Mail”" in text


def test_the_kind_can_stand_before_the_address(db, target):
    target.json({"used": 830, "max": 1000})
    option = ["value=$.used", "divided_by=$.max", "limits=degraded above 80%"]
    text, code = probe(f"numbers+{target.url}", option=option)
    assert (code, "! Assertion  degraded" in text) == (1, True)
    assert "$.used / $.max is 0.83 (830 of 1,000), above the limit of 0.8." in text
    target.json({"status": "UP"})
    text, code = probe(f"health+{target.url}", save=True, name="Health")
    assert (code, Probe.objects.get().kind, Probe.objects.get().target) == (0, "health", target.url)


def test_a_page_that_is_not_there_says_nothing_of_the_vendor(db, free_port):
    text, code = probe(f"vendor+http://127.0.0.1:{free_port}/")
    assert code == 1
    assert "unknown in " in text
    assert "So the status it reports is unknown." in text


@pytest.mark.parametrize(
    ("arguments", "options", "words"),
    [
        (["vendor://example.org"], {}, "target: Enter the full address"),
        (["dns+http://example.org"], {}, "Choose|target"),
        (["numbers+http://127.0.0.1:9/"], {}, "value: Enter a JSON path"),
        (["example.org"], {}, "target: Start it with http://"),
        (["gopher://example.org"], {}, "target: Start it with"),
        (["http://"], {}, "target: Enter a host."),
        (["tcp://example.org"], {}, "host:port"),
        (["http://127.0.0.1:9/"], {"option": ["expect_regex=("]}, "expect_regex"),
        (["http://127.0.0.1:9/"], {"option": ["nonsense"]}, "NAME=VALUE"),
        (["http://127.0.0.1:9/"], {"save": True, "interval": 1}, "every 5 seconds"),
        (["http://127.0.0.1:9/"], {"save": True, "name": "x" * 300}, "name"),
        (["http://10.0.0.1/"], {"save": True, "timeout": 1}, "EGRESS_ALLOW"),
        (["ws://127.0.0.1:9/"], {"option": ["hold_s=10"]}, "timeout_s: By its options a check takes 10 s"),
        (["sse+ftp://127.0.0.1:9/"], {}, "target: Start it with"),
    ],
)
def test_nonsense_is_refused_with_a_sentence_and_nothing_is_kept(db, arguments, options, words):
    with pytest.raises(CommandError, match=words):
        probe(*arguments, **options)
    assert not Component.objects.exists()


NGINX_502 = (
    "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center>"
    "<h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx/1.22.1</center>\r\n</body>\r\n</html>\r\n"
)


def test_a_check_that_fails_prints_its_likely_causes(db, free_port):
    with Raw(says("502 Bad Gateway", NGINX_502, "text/html", "Server: nginx/1.22.1")) as server:
        text, code = probe(f"http://127.0.0.1:{server.port}/")
    assert code == 1
    assert "Response made by: nginx" in text
    assert "1. The process behind nginx is not running, or not accepting connections [likely, 66 %]" in text
    assert "tail -n 50 /var/log/nginx/error.log" in text
    assert "1. The process is not running" in probe(f"http://127.0.0.1:{free_port}/")[0]
    with Raw(says("503 Service Unavailable", "Service Unavailable")) as server:
        assert "No known cause matches." in probe(f"http://127.0.0.1:{server.port}/")[0]
