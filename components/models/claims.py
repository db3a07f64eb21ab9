"""Probes as a queue: claim a due slot, begin it, and notice which probes have gone silent.

`next_slot` says when a probe is due, a claim leases one slot to one worker, and a claim
whose lease ran out is claimed again.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import connection, models, transaction
from django.db.models import Case, F, Value, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce, Greatest, Least

from components import health
from components.outcomes import Outcome

if TYPE_CHECKING:
    from components.models.probe import Probe

MAX_INTERVAL_S = 86_400
MAX_TIMEOUT_S = 60
SPARE_S = 60  # for an interval or a timeout that is none
LEASE_SLACK_S = 10  # beyond the deadline: time in the queue, and the write at the end
REMOTE_SLACK_S = 20  # and the way there and back, with another try
CRASHES_BEFORE_REST = 3  # a probe that takes its worker down three times rests an hour
REST_S = 3600


@dataclass(frozen=True, slots=True)
class Claim:
    """One slot of one probe, leased to the worker with the token."""

    probe_id: int
    slot: int
    token: int
    region: str


class ClaimManager(models.Manager["Probe"]):
    """The probes as a queue."""

    def claim_due(self, now: int) -> list[Claim]:
        """Lease every due slot, in one statement: two ticks at once claim nothing twice.

        `now` is seconds since 1970. A claim whose worker died is due again when
        its lease ends. Missed slots are not caught up: the newest is run now, then the grid.
        Probes of remote regions are left to them.
        """
        return self._claim(WHICH, now, slack=LEASE_SLACK_S)

    def claim_for(self, region: str, now: int, most: int) -> list[Claim]:
        """The same for one remote region alone, at most so many, the longest due first."""
        return self._claim(WHICH_OF_REGION, now, slack=REMOTE_SLACK_S, region=region, most=most)

    def _claim(self, which: dict[str, str], now: int, **terms: int | str) -> list[Claim]:
        terms |= {"now": now, "crashes": CRASHES_BEFORE_REST, "rest": now - REST_S}
        with connection.cursor() as cursor:
            cursor.execute(_claim(which[connection.vendor]), terms)
            return [Claim(*row) for row in cursor.fetchall()]

    def count_crash(self, region: str, now: int) -> None:
        """The agent of a remote region started again: what it had in hand may have ended it."""
        held = self.filter(region=region, claimed_slot__isnull=False, lease_until__gte=now)
        held.update(attempts=F("attempts") + 1)

    def begin(self, claims: list[Claim]) -> list["Probe"]:
        """The probes of these claims that are still ours, each counted as one more attempt."""
        tokens = {claim.probe_id: claim.token for claim in claims}
        with transaction.atomic():
            held = [
                probe
                for probe in self.select_for_update().filter(pk__in=tokens).order_by("pk")
                if probe.lease_token == tokens[probe.pk] and probe.claimed_slot is not None
            ]
            self.filter(pk__in=[probe.pk for probe in held]).update(attempts=F("attempts") + 1)
        return held

    def renew(self, claims: Collection[Claim], now: int) -> None:
        """Hold what is still ours of these as long as after a check: their results wait to be written."""
        with transaction.atomic():
            until = Greatest(F("lease_until"), Value(now + LEASE_SLACK_S))
            self.filter(pk__in=self._still_held(claims)).update(lease_until=until)

    def give_back(self, claims: Collection[Claim]) -> None:
        """Uncount the attempts: they are counted in case a check kills its worker, which these did not."""
        with transaction.atomic():
            held = self.filter(pk__in=self._still_held(claims), attempts__gt=0)
            held.update(attempts=F("attempts") - 1)

    def _still_held(self, claims: Collection[Claim]) -> list[int]:
        """The ids of the probes of these claims whose token is the same, locked."""
        tokens = {claim.probe_id: claim.token for claim in claims}
        rows = self.select_for_update().filter(pk__in=tokens, claimed_slot__isnull=False).order_by("pk")
        return [pk for pk, token in rows.values_list("pk", "lease_token") if token == tokens[pk]]

    def silent(self, now: datetime) -> models.QuerySet["Probe"]:
        """The probes with an outcome whose last result is older than `patience()`."""
        heard = self.exclude(outcome=Outcome.UNKNOWN).filter(is_paused=False, heard_s__isnull=False)
        return heard.filter(heard_s__lte=int(now.timestamp()) - patience())

    def set_back(self, now: datetime, back: timedelta) -> None:
        """After the clock was set back by this much: move results that are now in the future back as well."""
        ahead = self.filter(heard_s__gt=int(now.timestamp()))
        ahead.update(heard_s=F("heard_s") - int(back.total_seconds()))


def patience() -> Combinable:
    """`health.Rule.silence` of a row, in seconds."""
    longest = int(health.MAX_WAIT.total_seconds())
    is_valid = models.Q(interval_s__range=(1, MAX_INTERVAL_S))
    interval = Case(When(is_valid, then=F("interval_s")), default=Value(SPARE_S))
    wait = Least(health.MISSING * interval, Value(longest))
    return Coalesce(F("heard_for_s"), interval, output_field=models.BigIntegerField()) + wait


# An invalid row (from a manual change in the database) affects no other: it is claimed at a fixed
# pace, and then recognised (Probe.fault).
IS_DUE = """
NOT is_paused
  AND (
    (claimed_slot IS NULL AND next_slot <= %(now)s)
    OR (claimed_slot IS NOT NULL AND lease_until < %(now)s)
    -- a clock that went back: nothing may be due further away than it was ever set
    OR (claimed_slot IS NULL AND next_slot > %(now)s + {interval})
    OR (claimed_slot IS NOT NULL AND lease_until > %(now)s + {timeout} + %(slack)s)
  )
  AND (attempts < %(crashes)s OR lease_until < %(rest)s)
"""
# On SQLite one writer has the whole file. On PostgreSQL many rows that are updated at once are locked in
# the order of storage, and a result that is being written locks some of them too: rows that are
# locked are left to the next second, so that neither waits for the other.
LOCAL = " AND region NOT IN (SELECT name FROM components_remoteregion WHERE is_active)"
FREE = "id IN (SELECT id FROM components_probe WHERE {due} ORDER BY id FOR UPDATE SKIP LOCKED)"
WHICH = {"sqlite": IS_DUE + LOCAL, "postgresql": FREE.replace("{due}", IS_DUE + LOCAL)}
SOME = """
id IN (
  SELECT id FROM components_probe WHERE region = %(region)s AND {due} ORDER BY next_slot, id LIMIT %(most)s
  {lock}
)
""".replace("{due}", IS_DUE)
WHICH_OF_REGION = {
    "sqlite": SOME.replace("{lock}", ""),
    "postgresql": SOME.replace("{lock}", "FOR UPDATE SKIP LOCKED"),
}
CLAIM = """
UPDATE components_probe SET
  claimed_slot = COALESCE(claimed_slot, CASE
    WHEN next_slot = 0 OR next_slot > %(now)s THEN %(now)s
    WHEN next_slot < %(now)s - (%(now)s - phase_s) %% {interval}
      THEN %(now)s - (%(now)s - phase_s) %% {interval}
    ELSE next_slot END),
  next_slot = %(now)s + {interval} - (%(now)s - phase_s) %% {interval},
  lease_until = %(now)s + {timeout} + %(slack)s,
  lease_token = lease_token + 1
WHERE {which}
RETURNING id, claimed_slot, lease_token, region
"""
INTERVAL = f"(CASE WHEN interval_s BETWEEN 1 AND {MAX_INTERVAL_S} THEN interval_s ELSE {SPARE_S} END)"
TIMEOUT = f"(CASE WHEN timeout_s BETWEEN 1 AND {MAX_TIMEOUT_S} THEN timeout_s ELSE {SPARE_S} END)"


def _claim(which: str) -> str:
    terms = {"interval": INTERVAL, "timeout": TIMEOUT}
    return CLAIM.format(which=which.format(**terms), **terms)
