"""Servers of other makers in folders of their own, on loopback, ended by their process id."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from statuspage.ops.supervisor import free_port

PATIENCE_S = 20


class MissingServerError(Exception):
    """The program is not installed: its message names the Debian package."""


class Server:
    """One process group, started in a folder of its own, that listens on `port`."""

    def __init__(self, program: str, package: str = "") -> None:
        path = shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
        if path is None:
            raise MissingServerError(f"{program} is not installed: apt-get install {package or program}")
        self.program = path
        self.folder = Path(tempfile.mkdtemp(prefix="recordings-"))
        self.folder.chmod(0o755)
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def write(self, name: str, text: str) -> Path:
        file = self.folder / name
        file.write_text(text)
        return file

    def start(self, *arguments: object, env: dict[str, str] | None = None, waits: bool = True) -> None:
        command = [self.program, *map(str, arguments)]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                command, cwd=self.folder, stdout=log, stderr=log, start_new_session=True,
                env={**os.environ, **(env or {})},
            )  # fmt: skip
        if waits:
            wait_for(self.port, self.process)

    def send(self, number: int) -> None:
        assert self.process is not None
        os.kill(self.process.pid, number)

    def close(self) -> None:
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait(5)
        elif self.process is not None:
            with _gone():
                os.killpg(self.process.pid, signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")[-2000:]


class _gone:  # noqa: N801 - reads as a word
    """Whoever has ended already need not be ended."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type | None, *_: object) -> bool:
        return kind is not None and issubclass(kind, ProcessLookupError)


def wait_for(port: int, process: "subprocess.Popen[bytes] | None" = None) -> None:
    """Until somebody accepts on this port."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        if process is not None and process.poll() is not None:
            raise AssertionError(f"it ended at once, with {process.returncode}")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=0.5).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"nothing listens on port {port}")


def closed_port() -> tuple[int, socket.socket]:
    """A port that refuses for as long as the socket, which is bound and does not listen, is kept."""
    held = socket.socket()
    held.bind(("127.0.0.1", 0))
    return held.getsockname()[1], held


def busy(port: int, count: int, path: str = "/slow") -> Sequence[socket.socket]:
    """Connections that each have asked for something slow, and wait."""
    lines = []
    for _ in range(count):
        line = socket.create_connection(("127.0.0.1", port), timeout=5)
        line.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
        lines.append(line)
    time.sleep(0.3)
    return lines
