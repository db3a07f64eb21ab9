"""The story of the demo, hurried: slow, down, an incident by itself, repaired, resolved."""

import os
import subprocess
import sys
import uuid

import psutil

from tests.whole import ROOT

INNER = ("DJANGO_SETTINGS_MODULE", "VAR_DIR", "DATABASE_URL", "REDIS_URL", "PUBLIC_URL")


def test_widgetify_runs_out_of_connections_and_the_page_tells_it():
    mark = uuid.uuid4().hex
    env = {k: v for k, v in os.environ.items() if k not in INNER} | {"MARK": mark}
    done = subprocess.run(
        [sys.executable, "manage.py", "demo", "--pace", "0", "--once"],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    told = done.stdout
    assert done.returncode == 0, told + done.stderr
    chapters = [
        "A quiet day", "degraded performance", "503", "major outage",
        "The page posted automatically (investigating",
        "200 connections instead of 5",
        "The page posted automatically (resolved", "The demo has been removed.",
    ]  # fmt: skip
    places = [told.index(words) for words in chapters]
    assert places == sorted(places)
    assert "Static assets  operational" in told[places[3] : places[4]]
    assert done.stderr == ""
    assert [one for one in psutil.process_iter() if _mark_of(one) == mark] == []


def _mark_of(process):
    try:
        return process.environ().get("MARK")
    except psutil.Error:
        return None
