"""What is the same for all processes of a run is made once: migrated tables, static files, a PostgreSQL."""

import fcntl
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
OURS = "TESTS_SHARED"
NOT_THEIRS = ("DJANGO_SETTINGS_MODULE", "REDIS_URL", "VAR_DIR", "DATABASE_URL")


def folder() -> tuple[Path, bool]:
    """The folder that all processes of this run share, and whether we are the first of them."""
    is_first = OURS not in os.environ  # who is started by us finds it there
    if is_first:
        os.environ[OURS] = tempfile.mkdtemp(prefix="statuspage-tests-")
    return Path(os.environ[OURS]), is_first


def once(name: str, make: Callable[[], Any]) -> Any:
    """What `make` gave (JSON) to whoever came first; the others wait for it."""
    kept = Path(os.environ[OURS]) / f"{name}.json"
    with kept.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            kept.write_text(json.dumps(make()))
        return json.loads(kept.read_text())


def manage(*arguments: str, **env: str) -> None:
    """A command of the program, with settings of its own."""
    rest = {name: value for name, value in os.environ.items() if name not in NOT_THEIRS}
    command = [sys.executable, str(ROOT / "manage.py"), *arguments]
    subprocess.run(command, env=rest | env, check=True, stdout=subprocess.DEVNULL)


def static_files() -> Path:
    """The static files as `up` lays them out."""
    home = Path(os.environ[OURS]) / "collected"
    code = "from statuspage.ops.release import lay_out_static_files; lay_out_static_files()"
    once("static", lambda: manage("shell", "-v0", "-c", code, VAR_DIR=str(home)))
    return home / "static"


def migrated_file() -> Path:
    """A SQLite database as `migrate` leaves it, to be copied; `up` itself migrates one in test_up."""
    home = Path(os.environ[OURS]) / "migrated"
    once("migrated", lambda: manage("migrate", "-v0", VAR_DIR=str(home)))
    return home / "statuspage.sqlite3"


def migrated_database(server: Any) -> str:
    """The name of such a database on this PostgreSQL server."""

    def make() -> None:
        manage("migrate", "-v0", VAR_DIR=str(Path(os.environ[OURS]) / "migrated"),
               DATABASE_URL=server.create("migrated"))  # fmt: skip

    once("migrated-postgres", make)
    return "migrated"
