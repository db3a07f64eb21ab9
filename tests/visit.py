#!/usr/bin/env python3
"""Starts the program by this command, looks at its page as a reader does, and stops it by SIGTERM.

Standard library only, like newcomer.py, which lies beside it: tests/bare.py puts both into a bare Debian.
Exits 1 with a sentence and the end of the log if something is not as promised.
"""

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import newcomer

NO_PROXY = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--also", action="append", default=[], help="A command that must succeed meanwhile.")
    parser.add_argument("command", nargs="+")
    asked = parser.parse_args()
    port = newcomer.free_port()
    address = f"http://127.0.0.1:{port}"
    environment = os.environ | {"PORT": str(port), "PUBLIC_URL": address}
    with tempfile.TemporaryFile() as log:
        run = subprocess.Popen(
            asked.command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            look(run, address)
            for command in asked.also:
                also(command, environment)
            end(run)
        except newcomer.Broken as broken:
            print(f"visit: {broken}")
            log.seek(0)
            print("\n".join(log.read().decode(errors="replace").splitlines()[-newcomer.LOG_LINES :]))
            return 1
        finally:
            run.kill()
        log.seek(0)
        if b"Traceback" in log.read():
            print("visit: there is a traceback in its log.")
            return 1
    return 0


def look(run: "subprocess.Popen[bytes]", address: str) -> None:
    """Healthy, a component that was really checked, the page with its style, and the login."""
    took = newcomer.until(run, lambda: newcomer.is_healthy(address), "/healthz does not pass")
    newcomer.until(run, lambda: newcomer.is_checked(address), "nothing is up")
    page = text(f"{address}/")
    style = re.search(r'href="(/static/[^"]+\.css)"', page)
    if not style or "{" not in text(f"{address}{style.group(1)}"):
        raise newcomer.Broken("the page has no style.")
    if "Log in" not in text(f"{address}/accounts/login/"):
        raise newcomer.Broken("there is no login.")
    newcomer.tell(f"page, style and login read; healthy after {took}")


def text(address: str) -> str:
    try:
        with NO_PROXY.open(address, timeout=10) as answer:
            return answer.read().decode()
    except OSError as error:
        raise newcomer.Broken(f"{address} cannot be read: {error}.") from None


def also(command: str, environment: "dict[str, str]") -> None:
    done = subprocess.run(command, shell=True, check=False, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise newcomer.Broken(f"{command} ended with {done.returncode}: {done.stdout}{done.stderr}")
    newcomer.tell(f"{command}: ends with 0")


def end(run: "subprocess.Popen[bytes]") -> None:
    run.send_signal(signal.SIGTERM)
    try:
        code = run.wait(newcomer.GONE_S)
    except subprocess.TimeoutExpired:
        raise newcomer.Broken(f"still there {newcomer.GONE_S} s after SIGTERM.") from None
    if code:
        raise newcomer.Broken(f"it ended with {code} after SIGTERM.")


if __name__ == "__main__":
    sys.exit(main())
