"""The part for systemd of docs/install.md without systemd: its commands as printed, each ExecStart by hand.

As its user, in its environment and folder, with no capabilities and no new privileges. What only systemd
does is not tried here: restarts, the journal, and its sandbox, which systemd-analyze reads in
tests/deploy/test_papers.py.
"""

import re
import shlex
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from tests.bare_root import NO_MORE, Root, StepError
from tests.newcomer import free_port

ROLES = ("web", "worker", "messages", "beat")
NOT_HERE = ("systemctl", "journalctl")  # there is no systemd
DATABASE = "postgres://statuspage:page@127.0.0.1:5432/statuspage"
WAIT_S = 90


class Unit:
    """What deploy/systemd says of one instance."""

    def __init__(self, root: Root, role: str) -> None:
        self.role = role
        text = (root.folder / "etc/systemd/system/statuspage@.service").read_text().replace("%i", role)
        extra = root.folder / f"etc/systemd/system/statuspage@{role}.service.d"
        for file in sorted(extra.glob("*.conf")) if extra.exists() else ():
            text += file.read_text()
        self.lines = re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE)

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.lines if key == name]

    def env(self, root: Root) -> dict[str, str]:
        """Of the unit and of its EnvironmentFile, which comes later and wins."""
        pairs = [pair for value in self.all("Environment") for pair in shlex.split(value)]
        pairs += (root.folder / "etc/statuspage/env").read_text().split()
        return dict(pair.split("=", 1) for pair in pairs)


def services(root: Root, source: Path, say: Callable[[str], None]) -> None:
    """Raises StepError at the first thing that is not as the document promises."""
    block = (source / "docs/install.md").read_text().partition("\n## systemd\n")[2]
    for line in re.search(r"```\n(.*?)```", block, re.DOTALL).group(1).splitlines():
        command = line.partition(" #")[0].strip()
        if command.startswith(NOT_HERE):
            say(f"not run, there is no systemd: {command}")
            continue
        say(f"root# {command}")
        root.run(f"mkdir -p /etc/systemd/system; {command}", cwd="/srv/install")
    one_machine(root, say)
    many_machines(root, say)
    root.remove()


def begin(root: Root, unit: Unit) -> "tuple[dict[str, str], str]":
    """Its environment and user, with the folder that StateDirectory= makes."""
    (user,) = unit.all("User")
    for folder in unit.all("StateDirectory"):
        root.run(f"install -d -m 700 -o {user} -g {user} /var/lib/{folder}")
        root.run(f"chown {user}: /var/lib/statuspage")
    return unit.env(root), user


def one_machine(root: Root, say: Callable[[str], None]) -> None:
    unit = Unit(root, "up")
    env, user = begin(root, unit)
    (command,) = unit.all("ExecStart")
    say(f"{user}$ {command}")
    visit = f"umask 077; python3 /srv/visit.py -- {command}"
    print(root.run(visit, user=user, env=env, more=NO_MORE), end="")


def many_machines(root: Root, say: Callable[[str], None]) -> None:
    """The four roles, on Debian's own PostgreSQL and Redis."""
    packages = "postgresql redis-server"
    root.run(f"apt-get update -qq && apt-get install -y -qq --no-install-recommends {packages} >/dev/null")
    broker = free_port()
    root.run(f"pg_ctlcluster 15 main start; redis-server --port {broker} --daemonize yes >/dev/null")
    root.run(
        "psql -q -c \"CREATE ROLE statuspage LOGIN PASSWORD 'page'\""
        " -c 'CREATE DATABASE statuspage OWNER statuspage'",
        user="postgres",
    )
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    (root.folder / "etc/statuspage/env").write_text(
        f"PUBLIC_URL={url}\nPORT={port}\nDATABASE_URL={database(root)}\nSECRET_KEY={'k' * 50}\n"
        f"REDIS_URL=redis://127.0.0.1:{broker}/0\nEGRESS_ALLOW=127.0.0.0/8\n"
    )
    running = {}
    for role in ROLES:
        unit = Unit(root, role)
        env, user = begin(root, unit)
        for command in unit.all("ExecStartPre"):
            say(f"{user}$ {command}")
            print(root.run(f"umask 077; {command}", user=user, env=env, more=NO_MORE), end="")
        (command,) = unit.all("ExecStart")
        say(f"{user}$ {command}")
        line = root.command(f"umask 077; exec {command}", user=user, env=env, more=NO_MORE)
        running[role] = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    wait_for(lambda: answers(f"{url}/readyz"), "the page is not ready")
    probe = f"/opt/statuspage/bin/statuspage probe {url}/livez --save --name Web --interval 5"
    root.run(probe, user=user, env=env, more=NO_MORE)
    wait_for(lambda: answers(f"{url}/healthz"), "/healthz does not pass")
    say("the four roles run, /healthz passes")
    for role in ROLES:
        env, user = begin(root, Unit(root, role))
        root.run(f"/opt/statuspage/bin/statuspage alive {role}", user=user, env=env, more=NO_MORE)
    end(running)
    say("`alive` says 0 of each; each ended with 0 after SIGTERM")


def database(root: Root) -> str:
    """Where Debian's cluster listens: another one on this machine may have its usual port."""
    port = root.run("pg_lsclusters --no-header").split()[2]
    return DATABASE.replace("5432", port)


def end(running: "dict[str, subprocess.Popen[str]]") -> None:
    for process in running.values():
        process.send_signal(signal.SIGTERM)
    for role, process in running.items():
        text, _ = process.communicate(timeout=30)
        if process.returncode or "Traceback" in text:
            raise StepError(f"{role} ended with {process.returncode}:\n{text[-4000:]}")


def answers(url: str) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=5) as answer:
            return answer.status == 200
    except (OSError, urllib.error.HTTPError):
        return False


def wait_for(look: Callable[[], bool], sentence: str) -> None:
    end_at = time.monotonic() + WAIT_S
    while not look():
        if time.monotonic() > end_at:
            raise StepError(f"{sentence} after {WAIT_S} s")
        time.sleep(0.5)
