"""A remote region beside a test: its agent as a process, and a line to the server that can be cut."""

import contextlib
import os
import re
import socket
import ssl
import subprocess
import sys
import threading
import time

from tests.whole import ROOT

NOWHERE = {"DATABASE_URL": "postgres://nobody@127.0.0.1:1/none", "REDIS_URL": "redis://127.0.0.1:1/0"}


class Agent:
    """`manage.py region_agent`, which reaches neither a database nor a broker."""

    def __init__(self, folder, name, server, key, *, within=(), **env) -> None:
        self.folder, self.within = folder / f"agent-{name}", list(within)
        self.folder.mkdir(exist_ok=True)
        self.log = self.folder / "agent.log"
        kept = {k: v for k, v in os.environ.items() if k in ("PATH", "HOME", "LANG")}
        self.env = kept | NOWHERE | {
            "VAR_DIR": str(self.folder), "REGION": name, "REGION_SERVER": server, "REGION_KEY": key,
            "EGRESS_ALLOW": "127.0.0.0/8", "PYTHONUNBUFFERED": "1", **env,
        }  # fmt: skip
        self.start()

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*self.within, sys.executable, str(ROOT / "manage.py"), "region_agent"],
                env=self.env, stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip

    def stop(self, *, by_force: bool = False) -> int:
        if self.process.poll() is None:
            self.process.kill() if by_force else self.process.terminate()
        return self.process.wait(20)

    @property
    def says(self) -> str:
        return self.log.read_text()

    @property
    def spooled(self) -> int:
        """Lines on its disk."""
        files = (self.folder / "region-spool").glob("*.jsonl")
        return sum(len(re.findall(rb"\n", file.read_bytes())) for file in files)


class Line:
    """A TCP proxy to the server. `cut` closes what is open and refuses more until it is `mend`ed.

    `swallows`: takes requests through, and lets no answer back.
    """

    def __init__(self, port: int, host: str = "127.0.0.1", certificate=None) -> None:
        self.target = port
        self.tls = None
        if certificate is not None:
            key, chain = certificate
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(chain, key)
        self.is_cut = self.swallows = False
        self.open: set[socket.socket] = set()
        self.server = socket.create_server((host, 0))
        self.port = self.server.getsockname()[1]
        self.url = f"http{'s' if self.tls else ''}://{host}:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        self.is_cut = True
        for line in list(self.open):
            _close(line)

    def mend(self) -> None:
        self.is_cut = self.swallows = False

    def close(self) -> None:
        self.cut()
        _close(self.server)

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self.server.accept()
            except OSError:
                return
            if self.is_cut:
                near.close()
                continue
            threading.Thread(target=self._connect, args=(near,), daemon=True).start()

    def _connect(self, near) -> None:
        try:
            near.settimeout(20)
            near = self.tls.wrap_socket(near, server_side=True) if self.tls else near
            far = socket.create_connection(("127.0.0.1", self.target), 5)
        except OSError:
            near.close()
            return
        self.open |= {near, far}
        threading.Thread(target=self._carry, args=(near, far, False), daemon=True).start()
        threading.Thread(target=self._carry, args=(far, near, True), daemon=True).start()

    def _carry(self, source, sink, is_answer) -> None:
        try:
            while data := source.recv(65536):
                if is_answer and self.swallows:
                    time.sleep(0.2)  # the server has written it, and nobody gets it
                    break
                sink.sendall(data)
        except OSError:
            pass
        finally:
            for line in (source, sink):
                self.open.discard(line)
                _close(line)


def _close(line) -> None:
    with contextlib.suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)
    line.close()
