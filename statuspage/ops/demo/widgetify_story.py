"""Widgetify: more visitors than database connections, until a setting is repaired."""

import sys
from collections.abc import Callable

from statuspage.ops.demo.stage import Stage

REPAIRED_POOL = 200


class WidgetifyStory(Stage):
    """From a quiet day to a resolved incident."""

    name = "widgetify"
    page_name = "Widgetify"

    def start_service(self) -> None:
        """The service with its small pool."""
        command = [sys.executable, "-m", "statuspage.ops.demo.widgetify", str(self.service_port)]
        self.run([*command, str(self.folder)], {})

    def tell(self) -> None:
        """Quiet, slow, down, repaired, resolved. Raises UnexpectedError."""
        self.start()
        self.with_crowd(
            3,
            20,
            "A quiet day: few visitors, five database connections, everything is healthy.",
            self.is_calm,
        )
        self.with_crowd(
            10,
            400,
            "More visitors arrive and wait for one of the five connections: responses get slow.",
            lambda shown: shown.get("Web app") == shown.get("REST API") == "degraded_performance",
        )
        self.with_crowd(
            120,
            2000,
            "A report that holds its connection for two seconds becomes popular. All five are in "
            "use: the app and the API return 503, static files still work.",
            lambda shown: shown.get("Web app") == shown.get("REST API") == "major_outage",
        )
        self.show_incident()
        self.show_causes()
        self.dwell(30)
        self.say("Staff find the pool setting and fix it: 200 connections instead of 5.")
        self.visitors.ask(f"{self.service}/pool?size={REPAIRED_POOL}", "POST")
        self.with_crowd(
            40, 50, "The visitors are still there; now there are enough connections.", self.is_calm
        )
        self.wait("the incident to be resolved", lambda: self.incident()["status"] == "resolved")
        self.show_incident()
        self.say(f"Today's bar and the uptime show what happened: {self.url}/")

    def with_crowd(
        self, number: int, hold_ms: int, words: str, is_shown: Callable[[dict[str, str]], bool]
    ) -> None:
        """A chapter with so many visitors, each needing a connection for so long."""
        self.visitors.come(number, hold_ms)
        self.chapter(words, is_shown)
