"""A real MariaDB from Debian's package (mariadb-server-core), on loopback, gone afterwards."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from statuspage.ops.supervisor import free_port

SERVER = shutil.which("mariadbd", path="/usr/sbin:/usr/bin")
TABLES = Path("/usr/share/mysql")
MISSING = "" if SERVER else "needs MariaDB: apt-get install mariadb-server-core"
PATIENCE_S = 60


class MariaDB:
    """A server whose root has no password; `begin` is run as it starts."""

    def __init__(self, key: Path, certificate: Path, begin: str, **settings: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="statuspage-mariadb-"))
        self.port, self.user = free_port(), "root" if os.geteuid() == 0 else os.environ.get("USER", "")
        self.settings = {"ssl-key": str(key), "ssl-cert": str(certificate), **settings}
        self._bootstrap()
        self.begin = self.folder / "begin.sql"
        self.begin.write_text(begin)
        self.start()

    def _bootstrap(self) -> None:
        """The system's tables, as mariadb-install-db makes them with the client's package installed."""
        (self.folder / "data").mkdir()
        parts = ["CREATE DATABASE mysql;\nUSE mysql;\nSET @auth_root_socket = NULL;\n"]
        parts += [(TABLES / f"mysql_system_tables{part}.sql").read_text() for part in ("", "_data")]
        command = [SERVER, "--no-defaults", "--bootstrap", f"--datadir={self.folder / 'data'}",
                   f"--user={self.user}", "--log-warnings=0", "--skip-name-resolve"]  # fmt: skip
        subprocess.run(command, check=True, capture_output=True, input="\n".join(parts).encode())

    def start(self) -> None:
        options = {"datadir": self.folder / "data", "port": self.port, "bind-address": "127.0.0.1",
                   "socket": self.folder / "s", "user": self.user, "init-file": self.begin,
                   "innodb-flush-log-at-trx-commit": 0, "innodb-buffer-pool-size": "16M",
                   "log-error": self.folder / "log.err", **self.settings}  # fmt: skip
        command = [SERVER, "--no-defaults", *(f"--{name}={value}" for name, value in options.items())]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + PATIENCE_S
        while "ready for connections" not in self.log:
            if time.monotonic() > end or self.process.poll() is not None:
                self.close()
                raise TimeoutError(f"MariaDB did not start: {self.log[-500:]}")
            time.sleep(0.05)

    @property
    def log(self) -> str:
        file = self.folder / "log.err"
        return file.read_text() if file.exists() else ""

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait(PATIENCE_S)
        shutil.rmtree(self.folder, ignore_errors=True)
