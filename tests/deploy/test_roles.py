"""The roles, each started by its own command, as on many machines; and the health check of each."""

import contextlib
import os
import signal
import subprocess
import sys
import uuid

import httpx
import pytest

from components.places import ROOT
from statuspage.ops.supervisor import free_port
from tests import settings as test_settings
from tests.servers import Valkey
from tests.whole import wait_for

pytestmark = [pytest.mark.stack, pytest.mark.data]


class Machines:
    """Processes of one installation, each with a folder of its own as in containers."""

    def __init__(self, folder, database, redis_url):
        self.folder, self.port = folder, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.processes: dict[str, subprocess.Popen] = {}
        kept = {k: v for k, v in os.environ.items() if k not in ("DJANGO_SETTINGS_MODULE", "ROLE")}
        self.env = kept | {
            "DATABASE_URL": database, "REDIS_URL": redis_url, "SECRET_KEY": "k" * 50, "PORT": str(self.port),
            "PUBLIC_URL": self.url, "WORKER_CONCURRENCY": "1", "WORKER_SILENCE_S": "10",
        }  # fmt: skip

    def settings(self, role):
        return self.env | {"VAR_DIR": str(self.folder / role)}

    def run(self, role, *arguments):
        return subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), *arguments], env=self.settings(role), cwd=self.folder,
            capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip

    def start(self, role):
        with (self.folder / f"{role}.log").open("w") as log:
            self.processes[role] = subprocess.Popen(
                [sys.executable, str(ROOT / "manage.py"), role], env=self.settings(role), cwd=self.folder,
                stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    def health(self):
        return httpx.get(f"{self.url}/healthz", timeout=10).json()

    def end(self):
        for process in self.processes.values():
            process.send_signal(signal.SIGTERM)
        codes = {role: process.wait(30) for role, process in self.processes.items()}
        for process in self.processes.values():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        return codes


@pytest.fixture
def machines(tmp_path):
    postgres, broker = getattr(test_settings, "POSTGRES", None), Valkey()
    database = (
        postgres.create(f"roles_{uuid.uuid4().hex[:12]}")
        if postgres
        else f"sqlite:///{tmp_path / 'all.sqlite3'}"
    )
    made = Machines(tmp_path, database, broker.url)
    made.broker = broker
    yield made
    made.end()
    broker.kill()


def test_each_role_by_its_own_command(machines):
    prepared = machines.run("web", "prepare")
    assert prepared.returncode == 0, prepared.stderr
    assert "Staff login: " in prepared.stdout
    assert "Staff login" not in machines.run("web", "prepare").stdout  # a second time makes no second one
    for role in ("web", "worker", "messages", "beat"):
        machines.start(role)
    wait_for(lambda: _answers(machines.url), 60)
    made = machines.run(
        "worker", "probe", f"{machines.url}/livez", "--save", "--name", "Web", "--interval", "5"
    )
    assert made.returncode in (0, 1), made.stderr
    wait_for(lambda: machines.health()["status"] == "pass", 60)
    for role in ("web", "worker", "messages", "beat"):
        alive = machines.run(role, "alive", role)
        assert alive.returncode == 0, alive.stderr
    assert {row.name for row in machines.folder.glob("*/static")} == {"static"}  # the web's alone
    codes = machines.end()
    assert set(codes.values()) == {0}, {role: (machines.folder / f"{role}.log").read_text() for role in codes}


def test_a_worker_that_hangs_is_not_alive_and_one_that_lacks_its_broker_is(machines):
    machines.run("web", "prepare")
    for role in ("worker", "messages", "beat"):
        machines.start(role)
    wait_for(lambda: machines.run("worker", "alive", "worker").returncode == 0, 60)
    wait_for(lambda: _beats(machines), 60)
    process = machines.processes["worker"]
    os.killpg(process.pid, signal.SIGSTOP)
    try:
        hung = wait_for(lambda: _failed(machines.run("worker", "alive", "worker")), 60)
        assert "has done nothing for 10 s" in hung.stderr
        assert machines.run("messages", "alive", "messages").returncode == 0
        machines.broker.kill()
        alive = machines.run("worker", "alive", "worker")
        assert (alive.returncode, alive.stdout[:12]) == (0, "Cannot tell:")
    finally:
        os.killpg(process.pid, signal.SIGCONT)
        os.killpg(process.pid, signal.SIGKILL)


def test_a_web_process_that_is_not_there_is_not_alive(machines):
    gone = machines.run("web", "alive")
    assert gone.returncode == 1
    assert "does not answer" in gone.stderr


def _answers(url):
    try:
        return httpx.get(f"{url}/readyz").status_code == 200
    except httpx.HTTPError:
        return False


def _beats(machines):
    """Whether the worker has left a heartbeat."""
    code = "from components.models import Heartbeat as H; print(H.objects.filter(role='worker').count())"
    return machines.run("worker", "shell", "-v0", "-c", code).stdout.strip() not in ("", "0")


def _failed(done):
    return done if done.returncode == 1 else None
