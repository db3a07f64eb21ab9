"""Settings: every one documented, every wrong one told with a hint."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def documented():
    text = (ROOT / "docs" / "settings.md").read_text().split("## For tests")[0]
    return set(re.findall(r"^\| `([A-Z_]+)` \|", text, re.MULTILINE))


def read():
    code = (ROOT / "statuspage" / "settings.py").read_text()
    return set(re.findall(r"""env\.\w+\(\s*['"]([A-Z_]+)['"]""", code))


def test_every_setting_is_documented_and_every_documented_one_exists():
    assert documented() == read()


def check(**env):
    return subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "statuspage.settings", **env},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("env", "words"),
    [
        ({"PORT": "http"}, "PORT"),
        ({"PORT": "70000"}, "PORT is 70000"),
        ({"DATABASE_URL": "oracle://x"}, "DATABASE_URL"),
        ({"DATABASE_URL": "mysql://a@b/c"}, "DATABASE_URL names a database we do not know"),
        ({"REDIS_URL": "http://x"}, "REDIS_URL"),
        ({"PAGE_TIME_ZONE": "Mars/Olympus"}, "Europe/Berlin"),
        ({"PUBLIC_URL": "status.example.org"}, "https://status.example.org"),
        ({"EGRESS_ALLOW": "10.0.0.0/99"}, "10.1.0.0/16"),
        ({"SECRET_KEY": "short"}, "openssl rand"),
        ({"SETTLE_S": "-1"}, "SETTLE_S is -1"),
        ({"PAGE_NAME": "x" * 300}, "PAGE_NAME"),
        ({"DEBUG": "perhaps"}, "DEBUG"),
    ],
)
def test_a_wrong_setting_stops_the_start_with_a_sentence(env, words):
    done = check(**env)
    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_the_settings_of_the_tests_themselves_are_sound():
    done = check()
    assert (done.returncode, done.stderr) == (0, "")


def test_a_message_cannot_forge_a_line_of_the_log():
    import logging

    from statuspage.logs import LineFormatter

    record = logging.LogRecord("x", 20, "", 0, "from %s", ("a\r\nERROR forged\x1b[31m",), None)
    assert LineFormatter("%(message)s").format(record) == "from a\\r\\nERROR forged\\x1b[31m"
