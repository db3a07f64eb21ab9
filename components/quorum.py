"""What several regions together say of one target.

It is down only when enough regions agree: more than half of those that report, or as many as staff set.
A region that has not reported for too long says nothing: it counts neither for the target nor against it.
"""

from collections.abc import Iterable

from components.outcomes import Outcome


def agreed(outcomes: Iterable[Outcome], needed: int | None = None) -> Outcome:
    """The outcome that enough regions agree on, one outcome for each region.

    `needed`: how many failing regions make it down; None: more than half of those that report. While fewer
    than that report, nobody can say that it is down, and if none of them passes, it is unknown.

    >>> agreed([Outcome.DOWN, Outcome.DOWN, Outcome.UP])
    <Outcome.DOWN: 'down'>
    >>> agreed([Outcome.DOWN, Outcome.UP, Outcome.UNKNOWN])
    <Outcome.UP: 'up'>
    """
    fresh = [outcome for outcome in outcomes if outcome is not Outcome.UNKNOWN]
    if not fresh:
        return Outcome.UNKNOWN
    enough = len(fresh) // 2 + 1 if needed is None else needed
    down = fresh.count(Outcome.DOWN)
    if down >= enough:
        return Outcome.DOWN
    if down + fresh.count(Outcome.DEGRADED) >= enough:
        return Outcome.DEGRADED
    return Outcome.UP if len(fresh) >= enough or Outcome.UP in fresh else Outcome.UNKNOWN
