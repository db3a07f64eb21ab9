"""The whole program as `make run` starts it, on a database of its own, for tests that watch from outside."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import uuid
from pathlib import Path
from typing import Any

import httpx
import psutil
from django.conf import settings as test_settings

from statuspage.ops.supervisor import free_port
from tests.once import migrated_database, migrated_file, static_files

ROOT = Path(__file__).resolve().parent.parent
READY_S = 60


def wait_for(look, timeout_s: float = 30, every_s: float = 0.1) -> Any:
    """The first true answer of `look`. Fails with the last one when there is none in time."""
    end, found = time.monotonic() + timeout_s, None
    while time.monotonic() < end:
        found = look()
        if found:
            return found
        time.sleep(every_s)
    raise AssertionError(f"not within {timeout_s} s; last seen: {found!r}")


class Whole:
    """`manage.py up`. Settings for the environment come with `start`.

    Its tables are there before the first start, as after a restart; with `is_new` it makes them itself.
    """

    root = ROOT  # whose program it is

    def __init__(self, folder: Path, *, is_new: bool = False) -> None:
        self.is_new = is_new
        self.folder = folder
        self.var = folder / "var"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.lines: list[str] = []
        self.process: subprocess.Popen[str] | None = None
        self.seen: dict[int, psutil.Process] = {}
        postgres = getattr(test_settings, "POSTGRES", None)
        self.database = ""
        if postgres:
            like = "template1" if is_new else migrated_database(postgres)
            self.database = postgres.create(f"whole_{uuid.uuid4().hex[:12]}", like)
        self.web = httpx.Client(base_url=self.url, timeout=10)

    @property
    def env(self) -> dict[str, str]:
        env = {k: v for k, v in os.environ.items() if k not in ("REDIS_URL", "DJANGO_SETTINGS_MODULE")}
        return env | {
            "VAR_DIR": str(self.var),
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
            "DATABASE_URL": self.database,
            "PUBLIC_URL": self.url,
            "SETTLE_S": "3",
        }

    def start(self, *, wait: bool = True, **env: str) -> "Whole":
        self.given = env
        if self.folder.is_dir() and not self.var.exists() and self.var.parent == self.folder:
            shutil.copytree(static_files(), self.var / "static", copy_function=os.link)
        file = self.var / "statuspage.sqlite3"
        if self.var.is_dir() and not (self.is_new or self.database or "DATABASE_URL" in env or file.exists()):
            shutil.copy(migrated_file(), file)
        self.process = subprocess.Popen(
            [sys.executable, str(self.root / "manage.py"), "up"],
            env=self.env | env,
            cwd=self.root,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        threading.Thread(target=self._read, args=(self.process.stdout,), daemon=True).start()
        if wait:
            try:
                wait_for(lambda: any("is live" in line for line in self.lines), READY_S)
            except AssertionError:
                raise AssertionError("\n".join(self.lines)) from None
            self.family()
        return self

    def _read(self, stream):
        with stream:
            for line in stream:
                self.lines.append(line.rstrip())

    def manage(self, *arguments: str, check: bool = True, **env: str) -> subprocess.CompletedProcess[str]:
        """A management command on the same database."""
        return subprocess.run(
            [sys.executable, str(self.root / "manage.py"), *arguments],
            env=self.env | self.given | env,
            cwd=self.root,
            capture_output=True,
            text=True,
            check=check,
            timeout=60,
        )

    def watch(self, target: str, name: str, *, check: bool = True) -> None:
        """A component of this name with a probe."""
        more = ("--save", "--name", name, "--interval", "5", "--timeout", "2")
        self.manage("probe", target, *more, check=check)

    def json(self, path: str = "/api/v2/summary.json") -> dict[str, Any]:
        return self.web.get(path).json()

    def status_of(self, name: str) -> str | None:
        rows = [row for row in self.json()["components"] if row["name"] == name]
        return ("unknown" if rows[0].get("unknown") else rows[0]["status"]) if rows else None

    def incidents(self) -> list[dict[str, Any]]:
        return self.json("/api/v2/incidents.json")["incidents"]

    def family(self) -> list[psutil.Process]:
        """Everything that runs for us, remembered for the end."""
        found = psutil.Process(self.process.pid).children(recursive=True)
        self.seen.update({one.pid: one for one in found})
        return found

    def child(self, role: str) -> psutil.Process | None:
        """The leader of one role: valkey, web, worker, post, beat. None while there is none."""
        marks = {
            "valkey": "valkey",
            "web": "manage.py web",
            "worker": " -Q celery",
            "post": " -Q post ",
            "beat": " beat",
        }
        for one in psutil.Process(self.process.pid).children():
            try:
                line = " ".join(one.cmdline()) + " "
            except psutil.Error:
                continue  # just died
            if marks[role] in line:
                return one
        return None

    def is_back(self, role: str, old: psutil.Process) -> bool:
        """Whether somebody else plays this role now."""
        now = self.child(role)
        return now is not None and now.pid != old.pid

    def stop(self, number: int = signal.SIGTERM, timeout_s: float = 20) -> float:
        """Stop it, and say how long that took (s)."""
        self.family()
        began = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(timeout_s)
        return time.monotonic() - began

    def left(self) -> list[psutil.Process]:
        """What of ours still runs."""
        return [one for one in self.seen.values() if one.is_running() and one.status() != "zombie"]

    def close(self) -> None:
        self.web.close()
        if self.process is not None and self.process.poll() is None:
            self.family()
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
        for one in self.left():
            one.kill()


def pretty(value: object) -> str:
    return json.dumps(value, indent=1)
