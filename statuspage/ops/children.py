"""The supervisor's children: how each is started, what it prints, how it ends."""

import contextlib
import json
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from statuspage.ops import forking
from statuspage.ops.child_output import Relay
from statuspage.ops.pipes import Pipe

REST_S = 1.0  # to read what a child that ended has printed
REPORTS_TO = "REPORTS_TO"  # in its environment: the open file of a child that reports
KEPT = ("role", "env", "command", "plays", "loss", "reports", "started_at")  # over an exec
Process = subprocess.Popen[bytes] | forking.Running


@dataclass
class Child:
    """One process of the program: how to start it, what it plays, and its current process.

    It is either a command of its own, or `run` in a fork of this process. Only a fork shares its memory; with
    both, it is the fork the first time, and the command once this process has replaced itself.
    """

    role: str
    env: Mapping[str, str]
    command: list[str] = field(default_factory=list)
    run: Callable[[], int | None] | None = None
    plays: tuple[str, ...] = ()  # the roles of the watch that this process plays; its own, if none are named
    loss: str = ""  # what stops without it
    reports: bool = False  # whether it writes lines for the supervisor alone
    process: Process | None = None
    started_at: float = 0.0
    deaths: int = 0
    due_at: float = 0.0
    failed_starts: int = 0
    said: str = ""  # the reason that was printed last
    relay: Relay = field(init=False)
    output: Pipe | None = None
    _reporting: Pipe | None = None

    def __post_init__(self) -> None:
        self.relay = Relay(self.role)
        self.plays = self.plays or (self.role,)

    def start(self) -> None:
        """Start it in its own process group. Raises OSError if its program cannot be run."""
        self.relay.begin()
        self._close()
        self.output, writing = Pipe.make()
        theirs = [writing]
        if self.reports:
            self._reporting, reporting = Pipe.make()
            theirs.append(reporting)
        try:
            self.process = self._begin(*theirs)
        except OSError:
            self._close()
            raise
        finally:
            for number in theirs:
                os.close(number)
        self.started_at = time.monotonic()

    def _begin(self, writing: int, reporting: int | None = None) -> Process:
        env = {**self.env, "ROLE": self.role}
        if reporting is not None:
            env[REPORTS_TO] = str(reporting)
        if self.run is not None:
            begin = self.run

            def live() -> int | None:
                os.environ.update(env)
                return begin()

            return forking.Forked(live, title=f"statuspage {self.role}", output=writing)
        return subprocess.Popen(  # noqa: S603 - our own commands
            self.command,
            env={**os.environ, **env},
            stdin=subprocess.DEVNULL,
            stdout=writing,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=() if reporting is None else (reporting,),
            preexec_fn=forking.begin_command,  # noqa: PLW1509 - two system calls, nothing that locks
        )

    def kept(self) -> dict[str, Any]:
        """What `taken_over` needs, as JSON can hold it. Its pipes stay open over an exec."""
        pipes = {"output": self.output, "_reporting": self._reporting}
        numbers = {name: pipe.number for name, pipe in pipes.items() if pipe is not None and pipe.is_open}
        for number in numbers.values():
            os.set_inheritable(number, True)
        values = {name: getattr(self, name) for name in KEPT}
        pid = None if self.process is None else self.process.pid
        return json.loads(json.dumps({**values, "pid": pid, "pipes": numbers}))  # type: ignore[no-any-return]

    @classmethod
    def taken_over(cls, kept: dict[str, Any]) -> "Child":
        """The child of the program that this process was before it replaced itself."""
        child = cls(**{name: kept[name] for name in KEPT})
        child.plays = tuple(child.plays)
        child.process = None if kept["pid"] is None else forking.Running(kept["pid"])
        for name, number in kept["pipes"].items():
            os.set_inheritable(number, False)
            setattr(child, name, Pipe(number))
        return child

    def read(self) -> bool:
        """Pass on what it has printed. False once nothing more can come."""
        if self.output is None:
            return False
        now = time.monotonic()
        for line in self.output.lines():
            self.relay.take(line, now)
        if not self.output.is_open:
            self.output = None
        return self.output is not None

    def take_reports(self) -> list[str]:
        """The lines that it has written for us since the last time."""
        return [] if self._reporting is None else self._reporting.lines()

    def _close(self) -> None:
        for pipe in (self.output, self._reporting):
            if pipe is not None:
                pipe.close()
        self.output = self._reporting = None

    def reason(self) -> str:
        """Why it ended, once its output is read: not for long, as what it started may hold the pipe."""
        self._read_rest()
        return self.relay.reason()

    def _read_rest(self) -> None:
        end = time.monotonic() + REST_S
        while self.output is not None and time.monotonic() < end:
            select.select([self.output.number], [], [], max(0.0, end - time.monotonic()))
            self.read()

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
        """Wait for it, passing on what it prints, then kill what is left of its group."""
        end = time.monotonic() + patience_s
        while self.is_running and time.monotonic() < end:
            read_all([self], 0.02)
        self.signal_group(signal.SIGKILL)
        if self.process is not None:
            self.process.wait()
        self._read_rest()


def read_all(children: list[Child], patience_s: float) -> None:
    """Wait at most this long (s) until some of them print, and pass that on."""
    by_output = {child.output.number: child for child in children if child.output is not None}
    ready, _, _ = select.select(list(by_output), [], [], patience_s)
    for output in ready:
        by_output[output].read()
