#!/usr/bin/env python3
"""What somebody does who has just cloned this: `make run`, look at the page, Ctrl-C.

Run in a clean checkout, before the tests' packages are there: with them in the environment it proves
nothing, since they bring along what the program itself may have forgotten to name. Standard library
only. Exits 1, with the end of the program's log, at the first thing that is not as promised.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

HOME = Path(__file__).resolve().parent.parent
INSTALL_S = 900  # a slow line; the promise of 90 s begins after it
READY_S = 90
GONE_S = 20
LOG_LINES = 60


class Broken(Exception):
    """Something is not as the README promises; the sentence says what."""


def main() -> int:
    if (HOME / ".venv" / "dev.stamp").exists():
        print("newcomer: the tests' packages are installed here already: do this in a clean checkout.")
        return 1
    with tempfile.TemporaryDirectory(prefix="newcomer-") as folder:
        log = Path(folder) / "log"
        try:
            tell(f"installed in {took(install):.0f} s")
            visit(Path(folder) / "var", log)
            import_everything()
        except Broken as broken:
            print(f"newcomer: {broken}")
            if log.exists():
                print("\n".join(log.read_text(errors="replace").splitlines()[-LOG_LINES:]))
            return 1
    return 0


def install() -> None:
    try:
        done = subprocess.run(["make", "-s", ".venv/run.stamp"], check=False, cwd=HOME, timeout=INSTALL_S)
    except subprocess.TimeoutExpired:
        raise Broken(f"the install took longer than {INSTALL_S} s.") from None
    if done.returncode:
        raise Broken("the install failed.")


def visit(var: Path, log: Path) -> None:
    """`make run` until the page shows a real check, then Ctrl-C."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    environment = {**os.environ, "VAR_DIR": str(var), "PORT": str(port), "HOST": "127.0.0.1"}
    for name in ("DATABASE_URL", "REDIS_URL", "EMAIL_URL", "DJANGO_SETTINGS_MODULE"):
        environment.pop(name, None)
    with log.open("wb") as file:
        run = subprocess.Popen(
            ["make", "-s", "run"],
            cwd=HOME,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        tell(f"/healthz says pass after {until(run, lambda: is_healthy(address), '/healthz does not pass')}")
        tell(f"a component is operational after {until(run, lambda: is_checked(address), 'nothing is up')}")
        if "Traceback" in log.read_text(errors="replace"):
            raise Broken("there is a traceback in the log of a first start.")
        os.killpg(run.pid, signal.SIGINT)
        tell(f"gone {took(lambda: leave(run, var, port)):.0f} s after Ctrl-C, nothing left")
    finally:
        end(run, var)


def until(run: "subprocess.Popen[bytes]", is_so, sentence: str) -> str:
    """Wait for it; how long that took."""
    began = time.monotonic()
    while time.monotonic() - began < READY_S:
        if run.poll() is not None:
            raise Broken(f"make run ended by itself ({run.returncode}).")
        if is_so():
            return f"{time.monotonic() - began:.0f} s"
        time.sleep(0.5)
    raise Broken(f"{sentence}, {READY_S} s after the start.")


def is_healthy(address: str) -> bool:
    return read(f"{address}/healthz").get("status") == "pass"


def is_checked(address: str) -> bool:
    rows = read(f"{address}/api/v2/components.json").get("components", [])
    return any(row["status"] == "operational" and not row.get("group") for row in rows)


def read(address: str) -> dict:
    """The JSON there; empty while there is none."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(address, timeout=5) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        with contextlib.suppress(ValueError):
            return json.load(error)
    except (OSError, ValueError):
        pass
    return {}


def leave(run: "subprocess.Popen[bytes]", var: Path, port: int) -> None:
    try:
        run.wait(GONE_S)
    except subprocess.TimeoutExpired:
        raise Broken(f"still there {GONE_S} s after Ctrl-C.") from None
    if left := processes_of(var):
        raise Broken(f"left behind: {', '.join(map(str, left))}.")
    with socket.socket() as line:
        if line.connect_ex(("127.0.0.1", port)) == 0:
            raise Broken(f"something still listens on port {port}.")


def processes_of(var: Path) -> list[int]:
    """Processes that were started for this folder."""
    mark, found = f"VAR_DIR={var}".encode(), []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
    return found


def end(run: "subprocess.Popen[bytes]", var: Path) -> None:
    """Whatever happened, nothing of ours stays."""
    for process in processes_of(var):
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    with contextlib.suppress(subprocess.TimeoutExpired):
        run.wait(5)


def import_everything() -> None:
    """Every module of ours, and what it reaches for on its way, with the program's requirements alone."""
    python = HOME / ".venv" / "bin" / "python"
    done = subprocess.run(
        [python, "-m", "tests.bare_imports"], check=False, cwd=HOME, capture_output=True, text=True
    )
    if done.returncode:
        raise Broken(f"a module needs what requirements.txt does not bring:\n{done.stdout}{done.stderr}")
    tell(done.stdout.strip().splitlines()[-1])


def free_port() -> int:
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        return line.getsockname()[1]


def took(work) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


def tell(text: str) -> None:
    print(f"newcomer: {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
