"""PostgreSQL at max_connections, starting up and stopped, behind an application that prints the error."""

import subprocess
import time

import psycopg

from tests.recordings.applications import gunicorn, nginx_before
from tests.recordings.backends import Backends
from tests.recordings.case import Recorder
from tests.servers import NOBODY, PostgreSQL


def record(backends: Backends) -> Recorder:
    """The cases of the database."""
    recorder = Recorder("postgresql")
    database = PostgreSQL(max_connections=8, superuser_reserved_connections=1)
    try:
        with psycopg.connect(database.url("postgres"), autocommit=True) as connection:
            connection.execute("CREATE ROLE app LOGIN")
            connection.execute("CREATE ROLE few LOGIN CONNECTION LIMIT 1")
        address = database.url("postgres").replace("postgres@", "app@")
        with (
            gunicorn("-w", "1", "--threads", "2", env={"DATABASE": address}) as app,
            nginx_before(app.port) as proxy,
        ):
            _full(recorder, database, app.url, proxy.url)
            _away(recorder, database, app.url, proxy.url)
        _few(recorder, database)
    finally:
        database.close()
    return recorder


def _full(recorder: Recorder, database: PostgreSQL, app: str, proxy: str) -> None:
    good = recorder.good(f"{app}/database")
    recorder.record("a pool of SQLAlchemy is used up", f"{app}/pool", "db_connections", good=good, times=3)
    held = []
    while True:
        try:
            held.append(psycopg.connect(database.url("postgres").replace("postgres@", "app@")))
        except psycopg.OperationalError:
            break
    recorder.record("slots are reserved", f"{app}/database", "db_connections", good=good)
    recorder.record("slots are reserved, behind nginx", f"{proxy}/database", "db_connections", good=good)
    held.append(psycopg.connect(database.url("postgres")))  # the last slot, for the superuser
    recorder.record("max_connections", f"{app}/database", "db_connections", good=good)
    recorder.record("max_connections, behind nginx", f"{proxy}/database", "db_connections", good=good)
    for connection in held:
        connection.close()
    time.sleep(0.5)


def _few(recorder: Recorder, database: PostgreSQL) -> None:
    address = database.url("postgres").replace("postgres@", "few@")
    with gunicorn("-w", "1", env={"DATABASE": address}) as app, psycopg.connect(address):
        recorder.record("a role's connection limit", f"{app.url}/database", "db_connections")


def _away(recorder: Recorder, database: PostgreSQL, app: str, proxy: str) -> None:
    session = psycopg.connect(database.url("postgres"))
    subprocess.run(["kill", "-TERM", str(database.process.pid)], check=True)  # a smart shutdown waits for it
    time.sleep(0.5)
    recorder.record("shutting down", f"{app}/database", "dependency")
    session.close()
    subprocess.run(["kill", "-INT", str(database.process.pid)], check=True)  # at once: a pool still holds one
    database.process.wait(20)
    recorder.record("stopped", f"{app}/database", "dependency")
    recorder.record("stopped, behind nginx", f"{proxy}/database", "dependency")
    signal_file = database.data / "recovery.signal"
    signal_file.touch()
    database.data.joinpath("postgresql.auto.conf").open("a").write("restore_command = 'sleep 30; false'\n")
    if database.as_user:
        subprocess.run(["chown", str(NOBODY), str(signal_file)], check=True)
    try:
        _start_slowly(database)
        recorder.record("starting up", f"{app}/database", "dependency")
        recorder.record("starting up, behind nginx", f"{proxy}/database", "dependency")
    finally:
        database.stop_at_once()
        signal_file.unlink(missing_ok=True)
    database.start()


def _start_slowly(database: PostgreSQL) -> None:
    """Start it, and wait only until it says that it is not ready."""
    command = [str(database.bin / "postgres"), "-D", str(database.data), "-c", f"port={database.port}",
               "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=",
               "-c", "max_connections=8"]  # fmt: skip
    database.process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=database.folder, **database.as_user
    )
    for _ in range(100):
        try:
            psycopg.connect(database.url("postgres"), connect_timeout=1).close()
        except psycopg.OperationalError as error:
            if "refused" not in str(error):
                return
        time.sleep(0.1)
    raise AssertionError("PostgreSQL never said that it is starting up")
