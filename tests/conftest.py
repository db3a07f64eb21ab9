"""What tests share: things to watch, targets that misbehave on order, and the whole program."""

import logging
import os
import pathlib
import shutil

import pytest
from django.conf import settings
from django.db import connection
from django.test import TransactionTestCase

from components import identity
from statuspage.ops import supervisor
from statuspage.public import kept_days, kept_rows
from tests import emptying
from tests.browser import Browser
from tests.faults import faults
from tests.looking import Looking
from tests.once import migrated_database, migrated_file
from tests.targets import Target
from tests.web import Web
from tests.whole import Whole

os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # Playwright's loop runs in the test's thread
logging.getLogger("httpx").setLevel(logging.WARNING)


# doors, addresses, senders: what they ask of a database is the same on both, and CI has a quarter of an hour
ONE_IS_ENOUGH = {
    "test_access",
    "test_doors_out",
    "test_manners",
    "test_own_error_pages",
    "test_bounces",
    "test_few_messages",
    "test_intake",
    "test_snapshot",
    "test_feeds",
    "test_chat",
    "test_copies",
    "test_importing",
    "test_limits",
    "test_mail",
    "test_managing",
    "test_staff",
    "test_webhooks",
    "test_calendars",
    "test_door",
    "test_drilldown",
    "test_login",
    "test_matrix",
    "test_oidc",
    "test_oidc_answers",
    "test_push",
}


def pytest_configure(config):
    faults.OUTPUT = config.pluginmanager.getplugin("capturemanager")


def pytest_ignore_collect(collection_path, config):
    """What is asked of one database alone is not even read for the other."""
    return True if config.option.markexpr == "data" and collection_path.stem in ONE_IS_ENOUGH else None


def pytest_collection_modifyitems(items):
    """Whoever asks for the database asks for both of them, but for the doors."""
    for item in items:
        asked = set(getattr(item, "fixturenames", ()))
        # starting and stopping is the same on both; the main journey runs whole on both
        is_journey = "whole" in asked and item.path.stem == "test_break_and_mend"
        has_data = bool({"db", "transactional_db"} & asked) and "browser" not in asked
        if (has_data and item.path.stem not in ONE_IS_ENOUGH) or is_journey:
            item.add_marker(pytest.mark.data)
        if "browser" in asked:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def django_db_keepdb(django_db_modify_db_settings):
    """The tests' database is there already: a copy of one that was migrated once for all processes."""
    told = settings.DATABASES["default"]
    name = told["TEST"]["NAME"] or f"test_{told['NAME']}"
    if settings.POSTGRES:
        settings.POSTGRES.create(name, migrated_database(settings.POSTGRES))
    else:
        shutil.copy(migrated_file(), name)
    return True


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    """Tests are cleaned up with DELETE, which the audit log refuses: that trigger has a test of its own."""
    TransactionTestCase._fixture_teardown = emptying.empty
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        if settings.POSTGRES:
            cursor.execute("DROP TRIGGER audit_table ON statuspage_audit")
        else:
            cursor.execute("DROP TRIGGER IF EXISTS audit_delete")


@pytest.fixture(autouse=True)
def who_we_are(request, monkeypatch):
    """No test is the page that another one made.

    It is asked once, before the test: those that count queries count their own.
    """
    monkeypatch.setattr(identity, "READ_AGAIN_S", float("inf"))
    identity.forget()
    is_marked = request.node.get_closest_marker("django_db") is not None
    if is_marked or {"db", "transactional_db"} & set(request.fixturenames):
        request.getfixturevalue("db")
        identity.current()
    yield
    identity.forget()


@pytest.fixture(autouse=True)
def nothing_kept():
    """What renderings keep is another database's after each test."""
    kept_days.clear()
    kept_rows.clear()


@pytest.fixture
def target():
    """A web server that answers as it is told."""
    with Target() as made:
        yield made


@pytest.fixture
def whole(tmp_path, request):
    """The real program: supervisor, web, worker, beat, on a database of its own."""
    made = Whole(pathlib.Path(tmp_path))
    yield made
    made.close()


@pytest.fixture
def free_port():
    """A port of loopback that nobody listens on."""
    return supervisor.free_port()


@pytest.fixture(scope="session")
def one_browser():
    """Started with the first page that a test looks at."""
    made = Browser()
    made.pause()
    yield made
    made.close()


@pytest.fixture
def browser(one_browser):
    """Pages in a real browser; a script error or a refused source fails the test."""
    one_browser.resume()
    yield one_browser
    faults = [fault for fault in one_browser.faults if "ERR_" not in fault and "503" not in fault]
    one_browser.pause()
    assert faults == []


@pytest.fixture(scope="session")
def one_web(tmp_path_factory, django_db_setup, django_db_blocker):
    """A real web process on the tests' database: starting one costs more than most tests do."""
    with django_db_blocker.unblock():
        made = Web(tmp_path_factory.mktemp("web"))
    yield made
    made.stop()


@pytest.fixture
def web(one_web, transactional_db):
    """The web process, with nothing of an earlier test."""
    one_web.begin()
    return one_web


@pytest.fixture
def looking(web, browser):
    """A browser that looks at pages with axe-core; what it finds fails the test."""
    made = Looking(web, browser)
    yield made
    browser.faults = [fault for fault in browser.faults if "status of 4" not in fault]
    assert made.wrong == [], "\n".join(made.wrong)
