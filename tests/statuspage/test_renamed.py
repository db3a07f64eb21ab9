"""A renamed page, seen from outside: by staff, by a restart with other settings, without a database."""

import httpx
import pytest
from django.utils import timezone

from components.models import Page
from tests.making import found, watched
from tests.web import Web
from tests.whole import wait_for

EAGER = ("/", "/history.atom", "/api/v2/status.json", "/maintenance")
LAZY = ("/postmortems", "/history/figures", "/subscribe")


@pytest.fixture
def own_web(tmp_path, transactional_db):
    """A web process that a test may stop and start otherwise."""
    found(watched("Chat"), "up", timezone.now())
    made = Web(tmp_path, PAGE_NAME="Widgetify")
    yield made
    made.stop()


def restart(web, **env):
    web.stop()
    web.env |= env
    web.start()


def texts(web, paths=(*EAGER, *LAZY)):
    return {path: httpx.get(f"{web.url}{path}", timeout=10).text for path in paths}


def test_a_restart_with_another_name_serves_no_page_of_the_old_one(own_web):
    assert all("Widgetify" in text for text in texts(own_web).values())
    restart(own_web, PAGE_NAME="Tern")
    for path, text in texts(own_web).items():
        assert "Tern" in text, path
        assert "Widgetify" not in text, path


def test_a_new_name_in_the_database_reaches_a_running_process_within_seconds(own_web):
    texts(own_web)
    Page.objects.filter(pk=1).update(name="Tern")
    Page.objects.bump_version()
    wait_for(lambda: all("Tern" in text for text in texts(own_web).values()), 10)


def test_without_a_database_the_name_that_staff_gave_goes_on(own_web):
    Page.objects.filter(pk=1).update(name="Tern", support_url="https://help.tern.example/")
    Page.objects.bump_version()
    wait_for(lambda: "Tern" in httpx.get(own_web.url).text, 10)
    restart(own_web, DATABASE_URL="postgres://nobody:x@127.0.0.1:1/nothing")
    kept = httpx.get(own_web.url).text
    assert "Tern" in kept
    unknown = httpx.get(f"{own_web.url}/history/2020-01", timeout=10)  # never asked for: there is no copy
    assert unknown.status_code == 503
    assert "Tern" in unknown.text
    assert 'href="https://help.tern.example/"' in unknown.text
