"""Likely causes of a probe's failure: who made the answer, then why, each with its reasons.

A cause is named only when facts support it and it passes a bar; nothing is named from one weak
sign. Pure: facts in, causes out. What a proxy says of itself (Proxy-Status) ranks first.
"""

from components import failures
from components.diagnosis.around import FRESH, around
from components.diagnosis.causes import KINDS, LOGS, MAX_CAUSES, POSSIBLE, Cause
from components.diagnosis.closes import closes
from components.diagnosis.connection import connection
from components.diagnosis.facts import Facts
from components.diagnosis.families import families
from components.diagnosis.maker import Maker, identify
from components.diagnosis.platforms import platforms
from components.diagnosis.proxies import proxies
from components.diagnosis.sentences import sentences
from components.diagnosis.services import services
from components.diagnosis.signs import Rule, Sign
from components.diagnosis.view import View
from components.diagnosis.words import parts_of, words
from components.texts import first_of

__all__ = ["Cause", "Facts", "Maker", "diagnose", "made_by", "reasons"]

MAX_NAMES = 3
MAX_SURE = 97
SPEAKING: tuple[Rule, ...] = (words, sentences, services, closes, proxies, platforms)
BESIDE: tuple[Rule, ...] = (connection, around)
# What is read by families of words is asked only where no exact phrase or page is known, and never sure
KNOWN = 0.55
MAX_READ = 0.74
# When the answer itself says why, what codes and times suggest counts less
SPOKEN = 0.75
DAMPED = 0.6
# What a deploy looks like from outside, beside a deploy that is known
SYMPTOMS = ("not_started", "crash", "unhealthy", "overload", "stuck")
BY_DEPLOY = 0.85
GENERAL = ("error", "content", "unauthorized", "rejected", "moved")


def diagnose(facts: Facts) -> tuple[Cause, ...]:
    """The causes that facts speak for, the surest first; none below the bar."""
    view = View(facts)
    maker = identify(view)
    spoken = [sign for rule in SPEAKING for sign in rule(view, maker)]
    is_known = any(sign.weight >= KNOWN and sign.kind not in GENERAL for sign in spoken)
    is_known = is_known or bool(spoken and maker.is_own and not maker.is_application)
    read = [] if is_known else list(families(view, maker))
    certain = [*spoken, *(sign for rule in BESIDE for sign in rule(view, maker))]
    signs = [sign for sign in (*read, *certain) if sign.weight > 0]
    scores = _scores(signs)
    for kind in {sign.kind for sign in read} & scores.keys():
        scores[kind] = min(scores[kind], max(MAX_READ, _scores(certain).get(kind, 0)))
    causes = [
        _cause(kind, score, [sign for sign in signs if sign.kind == kind], view, maker)
        for kind, score in scores.items()
        if round(score * 100) >= POSSIBLE
    ]
    # stable: of two as sure, the one whose rule stands first
    return tuple(sorted(causes, key=lambda cause: -cause.sure))[:MAX_CAUSES]


def made_by(facts: Facts) -> Maker:
    """Who made the newest answer."""
    return identify(View(facts))


def _scores(signs: list[Sign]) -> dict[str, float]:
    """How likely each cause is: signs for the same add up, as independent chances do."""
    misses: dict[str, float] = {}
    for sign in signs:
        misses[sign.kind] = misses.get(sign.kind, 1.0) * (1 - sign.weight)
    scores = {kind: 1 - miss for kind, miss in misses.items()}
    if scores.get("deploy", 0) >= FRESH:
        scores |= {kind: scores[kind] * BY_DEPLOY for kind in SYMPTOMS if kind in scores}
    best = max(scores, key=lambda kind: scores[kind], default="")
    if best and scores[best] >= SPOKEN:
        return {kind: _damped(kind, score, best) for kind, score in scores.items()}
    return scores


def _damped(kind: str, score: float, best: str) -> float:
    """What a code alone suggests counts less once something says why."""
    return score * DAMPED if kind in GENERAL and kind != best else score


def _cause(kind: str, score: float, signs: list[Sign], view: View, maker: Maker) -> Cause:
    row = KINDS[kind]
    parts = parts_of(view) if kind == "dependency" else ""
    behind = maker.behind if view.status else ""
    log = LOGS.get(maker.name)
    commands = (*((log,) if log and view.status >= 500 else ()), *row.commands)
    return Cause(
        kind=kind,
        name=row.name.format(behind=behind, parts=f": {parts}" if parts else ""),
        because=tuple(dict.fromkeys(sign.because for sign in signs if sign.because)),
        look_next=row.look_next.format(them=parts or "the dependency"),
        sure=min(MAX_SURE, round(score * 100)),
        commands=commands,
        draft=row.draft,
        public=row.public,
    )


def reasons(facts: Facts) -> tuple[tuple[str, str], ...]:
    """The facts themselves, as (bold words, the rest), whatever they point to."""
    rows = [_how(facts)]
    view = View(facts)
    maker = identify(view)
    if maker.name:
        rows.append(("Response made by:", f"{maker.spelled}, after {view.took}."))
    if facts.same_host_answering:
        rows.append(("Others on this host respond:", f"{first_of(facts.same_host_answering, MAX_NAMES)}."))
    if facts.same_host_failing:
        rows.append(("Others on this host also fail:", f"{first_of(facts.same_host_failing, MAX_NAMES)}."))
    if facts.answering:
        rows.append(("Others in this group respond:", f"{first_of(facts.answering, MAX_NAMES)}."))
    if facts.failing:
        rows.append(("Others in this group also fail:", f"{first_of(facts.failing, MAX_NAMES)}."))
    if facts.rose:
        rise = f"from {facts.median_ms or 0:,.0f} to {facts.last_ms or 0:,.0f} ms"
        rows.append(("Slow just before:", f"response time rose {rise}."))
    if "retry_after" in facts.headers:
        rows.append(("It asks clients to wait:", f"Retry-After {facts.headers['retry_after'][:40]}."))
    return tuple(rows)


def _how(facts: Facts) -> tuple[str, str]:
    if facts.failure == "status" and facts.status_code:
        return f"It responds with {facts.status_code}.", "The server is running, but reports a problem."
    bold, rest = failures.words(facts.failure).how
    return bold, rest or facts.detail
