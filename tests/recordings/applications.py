"""Application servers from PyPI: all workers busy, one killed, at a limit, draining, and with errors."""

import contextlib
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tests.recordings.backends import Backends
from tests.recordings.case import Recorder
from tests.recordings.processes import Server, busy

HERE = Path(__file__).parent
ENVIRONMENT = HERE.parent.parent / "var" / "recordings"
PACKAGES = (
    "gunicorn",
    "uvicorn",
    "daphne",
    "hypercorn",
    "granian",
    "waitress",
    "psycopg[binary]",
    "sqlalchemy",
    "websockets",
)
NGINX = """
user root; worker_processes 1; daemon off; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
  access_log off; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{ listen 127.0.0.1:{port}; proxy_read_timeout 2s; proxy_connect_timeout 2s;
    location / {{ proxy_pass http://127.0.0.1:{to}; }} }}
}}
"""


def environment() -> Path:
    """The programs of an environment of our own, made the first time."""
    programs = ENVIRONMENT / "bin"
    if not (programs / "gunicorn").exists():
        subprocess.run([sys.executable, "-m", "venv", str(ENVIRONMENT)], check=True)
        subprocess.run([str(programs / "pip"), "install", "-q", *PACKAGES], check=True)
    return programs


class Application(Server):
    """One application server with the broken application."""

    def __init__(self, program: str, *arguments: str, env: dict[str, str] | None = None) -> None:
        super().__init__(str(environment() / program))
        shutil.copy(HERE / "broken_app.py", self.folder / "broken_app.py")
        filled = [part.format(port=self.port) for part in arguments]
        self.start(*filled, env={"PYTHONPATH": str(self.folder), **(env or {})})


def gunicorn(*more: str, env: dict[str, str] | None = None) -> Application:
    return Application("gunicorn", "-b", "127.0.0.1:{port}", *more, "broken_app:wsgi", env=env)


def uvicorn(*more: str, env: dict[str, str] | None = None) -> Application:
    return Application(
        "uvicorn", "--host", "127.0.0.1", "--port", "{port}", *more, "broken_app:asgi", env=env
    )


@contextlib.contextmanager
def nginx_before(port: int) -> Iterator[Server]:
    """nginx with this application behind it."""
    server = Server("nginx")
    text = NGINX.format(folder=server.folder, port=server.port, to=port)
    with server:
        server.start(
            "-c", server.write("nginx.conf", text), "-p", server.folder, "-e", server.folder / "e.log"
        )
        yield server


def record(backends: Backends) -> Recorder:
    """The cases of all of them."""
    recorder = Recorder("applications")
    _gunicorn(recorder)
    _uvicorn(recorder)
    _others(recorder)
    return recorder


def _gunicorn(recorder: Recorder) -> None:
    with gunicorn("-w", "1") as app, nginx_before(app.port) as proxy:
        good = recorder.good(f"{app.url}/")
        through = recorder.good(f"{proxy.url}/")
        recorder.record("gunicorn: an error of the application", f"{app.url}/error", "error")
        recorder.record("gunicorn: its own bare 503", f"{app.url}/bare")
        recorder.record("gunicorn: it asks to retry", f"{app.url}/retry", "overload")
        recorder.record("gunicorn: a worker is killed", f"{app.url}/kill", "crash")
        recorder.record("nginx, gunicorn: a worker is killed", f"{proxy.url}/kill", "crash", "not_started")
        time.sleep(1)
        held = busy(app.port, 1)
        recorder.record(
            "gunicorn: all workers are busy",
            f"{app.url}/",
            "stuck",
            "overload",
            good=good,
            times=1,
            deadline_s=1.5,
        )
        recorder.record(
            "nginx, gunicorn: all workers are busy",
            f"{proxy.url}/",
            "stuck",
            "overload",
            good=through,
            times=1,
        )
        for line in held:
            line.close()
    with gunicorn("-w", "1", "--timeout", "2") as app:
        recorder.record(
            "gunicorn: a worker is killed at its time-out", f"{app.url}/slow", "stuck", "crash", times=1
        )
    with gunicorn("-w", "1", "--timeout", "2") as app, nginx_before(app.port) as proxy:
        good = recorder.good(f"{proxy.url}/")
        app.send(signal.SIGTERM)
        time.sleep(0.7)
        recorder.record("nginx, gunicorn: stopped", f"{proxy.url}/", "not_started", good=good)
        recorder.record(
            "nginx, gunicorn: stopped, a deploy is marked",
            f"{proxy.url}/",
            "deploy",
            good=good,
            deployed_s=15.0,
        )
        recorder.record("gunicorn: stopped", f"{app.url}/", "not_started", good=good)


def _uvicorn(recorder: Recorder) -> None:
    with uvicorn("--limit-concurrency", "2") as app, nginx_before(app.port) as proxy:
        good = recorder.good(f"{app.url}/")
        held = busy(app.port, 1)
        held += busy(app.port, 1)
        recorder.record("uvicorn: --limit-concurrency", f"{app.url}/", "overload", good=good)
        recorder.record("nginx, uvicorn: --limit-concurrency", f"{proxy.url}/", "overload", good=good)
        for line in held:
            line.close()
    with uvicorn() as app, nginx_before(app.port) as proxy:
        recorder.record("uvicorn: an error of the application", f"{app.url}/error", "error")
        recorder.record("uvicorn: its own bare 503", f"{app.url}/bare")
        recorder.record("uvicorn: it asks to retry", f"{app.url}/retry", "overload")
        recorder.record("nginx, uvicorn: slow", f"{proxy.url}/slow", "stuck")
        held = busy(app.port, 1, "/block")
        recorder.record("nginx, uvicorn: its loop is blocked", f"{proxy.url}/", "stuck", times=1)
        recorder.record("uvicorn: its loop is blocked", f"{app.url}/", "stuck", times=1, deadline_s=1.5)
        for line in held:
            line.close()
    with uvicorn() as app:
        good = recorder.good(f"{app.url}/")
        held = busy(app.port, 1)
        app.send(signal.SIGTERM)
        time.sleep(0.5)
        recorder.record("uvicorn: draining", f"{app.url}/", "not_started", "deploy", good=good)
        for line in held:
            line.close()
    with uvicorn() as app:
        recorder.record("uvicorn: killed while it answers", f"{app.url}/kill", "crash", times=1)


def _others(recorder: Recorder) -> None:
    with Application(
        "daphne", "-b", "127.0.0.1", "-p", "{port}", "--http-timeout", "2", "broken_app:asgi"
    ) as app:
        recorder.record("daphne: its http-timeout", f"{app.url}/slow", "stuck", times=1)
        recorder.record("daphne: an error of the application", f"{app.url}/error", "error")
    with Application("hypercorn", "-b", "127.0.0.1:{port}", "broken_app:asgi") as app:
        recorder.record("hypercorn: an error of the application", f"{app.url}/error", "error")
        recorder.record("hypercorn: its own bare 503", f"{app.url}/bare")
        recorder.record("hypercorn: it asks to retry", f"{app.url}/retry", "overload")
    with Application(
        "granian", "--host", "127.0.0.1", "--port", "{port}", "--interface", "asgi", "broken_app:asgi"
    ) as app:
        recorder.record("granian: an error of the application", f"{app.url}/error", "error")
        recorder.record("granian: slow", f"{app.url}/slow", "stuck", times=1, deadline_s=1.5)
    with Application("waitress-serve", "--listen=127.0.0.1:{port}", "--threads=1", "broken_app:wsgi") as app:
        good = recorder.good(f"{app.url}/")
        recorder.record("waitress: an error of the application", f"{app.url}/error", "error")
        held = busy(app.port, 1)
        recorder.record(
            "waitress: all threads are busy",
            f"{app.url}/",
            "stuck",
            "overload",
            good=good,
            times=1,
            deadline_s=1.5,
        )
        for line in held:
            line.close()
