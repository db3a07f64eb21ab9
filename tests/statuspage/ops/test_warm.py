"""What the supervisor imports for its forks: all that they need at once, and nothing large that few use."""

import json
import os
import subprocess
import sys

import pytest

WORK = """
import django
django.setup()
from statuspage.celery import app
from statuspage.ops import warm
warm.load(warm.TASKS)
print(sorted({entry["task"] for entry in app.conf.beat_schedule.values()} - set(app.tasks)))
"""
LOOK = """
import json, os, sys, threading
import django
django.setup()
from statuspage.ops import warm
warm.load()
files = [os.path.realpath(f"/proc/self/fd/{n}") for n in os.listdir("/proc/self/fd")]
print(json.dumps({"modules": sorted(sys.modules), "threads": threading.active_count(), "files": files}))
"""
# each takes megabytes, and is imported where it is used
LATE = ("anymail", "apprise", "httpx", "icalendar", "openpyxl", "prompt_toolkit", "psycopg", "py_vapid",
        "requests", "rich", "celery.beat", "django.db.migrations.executor")  # fmt: skip
NEEDED = (
    "statuspage.serving.http1.server",
    "statuspage.urls",
    "incidents.tasks",
    "subscribers.tasks",
    "uvloop",
)


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """What a process has after it."""
    return json.loads(run(LOOK, tmp_path_factory.mktemp("var")))


def run(code, folder):
    """What a process of its own prints."""
    env = {**os.environ, "VAR_DIR": str(folder), "DATABASE_URL": "",
           "DJANGO_SETTINGS_MODULE": "statuspage.settings", "OIDC_ISSUER": ""}  # fmt: skip
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, check=True)
    return done.stdout


@pytest.mark.parametrize("name", LATE)
def test_what_few_use_is_imported_late(loaded, name):
    assert name not in loaded["modules"]


@pytest.mark.parametrize("name", NEEDED)
def test_what_all_use_is_there_before_the_forks(loaded, name):
    assert name in loaded["modules"]


def test_it_may_fork(loaded):
    """A lock that another thread holds would be held in the fork for ever; a connection would be shared."""
    assert loaded["threads"] == 1
    assert not [name for name in loaded["files"] if "socket:" in name or "sqlite" in name]


def test_the_one_worker_knows_every_task_of_the_schedule(tmp_path):
    """By their names alone: Celery's own search would make all of Django's checks as well."""
    assert run(WORK, tmp_path).strip() == "[]"
