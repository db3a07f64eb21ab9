"""Programs that other people wrote see what was said: those the tests have anyway (all: `make clients`)."""

import sys

import pytest

from tests.clients import __main__ as command
from tests.clients import judge, truth


@pytest.fixture
def two_acts(web, tmp_path, monkeypatch):
    """Read both acts with a program: what it saw of each, and the complaints."""
    monkeypatch.setitem(command.CLIENTS, "plain", ("api", "python"))

    def read(names):
        first = truth.begin()
        web.catch_up()
        seen = [{name: command.see(name, web.url, tmp_path, sys.executable) for name in names}]
        second = truth.go_on(first["keys"])
        web.catch_up()
        seen.append({name: command.see(name, web.url, tmp_path, sys.executable) for name in names})
        return (first, second), seen

    return read


def test_feed_readers_calendars_and_clients_see_what_was_said_and_ids_stay(two_acts):
    names = ("plain", "feedparser", "icalendar")
    told, seen = two_acts(names)
    for name in names:
        kind = command.CLIENTS[name][0]
        for act, saw in zip(told, seen, strict=True):
            assert list(judge.JUDGES[kind](saw[name], act)) == [], name
        assert list(judge.stable(kind, seen[0][name], seen[1][name])) == [], name
