"""Whether a region sees anything at all: targets that should always answer, asked when a check fails.

When most checks fail together and every canary of this worker fails as well, it is this region that is
blind. Its checks then say nothing, instead of an outage of everything.
"""

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from components import probers
from components.egress import Egress
from components.outcomes import Failure, Reading
from components.targets import InvalidProbeError

DEADLINE_S = 5.0  # for each canary; all are asked at once
FRESH_S = 2.0  # an answer this old still speaks for a check that fails now
FORGET_S = 1800.0  # a region that makes no more checks is not said to be blind for ever
MAX_REMEMBERED = 20_000
# What a check meets when its region has lost the network, a name server or the way out
BLINDING = frozenset({
    Failure.TIMEOUT_DNS, Failure.TIMEOUT_CONNECT, Failure.TIMEOUT_TLS, Failure.TIMEOUT_FIRST_BYTE,
    Failure.TIMEOUT_TRANSFER, Failure.DNS, Failure.REFUSED, Failure.UNREACHABLE, Failure.RESET, Failure.TLS,
})  # fmt: skip
BLIND = "This region cannot see: its canaries fail as well ({reason})"


def parse(targets: Sequence[str]) -> list[tuple[str, Any]]:
    """The kind and the order of each target: `host:port`, or an http:// or https:// address.

    Raises InvalidProbeError.
    """
    orders = []
    for target in targets:
        kind = "http" if target.startswith(("http://", "https://")) else "tcp"
        # any answer at all shows that we see
        options = {"expected_status": "100-599", "follow_redirects": False} if kind == "http" else {}
        orders.append((kind, probers.PROBERS[kind].parse(target, options)))
    return orders


def refused(targets: Sequence[str]) -> str:
    """Why these cannot be asked, in a sentence for the operator; empty if they can."""
    try:
        parse(targets)
    except InvalidProbeError as error:
        return error.sentence
    return ""


class Canaries:
    """The canaries of one worker. Used from its event loop alone."""

    def __init__(self, targets: Sequence[str], *, egress: Egress) -> None:
        self.orders = parse(targets)
        self.egress = egress
        self.round: asyncio.Task[str] | None = None
        self.round_began = 0.0
        self.results: deque[tuple[float, bool]] = deque(maxlen=MAX_REMEMBERED)  # when it began, if it failed
        self.is_blind = False

    async def judged(self, reading: Reading, began: float) -> Reading:
        """The same reading; or one that says nothing, when this region was blind.

        Of checks that leave this machine (`probers.leaves_the_machine`) alone: others pass without any sight.
        `began`: when the check began, by the monotonic clock.
        """
        if not self.orders:
            return reading
        has_failed = reading.failure in BLINDING
        self.results.append((began, has_failed))
        if not has_failed:
            self.is_blind = self.is_blind and reading.failure is Failure.OWN_FAULT
            return reading
        reason = await self._reason(began)
        self.is_blind = bool(reason) and self._most_fail(began)
        if not self.is_blind:
            return reading
        return replace(reading, failure=Failure.OWN_FAULT, detail=BLIND.format(reason=reason))

    def forget_old(self, now_s: float) -> None:
        """Nothing was checked for so long that no check could say that this region sees again."""
        if self.is_blind and now_s - self.results[-1][0] > FORGET_S:
            self.is_blind = False

    def _most_fail(self, began: float) -> bool:
        """Whether most of the checks that began no earlier than this one, and are over, failed."""
        since = [failed for at, failed in self.results if at >= began]
        return 2 * sum(since) > len(since)

    async def _reason(self, began: float) -> str:
        """What the canaries met, in a few words, if every one failed; empty when one answered."""
        is_fresh = self.round is not None and self.round_began >= max(began, time.monotonic() - FRESH_S)
        if self.round is None or not is_fresh:
            self.round_began = time.monotonic()
            self.round = asyncio.create_task(self._ask())
        return await asyncio.shield(self.round)

    async def _ask(self) -> str:
        readings = await asyncio.gather(
            *(
                probers.check(kind, order, deadline_s=DEADLINE_S, egress=self.egress)
                for kind, order in self.orders
            )
        )
        if any(reading.failure not in (*BLINDING, Failure.OWN_FAULT) for reading in readings):
            return ""
        return readings[0].detail
