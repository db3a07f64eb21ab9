"""Hooks, receivers that answer as they are told, and rounds of the runner at a moment that is passed in."""

import time

from components.models import Probe
from components.outcomes import Failure
from incidents.hooks import targets
from incidents.hooks.runner import Runner
from incidents.models import Act, Hook, Update
from tests.making import NOW, after, fell, found, rose, watched

__all__ = ["NOW", "Rounds", "after", "failing", "fell", "found", "hook", "notes", "rose", "secret"]

secret = "whsec_" + "c2VjcmV0" * 6


def hook(component, url, *, is_armed=True, **more):
    row = Hook(component=component, name=more.pop("name", "Restart chat"), url=url, **more)
    row.target = targets.target_of(url)
    row.is_armed = is_armed
    row.keep_secret(secret)
    row.save()
    return row


def failing(name="Chat", at=NOW, *, failure=Failure.STATUS, **more) -> Probe:
    """A probe that fails for sure: its component has an open incident."""
    probe = watched(name, **more)
    fell(probe, at, failure=failure)
    return probe


def notes(incident):
    """What staff read, oldest first."""
    return list(Update.objects.filter(incident=incident, kind="note").values_list("body", flat=True))


class Rounds:
    """A runner whose rounds are made by the test; its calls are real."""

    def __init__(self):
        self.runner = Runner()
        self.runner.threads[0].start()

    def at(self, now, patience_s=20.0):
        """A round, and another one once every call that it made has come back."""
        self.runner.round(now)
        end = time.monotonic() + patience_s
        while self.runner.in_hand and self.runner.answers.empty():
            assert time.monotonic() < end, "a call never ended"
            time.sleep(0.01)
        self.runner._write_answers(now)

    def begin(self, now):
        """A round that waits for nothing."""
        self.runner.round(now)

    def close(self):
        self.runner.loop.call_soon_threadsafe(self.runner.loop.stop)
        self.runner.threads[0].join(5)
        self.runner.loop.close()


def states():
    return list(Act.objects.values_list("state", flat=True))
