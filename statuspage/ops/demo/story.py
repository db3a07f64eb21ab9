"""The demo, step by step: each lasts until the public page shows what it should.

Nothing here touches the status page's data: Widgetify fails for real, and the
page notices it.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from statuspage.ops.demo.visitors import Visitors
from statuspage.ops.supervisor import answers, free_port

ROOT = Path(__file__).resolve().parents[3]
START_S, CHAPTER_S = 90, 120
REPAIRED_POOL = 200
PAGE_PORT = 8010


class Unexpected(Exception):
    """The page did not show what it should in time."""


class Story:
    """Widgetify, its visitors, and a status page that watches them."""

    def __init__(self, say: Callable[[str], None], *, pace: float) -> None:
        self.say, self.pace = say, pace
        self.folder = Path(tempfile.mkdtemp(prefix="statuspage-demo-"))
        self.widgetify_port, self.port = free_port(), _port(PAGE_PORT)
        self.url = f"http://127.0.0.1:{self.port}"
        self.service = f"http://127.0.0.1:{self.widgetify_port}"
        self.visitors = Visitors(self.service)
        self.processes: list[subprocess.Popen[bytes]] = []
        self.began = time.monotonic()

    # The chapters

    def tell(self) -> None:
        """From a quiet day to a resolved incident. Raises Unexpected."""
        self.start()
        self.chapter(
            "A quiet day: few visitors, five database connections, everything is healthy.",
            (3, 20),
            self.is_calm,
        )
        self.chapter(
            "More visitors arrive and wait for one of the five connections: responses get slow.",
            (10, 400),
            lambda shown: shown.get("Web app") == shown.get("REST API") == "degraded_performance",
        )
        self.chapter(
            "A report that holds its connection for two seconds becomes popular. All five are in "
            "use: the app and the API return 503, static files still work.",
            (120, 2000),
            lambda shown: shown.get("Web app") == shown.get("REST API") == "major_outage",
        )
        self.show_incident()
        self.dwell(30)
        self.say("Staff find the pool setting and fix it: 200 connections instead of 5.")
        self.visitors.ask(f"{self.service}/pool?size={REPAIRED_POOL}", "POST")
        self.chapter(
            "The visitors are still there; now there are enough connections.", (40, 50), self.is_calm
        )
        self.wait("the incident to be resolved", lambda: self.incident()["status"] == "resolved")
        self.show_incident()
        self.say(f"Today's bar and the uptime show what happened: {self.url}/")

    def chapter(self, words: str, crowd: tuple[int, int], is_shown: Callable[[dict[str, str]], bool]) -> None:
        """Set the number of visitors, wait until the page shows the effect, and give people time to look."""
        self.say(words)
        self.visitors.come(*crowd)
        self.wait("the page to show it", lambda: is_shown(self.components()))
        for name, status in self.components().items():
            self.say(f"    {name:<14} {status.replace('_', ' ')}")
        self.dwell(20)

    def is_calm(self, shown: dict[str, str]) -> bool:
        """All of Widgetify works."""
        return bool(shown) and set(shown.values()) == {"operational"}

    # What the page says

    def components(self) -> dict[str, str]:
        """Widgetify's components and statuses, from the public API."""
        rows = (self.visitors.ask(f"{self.url}/api/v2/components.json") or {}).get("components", [])
        groups = {row["id"] for row in rows if row["group"] and row["name"] == "Widgetify"}
        return {
            row["name"]: "unknown" if row.get("unknown") else row["status"]
            for row in rows
            if row["group_id"] in groups
        }

    def incident(self) -> dict[str, Any]:
        """The newest incident. Raises Unexpected without one."""
        incidents = (self.visitors.ask(f"{self.url}/api/v2/incidents.json") or {}).get("incidents", [])
        if not incidents:
            raise Unexpected("There is no incident.")
        newest: dict[str, Any] = incidents[0]
        return newest

    def show_incident(self) -> None:
        """Print the incident with its newest update."""
        incident = self.incident()
        state = f"{incident['status']}, impact {incident['impact']}"
        self.say(f"The page posted automatically ({state}): {incident['name']}")
        self.say(f"    “{incident['incident_updates'][0]['body']}”")
        self.say(f"    with evidence: {self.url}/incidents/{incident['id']}")

    # Time

    def wait(self, what: str, is_so: Callable[[], bool]) -> None:
        """Wait until the condition holds. Raises Unexpected."""
        end = time.monotonic() + CHAPTER_S
        while not is_so():
            if time.monotonic() > end:
                raise Unexpected(f"Waited {CHAPTER_S} s for {what}; it shows {self.components()}.")
            time.sleep(0.5)

    def dwell(self, seconds: float) -> None:
        """Give people time to look."""
        time.sleep(seconds * self.pace)

    # Start and end

    def start(self) -> None:
        """Start Widgetify, then the page. Raises Unexpected."""
        widgetify = [sys.executable, "-m", "statuspage.ops.demo.widgetify", str(self.widgetify_port)]
        self._run([*widgetify, str(self.folder)], {})
        env = {
            "VAR_DIR": str(self.folder / "var"),
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
            "PUBLIC_URL": self.url,
            "PAGE_NAME": "Widgetify",
            "SETTLE_S": "15",
            "DATABASE_URL": "",
            "LOG_LEVEL": "WARNING",
        }
        page = self._run([sys.executable, str(ROOT / "manage.py"), "up"], env, quiet=True)
        end = time.monotonic() + START_S
        while not answers("127.0.0.1", self.port, "/readyz"):
            if page.poll() is not None or time.monotonic() > end:
                words = (self.folder / "page.log").read_text(errors="replace").strip().splitlines()[-5:]
                raise Unexpected("The page did not start: " + "\n".join(words))
            time.sleep(0.2)
        seed = [sys.executable, str(ROOT / "manage.py"), "demo", "--seed", self.service]
        subprocess.run(seed, env=_environment(env), check=True, stdout=subprocess.DEVNULL)  # noqa: S603
        self.say(f"Open {self.url}/ and leave it open: it updates live.")

    def end(self) -> None:
        """End all processes and delete all files."""
        self.visitors.leave()
        for process in reversed(self.processes):
            process.send_signal(signal.SIGTERM)
        for process in reversed(self.processes):
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(
        self, command: list[str], env: Mapping[str, str], *, quiet: bool = False
    ) -> "subprocess.Popen[bytes]":
        """Start a process in its own session: Ctrl-C reaches only us, and we end it."""
        with (self.folder / "page.log").open("ab") as log:
            out = log if quiet else None
            process = subprocess.Popen(  # noqa: S603 - our own commands
                command, env=_environment(env), cwd=ROOT, stdout=out, stderr=out, start_new_session=True
            )
        self.processes.append(process)
        return process


def _environment(env: Mapping[str, str]) -> dict[str, str]:
    """Our environment, without the variables of another status page."""
    inherited = {name: value for name, value in os.environ.items() if name not in OTHERS}
    return {**inherited, **env}


OTHERS = ("REDIS_URL", "EGRESS_ALLOW", "UP_EGRESS_ALLOW", "SUBSCRIBER_EGRESS_ALLOW", "SECRET_KEY")


def _port(wanted: int) -> int:
    """The wanted port if it is free, else any."""
    return free_port() if answers("127.0.0.1", wanted, "/livez") else wanted
