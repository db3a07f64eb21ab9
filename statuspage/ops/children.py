"""The supervisor's children: how each is started, what it prints, how it ends."""

import contextlib
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from statuspage.ops import forking
from statuspage.ops.child_output import Relay

MAX_LINE = 64 * 1024  # bytes kept of a line that does not end
REST_S = 1.0  # to read what a child that ended has printed
Process = subprocess.Popen[bytes] | forking.Forked


@dataclass
class Child:
    """One process of the program: how to start it, what it plays, and its current process.

    It is either a command of its own, or `run` in a fork of this process. Only a fork shares its memory.
    """

    role: str
    env: Mapping[str, str]
    command: list[str] = field(default_factory=list)
    run: Callable[[], int | None] | None = None
    plays: tuple[str, ...] = ()  # the roles of the watch that this process plays; its own, if none are named
    loss: str = ""  # what stops without it
    process: Process | None = None
    started_at: float = 0.0
    deaths: int = 0
    due_at: float = 0.0
    failed_starts: int = 0
    said: str = ""  # the reason that was printed last
    relay: Relay = field(init=False)
    output: int | None = None  # the end of its pipe that we read
    _rest: bytes = b""  # the beginning of a line

    def __post_init__(self) -> None:
        self.relay = Relay(self.role)
        self.plays = self.plays or (self.role,)

    def start(self) -> None:
        """Start it in its own process group. Raises OSError if its program cannot be run."""
        self.relay.begin()
        self._close()
        reading, writing = os.pipe()
        os.set_blocking(reading, False)
        self.output = reading
        forking.ours_alone.add(reading)
        try:
            self.process = self._begin(writing)
        except OSError:
            self._close()
            raise
        finally:
            os.close(writing)
        self.started_at = time.monotonic()

    def _begin(self, writing: int) -> Process:
        env = {**self.env, "ROLE": self.role}
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
            preexec_fn=forking.die_with_parent,  # noqa: PLW1509 - one prctl, nothing that locks
        )

    def read(self) -> bool:
        """Pass on what it has printed. False once nothing more can come."""
        if self.output is None:
            return False
        try:
            data = os.read(self.output, MAX_LINE)
        except BlockingIOError:
            return True
        *lines, rest = (self._rest + data).split(b"\n")
        self._rest = rest[-MAX_LINE:] if data else b""
        if not data and rest:
            lines.append(rest)
        now = time.monotonic()
        for line in lines:
            self.relay.take(line.decode(errors="replace").rstrip(), now)
        if not data:
            self._close()
        return bool(data)

    def _close(self) -> None:
        if self.output is not None:
            forking.ours_alone.discard(self.output)
            os.close(self.output)
        self.output, self._rest = None, b""

    def reason(self) -> str:
        """Why it ended, once its output is read: not for long, as what it started may hold the pipe."""
        end = time.monotonic() + REST_S
        while self.output is not None and time.monotonic() < end:
            select.select([self.output], [], [], max(0.0, end - time.monotonic()))
            self.read()
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
        """Wait for it, passing on what it prints, then kill what is left of its group."""
        end = time.monotonic() + patience_s
        while self.is_running and time.monotonic() < end:
            read_all([self], 0.02)
        self.signal_group(signal.SIGKILL)
        if self.process is not None:
            self.process.wait()
        while self.read():
            pass


def read_all(children: list[Child], patience_s: float) -> None:
    """Wait at most this long (s) until some of them print, and pass that on."""
    by_output = {child.output: child for child in children if child.output is not None}
    ready, _, _ = select.select(list(by_output), [], [], patience_s)
    for output in ready:
        by_output[output].read()
