"""What may be read in the log: no keys of addresses, no traceback for a stranger's mistake."""

import json
import logging
import os
import re
import subprocess
import sys

import pytest
from django.conf import settings
from django.http import HttpResponse
from django.utils.log import log_response

from statuspage.ops.logs import HARMLESS, PARAMETER, JSONFormatter, LineFormatter, masked, routes
from statuspage.urls import urlpatterns
from tests.once import ROOT

KEY = "k3y-thatNobody_mayRead.1"
KEYED = sorted(
    {
        route
        for route in routes(urlpatterns)
        if {found["plain"] or found["regex"] for found in PARAMETER.finditer(route)} - HARMLESS
    }
)


def written(message, **more):
    kind = more.pop("formatter", LineFormatter)
    formatter = kind(settings.LOGGING["formatters"]["line"]["format"])
    record = logging.LogRecord(
        "django.request", logging.WARNING, "x.py", 1, message, (), more.pop("exc_info", None)
    )
    vars(record).update(more)
    return formatter.format(record)


def filled(route):
    names = PARAMETER.sub(lambda found: "1" if (found["plain"] or found["regex"]) in HARMLESS else KEY, route)
    return "/" + names.replace("\\Z", "").rstrip("$")


def test_the_table_holds_keyed_addresses():
    names = "subscription/ confirm/ unsubscribe/ accounts/invitation/ accounts/password/reset/key/"
    assert all(any(route.startswith(name) for route in KEYED) for name in names.split())


@pytest.mark.parametrize("route", KEYED)
@pytest.mark.parametrize(
    "words", ["Method Not Allowed: {}", "Unprocessable Entity: {}", "https://a.example{}?x=1", "“{}”", "<{}>"]
)
def test_no_key_of_an_address_is_written(route, words):
    line = written(words.format(filled(route)))
    assert KEY not in line
    assert "***" in line


def test_a_key_in_a_query_or_a_traceback_is_not_written():
    try:
        raise ValueError(f"https://status.example/unsubscribe/{KEY} is wrong")
    except ValueError as error:
        line = written(
            "Internal Server Error: /", exc_info=(type(error), error, error.__traceback__), status_code=500
        )
    assert "Traceback" in line
    assert KEY not in line
    assert masked(f"GET /?unsubscribe={KEY}&a=1") == "GET /?unsubscribe=***&a=1"


@pytest.mark.parametrize(
    "path", ["/incidents/abcdefghijkl", "/history/2026-10", "/console/probes/12", "/subscribe/email"]
)
def test_what_anybody_may_know_is_written_as_it_is(path):
    assert path in written(f"Not Found: {path}")


def test_a_strangers_mistake_is_one_line():
    try:
        raise ValueError("too many fields")
    except ValueError as error:
        line = written("too many fields", exc_info=(type(error), error, error.__traceback__), status_code=400)
    assert not re.search("Traceback|\n", line)


ODD = "a\x1b[2Jb\x9b31mc\x7fd\u202ee\u2066f\u2028g\x85h\ud800i"


@pytest.mark.parametrize("kind", [LineFormatter, JSONFormatter])
def test_no_line_speaks_to_a_terminal_or_is_turned_round(kind):
    """Neither in what a stranger wrote, nor in an error that quotes it."""
    try:
        raise ValueError(ODD)
    except ValueError as error:
        exc_info = (type(error), error, error.__traceback__)
    line = written(f"region.refused reason={ODD}", exc_info=exc_info, formatter=kind)
    assert line.encode()
    assert line.replace("\n", "").isprintable()
    if kind is JSONFormatter:
        assert json.loads(line)["message"] == f"region.refused reason={ODD}"
    else:
        assert "\\x9b31m" in line
        assert "\\u202ee" in line


@pytest.mark.parametrize(
    ("path", "is_logged"), [("/healthz", False), ("/healthz/pipeline", False), ("/", True)]
)
def test_what_health_answers_is_no_error_of_the_server(rf, caplog, path, is_logged):
    request = rf.get(path)
    log_response("%s: %s", "Service Unavailable", path, response=HttpResponse(status=503), request=request)
    assert len(caplog.records) == is_logged


def test_libraries_write_no_headers_down_whatever_the_level():
    """hpack writes each header at DEBUG, with tokens in it."""
    code = (
        "import logging, django; django.setup(); import hpack; print(logging.getLogger('hpack.hpack').level, "
    )
    code += "logging.getLogger('hpack.hpack').isEnabledFor(logging.DEBUG), logging.getLogger().level)"
    env = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    env |= {"LOG_LEVEL": "DEBUG", "DJANGO_SETTINGS_MODULE": "statuspage.settings"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["0", "False", "10"]
