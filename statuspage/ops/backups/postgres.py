"""PostgreSQL: a copy by pg_dump, and a copy put in the place of our tables, in one transaction.

pg_restore only writes the script of the copy; it is run on our own connection, with the removal of the old
tables before it and the migrations after it. So it all happens, or none of it, however it ends.
"""

import os
import re
import subprocess
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection, transaction

from statuspage.ops.backups import contents
from statuspage.ops.backups.errors import BackupError, Progress

MAGIC = b"PGDMP"
MAX_DURATION_S = 3600
DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin"
TABLE_DATA = re.compile(r"^\d+; \d+ \d+ TABLE DATA (\S+) (\S+) ", re.MULTILINE)
COPY = re.compile(rb"COPY .+ FROM stdin;\n")
SESSION = re.compile(rb"SET \w+ = .*;\n")  # for pg_restore's own session; a newer one names unknown settings
END_OF_DATA = b"\\.\n"
MISSING = "{} is not installed: install PostgreSQL's client tools (Debian: postgresql-client)."


def copy(file: Path) -> None:
    """pg_dump in its own format, then a look at all of it. Raises BackupError."""
    database = connection.settings_dict
    place = {"-h": database["HOST"] or "localhost", "-p": database["PORT"] or 5432, "-U": database["USER"]}
    options = [text for name, value in place.items() if value for text in (name, str(value))]
    _run(["pg_dump", "-Fc", "-w", "-f", str(file), *options, str(database["NAME"])], "made")
    verify(file)


def verify(file: Path) -> None:
    """Raises BackupError unless the copy is whole, ours, and not newer than this program."""
    listed = _run(["pg_restore", "--list", str(file)], "read")
    contents.refuse_foreign([table for _, table in TABLE_DATA.findall(listed)], file)
    _run(["pg_restore", "-f", os.devnull, str(file)], "read")  # a damaged block is found by unpacking it
    rows = _run(["pg_restore", "--data-only", "-t", "django_migrations", "-f", "-", str(file)], "read")
    contents.refuse_newer(_migrations(rows), file)


def _migrations(script: str) -> Iterator[contents.Migration]:
    """App and name of each row of COPY django_migrations."""
    names: list[str] | None = None
    for line in script.splitlines():
        if line.startswith("COPY "):
            names = [name.strip('" ') for name in line.partition("(")[2].partition(")")[0].split(",")]
        elif names is not None and line == "\\.":
            return
        elif names is not None:
            row = dict(zip(names, line.split("\t"), strict=False))
            yield row["app"], row["name"]


def replace(
    file: Path, settle: Callable[[], None], now: datetime, progress: Progress, *, keeps: bool = True
) -> Path | None:
    """Put this verified copy in the place of our tables; where the old ones are kept, None if nowhere.

    `settle` is called inside the transaction: it migrates, and adjusts what the copy holds. Raises
    BackupError, with the old tables still in place.
    """
    kept = _keep(now, progress) if keeps else None
    try:
        with transaction.atomic():
            _without_limits()
            with progress.step("Removing the old tables"):
                _drop_ours()
            with progress.step(f"Loading {file}"):
                _load(file, progress)
            settle()
    except DatabaseError as error:
        raise BackupError(
            f"The copy could not be loaded ({_first_line(error)}): the old data is still there."
        ) from error
    finally:
        connection.close()
    return kept


def _keep(now: datetime, progress: Progress) -> Path | None:
    """A copy of what is replaced, in VAR_DIR. Raises BackupError."""
    if "components_page" not in connection.introspection.table_names():
        return None
    kept = Path(settings.VAR_DIR) / f"before-restore-{now:%Y%m%dT%H%M%SZ}.dump"
    half = kept.with_suffix(".unfinished")
    try:
        with progress.step(f"Keeping what is replaced as {kept}"):
            copy(half)
        half.replace(kept)
    except BackupError as error:
        raise BackupError(
            f"What is replaced could not be kept: {error} If you do not need it, add --discard-current."
        ) from error
    finally:
        half.unlink(missing_ok=True)
    return kept


def _without_limits() -> None:
    """Loading takes longer than any statement of the program; only locks are not waited for."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")


def _drop_ours() -> None:
    prefixes = contents.own_prefixes()
    names = [name for name in connection.introspection.table_names() if name.startswith(prefixes)]
    with connection.cursor() as cursor:
        if names:
            quoted = ", ".join(connection.ops.quote_name(name) for name in names)
            cursor.execute(f"DROP TABLE {quoted} CASCADE")


def _load(file: Path, progress: Progress) -> None:
    command = ["pg_restore", "--clean", "--if-exists", "--no-owner", "--no-privileges", "--no-comments"]
    process = subprocess.Popen(  # noqa: S603 - our own command
        [*command, "-f", "-", str(file)], env=_env(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdout is not None
    try:
        _run_script(process.stdout, progress)
    finally:
        process.stdout.close()
        if process.wait():
            raise BackupError(f"{file} could not be read to its end: the old data is still there.")
    with connection.cursor() as cursor:
        cursor.execute("SET search_path TO DEFAULT")  # the script empties it
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # else migrations find rows that wait for a check


def _run_script(lines: Iterable[bytes], progress: Progress) -> None:
    """Run a script for psql: statements, and rows of COPY. Raises DatabaseError."""
    rows, raw = iter(lines), connection.connection.cursor()
    statements: list[bytes] = []
    with connection.wrap_database_errors:
        for line in rows:
            if COPY.fullmatch(line):
                _execute(raw, statements)
                progress.part = line.split()[1].decode(errors="replace")
                with raw.copy(line) as copying:
                    for row in rows:
                        if row == END_OF_DATA:
                            break
                        copying.write(row)
            elif not line.startswith((b"\\", b"--")) and not SESSION.fullmatch(line):
                statements.append(line)
        _execute(raw, statements)


def _execute(raw: Any, statements: list[bytes]) -> None:
    if script := b"".join(statements).strip():
        raw.execute(script)
    statements.clear()


def _env() -> dict[str, str]:
    return {
        "PATH": os.environ.get("PATH", DEFAULT_PATH),
        "PGPASSWORD": str(connection.settings_dict["PASSWORD"] or ""),
    }


def _run(command: list[str], done: str) -> str:
    try:
        finished = subprocess.run(  # noqa: S603 - our own commands
            command, env=_env(), check=True, capture_output=True, text=True, errors="replace",
            timeout=MAX_DURATION_S,
        )  # fmt: skip
    except FileNotFoundError as error:
        raise BackupError(MISSING.format(command[0])) from error
    except (OSError, subprocess.SubprocessError) as error:
        output = (getattr(error, "stderr", "") or str(error)).strip()
        raise BackupError(f"The copy could not be {done} by {command[0]}: {output}") from error
    return finished.stdout


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
