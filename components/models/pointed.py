"""A probe's target, whether a check ever passed there, and that a new target starts anew."""

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
    "recent": 0, "recent_bad": [], "unsteady": 0,
}  # fmt: skip


class Pointed(models.Model):
    """The half of `Probe` that knows its target."""

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
        """Remember what it looks at, to notice a change when it is saved."""
        probe: Pointed = super().from_db(*args, **kwargs)
        probe._looked_at = probe._looks_at()
        return probe

    def _looks_at(self) -> tuple[Any, ...] | None:
        """What it checks, and as whom; None where that was not read.

        A renewed certificate names the same one as before: nothing begins anew for it.
        """
        if self.get_deferred_fields() & POINT:
            return None
        options = deepcopy(self.options or {})  # whatever a broken row holds
        return self.kind, self.target, options, client_certificates.identity(self.client_certificate)

    def _follow_its_target(self, columns: Any) -> Any:
        """Begin anew where it is pointed elsewhere; the columns to save."""
        before, self._looked_at = self._looked_at, self._looks_at()
        if before is None or self._looked_at == before:
            return columns
        self._begin_anew()
        if self.is_passive and before[:2] != (self.kind, self.target):
            self._forget_reports()
        return None if columns is None else {*columns, *ANEW}

    def _begin_anew(self) -> None:
        """Another address or expectation: what it thought, and a check under way, mean something else."""
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
        """Its address for everybody who may read the console: without a login, without what a query says."""
        if self.is_passive:
            return " | ".join(str(self.target).splitlines())  # a schedule, or who reports
        return without_secrets(str(self.target))

    @property
    def target_mark(self) -> str:
        """Tells one address from another without naming it."""
        return hashlib.sha256(str(self.target).encode("utf-8", "replace")).hexdigest()[:16]

    @property
    def is_unproven(self) -> bool:
        """True when it fails and has never passed: its address or expectation may be wrong."""
        return self.outcome == Outcome.DOWN and self.passed_at is None

    def _note_passed(self, outcome: Outcome, at: datetime) -> None:
        """The first check that passed proves the address; failures before it said nothing of the target."""
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
