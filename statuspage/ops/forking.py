"""Processes forked from this one: they share its memory, what was imported included.

A page that neither changes is in memory once. The parent must have no other thread and no open connection
when it forks, as the child would have them half: `freeze` is called by one that has neither.
"""

import contextlib
import ctypes
import gc
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

PR_SET_NAME = 15
PR_SET_PDEATHSIG = 1
M_ARENA_MAX = -8  # of mallopt in malloc.h
ARENAS = 2  # for all threads: else glibc keeps freed memory apart for each, which adds up to tens of MiB
ARG_START, ARG_END = 47, 48  # fields of /proc/<pid>/stat (proc(5)), from 0
POLL_S = 0.02
STOPPING = (signal.SIGTERM, signal.SIGINT)
ours_alone: set[int] = set()  # open files that forks must not keep: our lock, the pipes that we read


def freeze() -> None:
    """Before the first fork: have the garbage collector leave alone what there is, as looking writes.

    It may have been off since the start (`statuspage/__main__.py`); what it looks at from now on is new.
    """
    with contextlib.suppress(AttributeError):  # another C library than glibc
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, ARENAS)
    gc.freeze()
    gc.enable()


def tidy() -> None:
    """Give back the memory that only the start needed: garbage, and what the C library keeps for later."""
    gc.collect()
    with contextlib.suppress(AttributeError):  # another C library than glibc
        ctypes.CDLL(None).malloc_trim(0)


class Running:
    """A child of this process by its id, with the verbs of subprocess.Popen; it stays one over an exec."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Its exit code, negative for a signal; None while it runs."""
        if self.returncode is None:
            with contextlib.suppress(ChildProcessError):
                pid, status = os.waitpid(self.pid, os.WNOHANG)
                if pid:
                    self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code, once it has ended. Raises subprocess.TimeoutExpired."""
        end = None if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            if end is not None and time.monotonic() >= end:
                raise subprocess.TimeoutExpired("fork", timeout or 0.0)
            time.sleep(POLL_S)
        return code

    def terminate(self) -> None:
        """Send it SIGTERM."""
        if self.poll() is None:
            os.kill(self.pid, signal.SIGTERM)


class Forked(Running):
    """A process that calls `run` in a session of its own.

    `output` is the file number of its standard output and error. `run` returns its exit code or None.
    """

    def __init__(self, run: Callable[[], int | None], *, title: str, output: int | None = None) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        parent = os.getpid()
        super().__init__(os.fork())
        if self.pid == 0:
            _live(run, title, output, parent)


def waiting(run: Callable[[], None], *, title: str) -> tuple[Forked, int]:
    """A fork that calls `run` once a byte is written to the open file returned with it, or ends with that."""
    reading, writing = os.pipe()
    ours_alone.add(writing)

    def live() -> None:
        if os.read(reading, 1):
            run()

    fork = Forked(live, title=title)
    os.close(reading)
    return fork, writing


def block() -> None:
    """Hold back the signals that stop us: they come once they are let through, even after an exec."""
    signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)


def unblock() -> None:
    """Let them through again. A child begins with what its parent holds back."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)


def begin_command() -> None:
    """In a child, before its program is run."""
    die_with_parent()
    unblock()


def die_with_parent() -> None:
    """Have Linux end this process with its parent, even after kill -9."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _live(run: Callable[[], int | None], title: str, output: int | None, parent: int) -> None:
    """The child's whole life. Never returns: the caller's frames are the parent's."""
    code = 1
    try:
        os.setsid()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        unblock()
        die_with_parent()
        if os.getppid() != parent:
            os._exit(1)  # it died before we asked to die with it
        for number in ours_alone:
            os.close(number)
        ours_alone.clear()  # of the parent: this process may fork as well
        _redirect(output)
        set_title(title)
        code = run() or 0
    except SystemExit as asked:
        code = _code_of(asked)
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _redirect(output: int | None) -> None:
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    if output is not None:
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.close(output)
    # stderr writes each line at once anyway, and loggers hold on to it
    sys.stdout = os.fdopen(1, "w", buffering=1, errors="backslashreplace", closefd=False)


def _code_of(asked: SystemExit) -> int:
    """As Python ends with: a text is printed, and counts as 1."""
    if isinstance(asked.code, str):
        print(asked.code, file=sys.stderr)
        return 1
    return asked.code or 0


def set_title(title: str) -> None:
    """What `ps` calls this process. Cut to the room that the command line had."""
    try:
        fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
        start, end = (int(fields[number - 2]) for number in (ARG_START, ARG_END))
        room = end - start
        ctypes.memmove(start, title.encode()[: room - 1].ljust(room, b"\0"), room)
        ctypes.CDLL(None).prctl(PR_SET_NAME, title.encode()[:15], 0, 0, 0)
    except (OSError, ValueError, IndexError, AttributeError):
        pass  # only a name
