"""Widgetify: more visitors than database connections, until a setting is repaired."""

import re
import sys
from collections.abc import Callable

from statuspage.ops.demo.staff import Person
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
        self.takes_over()
        self.say(f"Today's bar and the uptime show what happened: {self.url}/")

    def takes_over(self) -> None:
        """What is only suggested is taken over by a person, published, and resolved by them."""
        self.say(
            "A release forgets the styles. Of static assets, incidents are only suggested: staff decide."
        )
        self.visitors.ask(f"{self.service}/static/lose", "POST")
        known = {incident["id"] for incident in self.incidents()}
        kim = Person(self.visitors, self.url)
        kim.log_in(self.made["person"], self.made["password"])
        self.say(f"Kim logs in: {self.url}/console/ (user {self.made['person']}, password "
                 f"{self.made['password']})")  # fmt: skip
        self.wait("the console to suggest an incident", lambda: self._suggested(kim) != "")
        address = self._suggested(kim)
        self.say(f"    The console suggests it, and nobody else sees it yet: {self.url}{address}")
        self.dwell(20)
        kim.go(address)
        kim.send(f"{address}/take-over")
        kim.go(f"{address}/compose")
        words = "The app loads without its styles after a release. We're restoring the files."
        kim.send(f"{address}/compose", phase="identified", body=words, publish="1")
        self.wait("the page to show what Kim published", lambda: self.incidents()[0]["id"] not in known)
        self.say("Kim takes it over and publishes it: from now on automation leaves it to Kim.")
        self.say(f"    “{self.incident()['incident_updates'][0]['body']}”")
        self.visitors.ask(f"{self.service}/static/restore", "POST")
        self.chapter("The files are restored: every check passes again.", self.is_calm)
        self.wait("the proposal to resolve it", lambda: self._is_left_alone(kim, address))
        self.say("    All checks pass, and the incident stays open: only Kim resolves it.")
        kim.go(f"{address}/compose")
        kim.send(f"{address}/compose", phase="resolved", body="The styles are back.", publish="1")
        self.wait("the incident to be resolved", lambda: self.incident()["status"] == "resolved")
        self.say("Kim resolves it.")

    def _suggested(self, person: Person) -> str:
        """The address of what the console suggests; empty while it suggests nothing."""
        person.go("/console/")
        found = re.search(
            r'class="suggestion".{0,800}?href="(/console/incidents/[a-z0-9]+)"', person.page, re.DOTALL
        )
        return found[1] if found else ""

    def _is_left_alone(self, person: Person, address: str) -> bool:
        """Whether the automation has seen that all is well, and has posted nothing."""
        person.go(address)
        incident = self.incident()
        is_same = incident["status"] == "identified" and len(incident["incident_updates"]) == 1
        return is_same and "recovered" in person.page

    def with_crowd(
        self, number: int, hold_ms: int, words: str, is_shown: Callable[[dict[str, str]], bool]
    ) -> None:
        """A chapter with so many visitors, each needing a connection for so long."""
        self.visitors.come(number, hold_ms)
        self.chapter(words, is_shown)
