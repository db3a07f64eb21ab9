"""What all demos need: a service that fails for real, a status page that watches it, and the public API.

Each chapter lasts until the public page shows what it should. Nothing here touches the status page's data.
"""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from components import places
from statuspage.ops.demo.visitors import Visitors
from statuspage.ops.supervisor import answers, free_port

ROOT = Path(__file__).resolve().parents[3]
START_S, CHAPTER_S = 90, 120
PAGE_PORT = 8010


class UnexpectedError(Exception):
    """The page did not show what it should in time."""


class Stage:
    """A service, its visitors, and a status page that watches them. A story says what happens (`tell`)."""

    name: str  # as `manage.py demo --story` takes it
    page_name: str  # also the group of its components
    settings: Mapping[str, str] = {}  # of its page, beside those of every demo
    agent = ""  # the address of its recovery hook

    def __init__(self, say: Callable[[str], None], *, pace: float) -> None:
        self.say, self.pace = say, pace
        self.folder = Path(tempfile.mkdtemp(prefix="statuspage-demo-"))
        self.service_port, self.port = free_port(), _port(PAGE_PORT)
        self.url = f"http://127.0.0.1:{self.port}"
        self.service = f"http://127.0.0.1:{self.service_port}"
        self.visitors = Visitors(self.service)
        self.processes: list[subprocess.Popen[bytes]] = []
        self.began_at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S")

    # The chapters

    def tell(self) -> None:
        """The whole story. Raises UnexpectedError."""
        raise NotImplementedError

    def chapter(self, words: str, is_shown: Callable[[dict[str, str]], bool]) -> None:
        """Say what happens, wait until the page shows the effect, and give people time to look."""
        self.say(words)
        self.wait("the page to show it", lambda: is_shown(self.components()))
        for name, status in self.components().items():
            self.say(f"    {name:<22} {status.replace('_', ' ')}")
        self.dwell(20)

    def is_calm(self, shown: dict[str, str]) -> bool:
        """Whether everything works."""
        return bool(shown) and set(shown.values()) == {"operational"}

    # What the page says

    def components(self) -> dict[str, str]:
        """The service's components and statuses, from the public API."""
        rows = (self.visitors.ask(f"{self.url}/api/v2/components.json") or {}).get("components", [])
        groups = {row["id"] for row in rows if row["group"] and row["name"] == self.page_name}
        return {
            row["name"]: "unknown" if row.get("unknown") else row["status"]
            for row in rows
            if row["group_id"] in groups
        }

    def incidents(self) -> list[dict[str, Any]]:
        """Those that began during this demo, newest first."""
        rows = (self.visitors.ask(f"{self.url}/api/v2/incidents.json") or {}).get("incidents", [])
        return [row for row in rows if row["created_at"] >= self.began_at]

    def incident(self) -> dict[str, Any]:
        """The newest of them. Raises UnexpectedError without one."""
        incidents = self.incidents()
        if not incidents:
            raise UnexpectedError("There is no incident.")
        return incidents[0]

    def show_incident(self) -> None:
        """Print the incident with its newest update."""
        self.wait("the incident", lambda: bool(self.incidents()))
        incident = self.incident()
        state = f"{incident['status']}, impact {incident['impact']}"
        self.say(f"The page posted automatically ({state}): {incident['name']}")
        self.say(f"    “{incident['incident_updates'][0]['body']}”")
        self.say(f"    with evidence: {self.url}/incidents/{incident['id']}")

    def show_causes(self) -> None:
        """Print what the console says of the failing probes."""
        for line in self.manage("--causes").splitlines():
            self.say(f"    The console: {line}")

    # Time

    def wait(self, what: str, is_so: Callable[[], bool]) -> None:
        """Wait until the condition holds. Raises UnexpectedError."""
        end = time.monotonic() + CHAPTER_S
        while not is_so():
            if time.monotonic() > end:
                raise UnexpectedError(f"Waited {CHAPTER_S} s for {what}; it shows {self.components()}.")
            time.sleep(0.5)

    def dwell(self, seconds: float) -> None:
        """Give people time to look."""
        time.sleep(seconds * self.pace)

    # Start and end

    def start(self) -> None:
        """Start the service, then the page. Raises UnexpectedError."""
        self.start_service()
        self.env = {
            "VAR_DIR": str(self.folder / "var"),
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
            "PUBLIC_URL": self.url,
            "PAGE_NAME": self.page_name,
            "SETTLE_S": "15",
            "DATABASE_URL": "",
            "LOG_LEVEL": "WARNING",
            **self.settings,
        }
        page = self.run(places.command("up"), self.env, quiet=True)
        end = time.monotonic() + START_S
        while not answers("127.0.0.1", self.port, "/readyz"):
            if page.poll() is not None or time.monotonic() > end:
                words = (self.folder / "page.log").read_text(errors="replace").strip().splitlines()[-5:]
                raise UnexpectedError("The page did not start: " + "\n".join(words))
            time.sleep(0.2)
        self.made = json.loads(self.manage("--seed", self.service, "--agent", self.agent))
        self.say(f"Open {self.url}/ and leave it open: it updates live.")

    def start_service(self) -> None:
        """Start what is watched."""
        raise NotImplementedError

    def manage(self, *arguments: str) -> str:
        """Run `manage.py demo` beside the page, with its settings; what it printed."""
        command = places.command("demo", "--story", self.name, *arguments)
        done = subprocess.run(  # noqa: S603 - our own command
            command, env=_environment(self.env), check=True, stdout=subprocess.PIPE, text=True
        )
        return done.stdout

    def end(self) -> None:
        """End all processes and delete all files."""
        self.visitors.leave()
        for process in reversed(self.processes):
            process.send_signal(signal.SIGTERM)
            process.send_signal(signal.SIGCONT)  # it may have been stopped
        for process in reversed(self.processes):
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def run(
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
