"""What came of a probe's connections, in one reading: how many opened, which were lost, how and when."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from statistics import median

from components.outcomes import Failure, Reading
from components.probers.base import Clock
from components.probers.held.hold import Held
from components.probers.held.session import Loss, seconds

MAX_WORDS = 3  # kinds of loss that a sentence names
AT_ONCE_S = 0.5  # connections that end within this time end together
IDLE_S = 1.9  # silence from which it is worth saying how long it was
EVEN_S = 1.0  # how far equal limits may lie apart
# What all lost connections met counts as such; what they met otherwise is that connections are dropped
OF_THE_ANSWER = (Failure.PROTOCOL, Failure.TOO_LARGE, Failure.TIMEOUT_TRANSFER, Failure.ASSERTION)


def reading_of(held: Held, clock: Clock) -> Reading:
    """The reading of the whole check. A healthy one's time is that of its slowest connection."""
    if held.seen:
        clock.seen = {**held.seen, "facts": {**held.seen.get("facts", {}), **clock.seen.get("facts", {})}}
    of_refusal = next((loss.facts for loss in held.losses if loss.facts and not loss.was_open), {})
    clock.seen["facts"] = {**of_refusal, **clock.seen.get("facts", {}), **facts(held)}
    if held.first_s is not None:
        clock.seen["transfer_ms"] = held.first_s * 1000
    if held.plan.hold_s < held.order.hold_s:
        clock.remark(f"Held for {seconds(held.plan.hold_s)} only, as this check had no more time.")
    if held.lost - held.doubtful > held.order.max_lost:
        return _down(held, clock)
    if held.doubtful and not held.faults:
        detail = "This worker was too busy to keep time: open them over a longer time, or spread the checks."
        return clock.reading(failure=Failure.OWN_FAULT, detail=detail)
    if held.faults:
        own = next(loss for loss in held.losses if loss.failure is Failure.OWN_FAULT)
        return clock.reading(failure=Failure.OWN_FAULT, detail=own.sentence)
    if held.order.connections > 1 or held.plan.hold_s:
        clock.remark(_summary(held))
    reading = replace(clock.reading(), total_ms=max(held.ready, default=0.0) * 1000)
    return replace(reading, degraded=sentence(held)) if held.lost else reading


def _down(held: Held, clock: Clock) -> Reading:
    """More are lost than may be: as the one met it, or by the count."""
    lost = [loss for loss in held.losses if loss.failure is not Failure.OWN_FAULT]
    kinds = {loss.failure for loss in lost}
    failure = Failure.RESET
    if len(kinds) == 1 and (not held.opened_at or kinds <= set(OF_THE_ANSWER)):
        failure = lost[0].failure
    detail = sentence(held) if held.order.connections > 1 else _of_one(held, lost[0])
    excerpt = next((loss.excerpt for loss in lost if loss.excerpt), "")
    if not held.opened_at and held.order.connections > 1:
        detail = f"{detail} {lost[0].sentence}"
    status = lost[0].status_code if failure is Failure.STATUS or held.order.connections == 1 else None
    return clock.reading(failure=failure, detail=detail, excerpt=excerpt, status_code=status)


def _of_one(held: Held, loss: Loss) -> str:
    idle = f"It had been without traffic for {seconds(loss.idle_s)}." if _is_idle([loss]) else ""
    return " ".join(filter(None, (loss.sentence, idle, _again(held))))


def sentence(held: Held) -> str:
    """For staff: "5 of 8 connections opened; 3 refused (3 × 503)." and what became of those that did."""
    refused = [loss for loss in held.losses if not loss.was_open]
    dropped = [loss for loss in held.losses if loss.code is not None]
    others = [loss for loss in held.losses if loss.was_open and loss.code is None]
    parts = [f"{len(held.opened_at)} of {held.order.connections} connections opened"]
    if refused:
        parts.append(f"{len(refused)} refused ({_counts(refused)})")
    if rest := held.order.connections - len(held.opened_at) - len(refused):
        parts.append(f"{rest} not waited for")  # enough were lost
    if dropped:
        parts.append(f"{len(dropped)} dropped ({_counts(dropped)}), {_when(dropped)}")
    if others:
        parts.append(f"{len(others)} failed while open ({_counts(others)})")
    told = "; ".join(parts)
    return " ".join(filter(None, (f"{told}.", _again(held))))


def _counts(losses: Sequence[Loss]) -> str:
    """ "3 × 503, 1 × timeout connect"."""
    common = Counter(loss.word for loss in losses).most_common()
    named = ", ".join(f"{count} × {word}" for word, count in common[:MAX_WORDS])
    rest = sum(count for _, count in common[MAX_WORDS:])
    return f"{named}, {rest} otherwise" if rest else named


def _when(dropped: Sequence[Loss]) -> str:
    """When they were dropped: all at once, after the same silence, or from when to when."""
    ends = [loss.at_s for loss in dropped]
    told = []
    if len(dropped) > 1 and max(ends) - min(ends) <= AT_ONCE_S:
        told.append("all at once")
    if _is_idle(dropped):
        told.append(f"after {seconds(median(loss.idle_s for loss in dropped))} without traffic")
    if len(told) == 2 or (told and told[0].startswith("after")):
        return ", ".join(told)
    first, last = (seconds(pick(loss.after_s for loss in dropped)) for pick in (min, max))
    span = f"{first} after opening" if first == last else f"{first} to {last} after opening"
    return ", ".join([*told, span])


def _is_idle(dropped: Sequence[Loss]) -> bool:
    """Whether each was dropped after the same silence, as a proxy's limit on idle connections does it."""
    idle = [loss.idle_s for loss in dropped]
    return all(loss.code is not None for loss in dropped) and min(idle) >= IDLE_S and (
        max(idle) - min(idle) <= EVEN_S
    )  # fmt: skip


def _again(held: Held) -> str:
    """Whether what was dropped can be opened again."""
    if held.reconnect_s is not None:
        return f"A new connection opened after {_ms(held.reconnect_s)}."
    if held.dropped_first is not None and held.refused_again is not None:
        return f"A new connection could not be opened: {held.refused_again.detail}"
    return ""


def _summary(held: Held) -> str:
    """What staff read of a check that passed."""
    opened = f"{len(held.opened_at)} of {held.order.connections} opened"
    slowest = f", the slowest in {_ms(max(held.took, default=0.0))}"
    kept = f", held for {seconds(held.held_s)}" if held.plan.hold_s else ""
    return f"{opened}{slowest}{kept}."


def facts(held: Held) -> dict[str, str]:
    """Small strings for staff; times since the check began, but `open_slowest` and `answer_slowest`."""
    dropped = [loss for loss in held.losses if loss.code is not None]
    if held.order.connections == 1 and not held.order.hold_s:
        return _closes(dropped)
    known = _openings(held)
    groups = {
        "refused": [loss for loss in held.losses if not loss.was_open],
        "dropped": dropped,
        "failed_open": [loss for loss in held.losses if loss.was_open and loss.code is None],
    }
    known |= {name: f"{len(losses)} ({_counts(losses)})" for name, losses in groups.items() if losses}
    known |= _closes(dropped)
    if dropped:
        known["dropped_after"] = seconds(median(loss.after_s for loss in dropped))
        known["idle_before"] = seconds(median(loss.idle_s for loss in dropped))
    if held.answer_s:
        known["answer_slowest"] = _ms(held.answer_s)
    if held.reconnect_s is not None:
        known["reconnect"] = _ms(held.reconnect_s)
    elif held.dropped_first is not None:
        known["reconnect"] = "not yet"
    return known


def _closes(dropped: Sequence[Loss]) -> dict[str, str]:
    """The codes of those that were closed, what was said with them, and the silence that all had before."""
    if not dropped:
        return {}
    codes = Counter(loss.code for loss in dropped)
    known = {"close_codes": ", ".join(f"{code} × {count}" for code, count in codes.most_common(5))}
    if said := next((loss.said for loss in dropped if loss.said), ""):
        known["close_reason"] = said
    if _is_idle(dropped):
        known["idle_limit"] = seconds(median(loss.idle_s for loss in dropped))
    return known


def _openings(held: Held) -> dict[str, str]:
    """How many opened, and when the first, the median, as many as are needed, and the last had."""
    order, at = held.order, sorted(held.opened_at)
    known = {"opened": f"{len(at)} of {order.connections}"}
    if at:
        enough = order.connections - order.max_lost
        known |= {"open_first": _ms(at[0]), "open_median": _ms(median(at)), "open_last": _ms(at[-1])}
        if len(at) >= enough and order.max_lost:
            known["open_enough"] = f"{_ms(at[enough - 1])} ({enough} of them)"
        known["open_slowest"] = _ms(max(held.took))
    return known


def _ms(length_s: float) -> str:
    return f"{length_s * 1000:,.0f} ms"
