"""A probe's target, whether a check ever passed there, and the reset after a change of target."""

import hashlib
from copy import deepcopy
from datetime import datetime
from typing import Any

from django.db import models

from components import client_certificates
from components.models.inbox import Inbox
from components.outcomes import Outcome
from components.probers import is_passive
from components.shown_addresses import without_secrets

POINT = frozenset({"kind", "target", "options", "client_certificate"})
# What a probe forgets when it is pointed elsewhere.
ANEW: dict[str, Any] = {
    "outcome": Outcome.UNKNOWN, "since": None, "heard_s": None, "heard_for_s": None, "run": [],
    "claimed_slot": None, "next_slot": 0, "attempts": 0, "passed_at": None,
    "recent": 0, "recent_bad": [], "unsteady": 0, "last_version": "",
}  # fmt: skip


class Pointed(models.Model):
    """The part of `Probe` that knows its target."""

    kind: Any
    target: Any
    options: Any
    client_certificate: Any
    outcome: Any
    since: Any
    run: Any

    # The first check that passed since the probe looks at what it looks at now; None: never yet. A probe
    # that never passed shows no outage and opens no incident: perhaps its address is wrong.
    passed_at = models.DateTimeField(null=True, editable=False)

    _looked_at: tuple[Any, ...] | None = None

    class Meta:
        abstract = True

    @classmethod
    def from_db(cls, *args: Any, **kwargs: Any) -> "Pointed":
        """Remember the target and options, to notice a change when the probe is saved."""
        probe: Pointed = super().from_db(*args, **kwargs)
        probe._looked_at = probe._looks_at()
        return probe

    def _looks_at(self) -> tuple[Any, ...] | None:
        """Target, options and client identity; None if those columns were not read.

        A renewed certificate has the same identity, so the verdict is not reset.
        """
        if self.get_deferred_fields() & POINT:
            return None
        options = deepcopy(self.options or {})  # a broken row may hold None
        return self.kind, self.target, options, client_certificates.identity(self.client_certificate)

    def _follow_its_target(self, columns: Any) -> Any:
        """Reset the verdict if the target changed. Returns the columns to save."""
        before, self._looked_at = self._looked_at, self._looks_at()
        if before is None or self._looked_at == before:
            return columns
        self._begin_anew()
        if self.is_passive and before[:2] != (self.kind, self.target):
            self._forget_reports()
        return None if columns is None else {*columns, *ANEW}

    def _begin_anew(self) -> None:
        """Reset the verdict and any check under way: they are about another address or expectation."""
        for name, value in ANEW.items():
            setattr(self, name, deepcopy(value))
        self.passed_at = None

    def _forget_reports(self) -> None:
        """What another source reported, or a job on another schedule, says nothing any more."""
        Inbox.objects.filter(probe=self.pk).update(state={}, newest={})

    @property
    def is_passive(self) -> bool:
        """Whether it is reported to, and looks at nothing."""
        return is_passive(self.kind)

    @property
    def shown_target(self) -> str:
        """The address as everyone who may read the console sees it: without login and query values."""
        if self.is_passive:
            return " | ".join(str(self.target).splitlines())  # a schedule, or who reports
        return without_secrets(str(self.target))

    @property
    def target_mark(self) -> str:
        """A hash that identifies the target without revealing it."""
        return hashlib.sha256(str(self.target).encode("utf-8", "replace")).hexdigest()[:16]

    @property
    def is_unproven(self) -> bool:
        """True when it fails and has never passed: its address or expectation may be wrong."""
        return self.outcome == Outcome.DOWN and self.passed_at is None

    def _note_passed(self, outcome: Outcome, at: datetime) -> None:
        """Record the first check that passed: failures before it may mean that the address is wrong."""
        if self.passed_at is not None:
            return
        if self.is_passive and outcome is not Outcome.UNKNOWN:
            self.passed_at = at  # somebody knows its address and has reported: also a failure is true
            return
        if self.outcome in (Outcome.UP, Outcome.DEGRADED):
            self.passed_at = self.since or at
        elif outcome in (Outcome.UP, Outcome.DEGRADED):
            self.passed_at = at
            if self.outcome == Outcome.DOWN:
                self.outcome, self.since, self.run = Outcome.UNKNOWN, None, []
