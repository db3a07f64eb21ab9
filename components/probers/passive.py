"""What the kinds of probe have in common that are reported to: nothing is dialled, what arrived is judged."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from components.egress import Egress
from components.outcomes import Failure, Reading
from components.passive.hearing import Heard
from components.probers.base import Clock

UNHEARD = "It has no address yet: save it again."


class Passive:
    """A prober whose order carries what was heard (`informed`); without it nothing is known.

    `target_label` names the form's field; `target_choices` are all it may hold, if there are any.
    """

    shows_certificate = False
    steps: tuple[str, ...] = ()
    target_label = ""
    target_choices: tuple[tuple[str, str], ...] = ()

    def address(self, order: Any) -> None:
        """Nothing is dialled."""

    def is_secure(self, order: Any) -> bool:
        """No TLS is spoken."""
        return False

    def is_indirect(self, options: Mapping[str, Any]) -> bool:
        """It says itself what it does not know."""
        return False

    def informed(self, order: Any, heard: Heard | None) -> Any:
        """The order with what it is judged by."""
        return replace(order, heard=heard)

    def refuse_at_save(self, order: Any) -> None:
        """Refuse what may be kept, but not saved anew. Raises InvalidProbeError."""

    def judge(self, order: Any, heard: Heard) -> Reading:
        """What was heard, as a check would have found it."""
        raise NotImplementedError

    def judged(self, order: Any) -> Reading:
        """What the order carries, as a check would have found it."""
        if order.heard is None:
            return Reading(0.0, Failure.NO_DATA, UNHEARD)
        return self.judge(order, order.heard)

    async def run(self, order: Any, clock: Clock, egress: Egress) -> Reading:
        """Judge what the order carries."""
        return self.judged(order)
