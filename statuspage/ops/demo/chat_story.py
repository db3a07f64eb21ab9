"""Tern Chat: its connections fill up while posts still work; then its safeguard locks up, too.

The story of the second example postmortem (`chat.py`), live: a number that rises is seen before the chat is
full, held connections see that it is, and a heartbeat watches the safeguard itself.
"""

import base64
import os
import signal
import subprocess
import sys

from statuspage.ops.demo.stage import Stage
from statuspage.ops.supervisor import free_port

LEFT_BEHIND = 60  # more than the chat has places for
TRICKLE = 34  # of 40: above the limit of 80 %, and the probe's own connections still fit


class ChatStory(Stage):
    """From a quiet day to a safeguard that is watched."""

    name = "chat"
    page_name = "Tern Chat"

    def start_service(self) -> None:
        """The chat, and who restarts it; its safeguard needs the address of its heartbeat, and follows."""
        self.run([sys.executable, "-m", "statuspage.ops.demo.chat_server", str(self.service_port)], {})
        port, secret = free_port(), f"whsec_{base64.b64encode(os.urandom(32)).decode()}"
        self.agent = f"http://127.0.0.1:{port}/restart"
        self.settings = {"EGRESS_ALLOW": "127.0.0.0/8", "HOOK_SECRET": secret}
        command = [sys.executable, "-m", "statuspage.ops.demo.restart_agent", str(port), self.service]
        self.run(command, {"HOOK_SECRET": secret})

    def start_safeguard(self, *more: str) -> "subprocess.Popen[bytes]":
        """The process that closes what people left behind."""
        beat = f"{self.url}/ping/{self.made['safeguard']}"
        return self.run(
            [sys.executable, "-m", "statuspage.ops.demo.safeguard", self.service, beat, *more], {}
        )

    def tell(self) -> None:
        """Quiet, filling up, full, restarted, locked up, watched. Raises UnexpectedError."""
        self.start()
        guard = self.start_safeguard()
        self.chapter(
            "A quiet day: people connect and leave, and a safeguard closes what they leave behind.",
            self.is_calm,
        )
        guard.terminate()
        guard.wait()
        guard = self.start_safeguard("--idle")
        self.visitors.leave_connections(f"{self.service}/chat", TRICKLE)
        self.chapter(
            "The safeguard is reloaded and closes nothing any more. Connections pile up: 80 % of all places "
            "are taken, and the number says so before anyone is refused.",
            lambda shown: shown.get("Chat") == "degraded_performance",
        )
        self.visitors.leave_connections(f"{self.service}/chat", LEFT_BEHIND)
        self.chapter(
            "All places are taken: new connections are refused. Posts and comments still work.",
            lambda shown: (
                shown.get("Chat") == "major_outage" and shown.get("Posts and comments") == "operational"
            ),
        )
        self.show_incident()
        guard.terminate()
        guard.wait()
        guard = self.start_safeguard()
        self.chapter(
            "A recovery hook has the chat server restarted: what people left behind is gone, and new "
            "connections open again.",
            self.is_calm,
        )
        self.wait("the hook's receipt", lambda: "helped" in self.manage("--acts"))
        for line in self.manage("--acts").splitlines():
            self.say(f"    {line}")
        self.wait("the incident to be resolved", lambda: self.incident()["status"] == "resolved")
        self.lock_up(guard)
        self.say(f"The postmortem of both days: {self.url}/history")

    def lock_up(self, guard: "subprocess.Popen[bytes]") -> None:
        """The safeguard hangs: no process has ended, and only its heartbeat tells."""
        os.kill(guard.pid, signal.SIGSTOP)
        self.chapter(
            "The safeguard itself locks up: its process is there, and does nothing. Its heartbeat stops, and "
            "the page says so while the chat still works.",
            lambda shown: (
                shown.get("Connection safeguard") == "major_outage" and shown.get("Chat") == "operational"
            ),
        )
        self.show_incident()
        os.kill(guard.pid, signal.SIGCONT)
        self.chapter("It is restarted, and reports again.", self.is_calm)
        self.wait("the incident to be resolved", lambda: self.incident()["status"] == "resolved")
        self.show_incident()
