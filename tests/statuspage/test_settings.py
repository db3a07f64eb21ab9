"""Settings: every one documented, every wrong one told with a hint."""

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from environs import EnvError

from statuspage.staff.access import marked_views

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
    """The program's own start: once for each of the two places that stop it, and once for none."""
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
        ({"APPRISE_URLS": "json://localhost nothing://x"}, "address 2 of 2"),
    ],
)
def test_a_wrong_setting_stops_the_start(env, words):
    done = check(**env)
    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture
def read_anew(monkeypatch, settings):
    """Reads the settings in this environment, as a start does, puts them in force and checks them."""

    def told(**env):
        for name, value in env.items():
            monkeypatch.setenv(name, value)
        found = runpy.run_path(str(ROOT / "statuspage" / "settings.py"))
        for name, value in found.items():
            if name.isupper() and name not in ("DATABASES", "INSTALLED_APPS", "CACHES", "LOGGING"):
                setattr(settings, name, value)
        call_command("check")
        return settings

    return told


@pytest.mark.parametrize(
    ("env", "words"),
    [
        ({"PORT": "http"}, "PORT"),
        ({"PORT": "70000"}, "PORT is 70000"),
        ({"DATABASE_URL": "oracle://x"}, "DATABASE_URL"),
        ({"DATABASE_URL": "mysql://a@b/c"}, "DATABASE_URL names an unsupported database"),
        ({"REDIS_URL": "http://x"}, "REDIS_URL"),
        ({"PAGE_TIME_ZONE": "Mars/Olympus"}, "Europe/Berlin"),
        ({"PUBLIC_URL": "status.example.org"}, "https://status.example.org"),
        ({"EGRESS_ALLOW": "10.0.0.0/99"}, "10.1.0.0/16"),
        ({"SECRET_KEY": "short"}, "openssl rand"),
        ({"SETTLE_S": "-1"}, "SETTLE_S is -1"),
        ({"SUBSCRIBE_PROOF_BITS": "40"}, "SUBSCRIBE_PROOF_BITS is 40"),
        ({"PAGE_NAME": "x" * 300}, "PAGE_NAME"),
        ({"DEBUG": "perhaps"}, "DEBUG"),
        ({"TRUSTED_PROXIES": "-1"}, "TRUSTED_PROXIES is -1"),
        ({"OIDC_ISSUER": "login.example.org"}, "https://login.example.org"),
        ({"OIDC_ISSUER": "https://login.example.org", "OIDC_CLIENT_ID": ""}, "OIDC_CLIENT_ID"),
        ({"OIDC_ROLE": "boss"}, "responder"),
        ({"EMAIL_URL": "mail.example.org"}, "smtp://user:password@host:587"),
        ({"EMAIL_URL": "smtp://mail.example.org:mail"}, "smtp://user:password@host:587"),
        ({"MAIL_EVENTS": "pigeon", "MAIL_EVENTS_SECRET": "a:" + "b" * 20}, "postmark"),
        ({"MAIL_EVENTS": "postmark", "MAIL_EVENTS_SECRET": "nocolon" * 5}, "user:password"),
    ],
)
def test_a_wrong_setting_is_told_with_a_sentence(read_anew, env, words):
    with pytest.raises((EnvError, SystemCheckError)) as told:  # both stop a start
        read_anew(**env)
    assert words in str(told.value)


def test_without_a_provider_nothing_of_it_is_there():
    code = "from statuspage.staff.access import marked_views; print(*(path for path, _ in marked_views()))"
    done = subprocess.run(
        [sys.executable, "manage.py", "shell", "-v0", "-c", code],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "statuspage.settings", "OIDC_ISSUER": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "accounts/login/" in done.stdout.split()
    assert "oidc" not in done.stdout
    assert [path for path, _ in marked_views() if "oidc" in path]  # the tests have one


def test_a_mail_server_is_told_in_one_line(read_anew):
    def told(url):
        s = read_anew(EMAIL_URL=url)
        server = [s.EMAIL_HOST, s.EMAIL_PORT, s.EMAIL_HOST_USER, s.EMAIL_HOST_PASSWORD]
        return [*server, s.EMAIL_USE_TLS, s.EMAIL_USE_SSL, s.EMAIL_BACKEND.split(".")[-2]]

    full = told("smtp://me%40x:p%2Fw@mail.example.org:2525/?tls=true")
    assert full == ["mail.example.org", 2525, "me@x", "p/w", True, False, "smtp"]
    assert told("smtps://mail.example.org")[1:] == [465, "", "", False, True, "smtp"]
    assert told("")[-1] == "dummy"


def test_the_settings_of_the_tests_themselves_are_sound(read_anew):
    read_anew()
    done = check()
    assert (done.returncode, done.stderr) == (0, "")


def test_a_message_cannot_forge_a_line_of_the_log():
    import logging

    from statuspage.ops.logs import LineFormatter

    record = logging.LogRecord("x", 20, "", 0, "from %s", ("a\r\nERROR forged\x1b[31m",), None)
    assert LineFormatter("%(message)s").format(record) == "from a\\r\\nERROR forged\\x1b[31m"
