"""`manage.py demo`, or `make demo`: watch an outage happen."""

import json
import os
import signal
import sys
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from statuspage.ops.demo import seeds
from statuspage.ops.demo.chat_story import ChatStory
from statuspage.ops.demo.stage import Stage, UnexpectedError
from statuspage.ops.demo.unavailable_story import UnavailableStory
from statuspage.ops.demo.widgetify_story import WidgetifyStory

STORIES: dict[str, type[Stage]] = {
    story.name: story for story in (WidgetifyStory, ChatStory, UnavailableStory)
}
LEAVING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # Ctrl-C, an end, a closed terminal


class Command(BaseCommand):
    help = "Run a service beside a status page, break it, and watch: see --story."
    requires_system_checks = ()  # it checks nothing of this installation, and touches none of it

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--pace", type=float, default=1.0, help="0 runs fast, 1 leaves time to look.")
        parser.add_argument("--once", action="store_true", help="Exit when the demo ends.")
        parser.add_argument(
            "--story",
            choices=STORIES,
            default="widgetify",
            help="widgetify: a database pool without a limit. chat: connections fill up, a safeguard fails."
            " 503: seven causes behind nginx, told apart.",
        )
        parser.add_argument("--seed", help="(inner) Make the components that watch this address.")
        parser.add_argument("--agent", default="", help="(inner) Who restarts it.")
        parser.add_argument("--acts", action="store_true", help="(inner) Print the calls of hooks.")
        parser.add_argument("--causes", action="store_true", help="(inner) Print the likely causes.")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["seed"]:
            url, agent = options["seed"], options["agent"]
            secret = os.environ.get("HOOK_SECRET", "")
            self.stdout.write(json.dumps(seeds.seed(options["story"], url, agent, secret)))
            return
        if options["causes"]:
            self.stdout.write("\n".join(seeds.causes()))
            return
        if options["acts"]:
            self.stdout.write("\n".join(seeds.acts()))
            return
        began = time.monotonic()

        def say(words: str) -> None:
            seconds = int(time.monotonic() - began)
            self.stdout.write(f"{seconds // 60}:{seconds % 60:02}  {words}")
            self.stdout.flush()

        def leave(*_: Any) -> None:
            raise KeyboardInterrupt

        for number in LEAVING:
            if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup asks for
                signal.signal(number, leave)
        story = STORIES[options["story"]](say, pace=options["pace"])
        try:
            story.tell()
            if not options["once"] and sys.stdin.isatty():
                say("The page stays until you press Ctrl-C.")
                signal.pause()
        except UnexpectedError as error:
            sys.exit(str(error))
        except KeyboardInterrupt:
            pass
        finally:
            for number in LEAVING:  # a second Ctrl-C would leave the page and the service running
                signal.signal(number, signal.SIG_IGN)
            story.end()
            say("The demo has been removed.")
