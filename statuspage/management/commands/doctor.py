"""`manage.py doctor`: what is set, what is reachable, what is missing, each with its mend."""

import json
import os
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from statuspage.ops.doctor import configuration, environment
from statuspage.ops.doctor.examination import examine
from statuspage.ops.doctor.findings import State
from statuspage.ops.doctor.looks import LOOKS

WIDTH = 16  # of names


class Command(BaseCommand):
    help = (
        "Look at settings, servers, files and people, and say what to mend. Exit code 1 if something fails."
    )
    requires_system_checks = ()  # they are one of the looks
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="One JSON array of objects.")

    def handle(self, *args: Any, **options: Any) -> None:
        findings = []
        for finding in examine(LOOKS, configuration.unreadable(environment.FAULTS)):
            findings.append(finding)
            if not options["json"]:
                self._say(f"{finding.state:<5} {finding.name:<{WIDTH}} {finding.sentence}")
        if options["json"]:
            rows = [{"state": f.state, "name": f.name, "sentence": f.sentence} for f in findings]
            self._say(json.dumps(rows, indent=1, ensure_ascii=False))
        is_failing = any(finding.state is State.FAIL for finding in findings)
        sys.stdout.flush()
        os._exit(1 if is_failing else 0)  # a look that hangs may hold threads that Python would wait for

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
