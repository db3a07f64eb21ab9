"""How well the diagnosis names the causes of recorded cases, by halves."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from components.diagnosis import diagnose
from tests.recordings.case import Case


@dataclass(frozen=True, slots=True)
class Score:
    """Of cases with a cause: shares whose first, or one of the first three, is right. Of all: wrong ones."""

    cases: int
    first: float
    first_three: float
    strictly_first: float
    strictly_first_three: float
    confidently_wrong: tuple[str, ...]
    named_for_nothing: tuple[str, ...]
    misses: tuple[str, ...]


def is_held_out(case: Case) -> bool:
    """Half of the cases, by their names: the rules were made without looking at how these score."""
    return hashlib.sha256(case.name.encode()).digest()[0] % 2 == 1


def score(cases: Iterable[Case]) -> Score:
    """`strictly`: only the cause that was really made counts, not those that look the same."""
    counted = first = three = strict = strict_three = 0
    wrong, for_nothing, misses = [], [], []
    for case in cases:
        causes = diagnose(case.facts)
        kinds = [cause.kind for cause in causes]
        wrong += [
            f"{case.name}: {c.kind} {c.sure}" for c in causes if c.is_confident and c.kind not in case.truth
        ]
        if not case.truth:
            if kinds:
                for_nothing.append(f"{case.name}: {kinds}")
            continue
        counted += 1
        first += kinds[:1] != [] and kinds[0] in case.truth
        three += bool(set(kinds[:3]) & set(case.truth))
        strict += kinds[:1] == [case.truth[0]]
        strict_three += case.truth[0] in kinds[:3]
        if kinds[:1] != [case.truth[0]]:
            misses.append(f"{case.name}: {case.truth} but {[(c.kind, c.sure) for c in causes]}")
    whole = counted or 1
    return Score(
        counted, first / whole, three / whole, strict / whole, strict_three / whole, tuple(wrong),
        tuple(for_nothing), tuple(misses),
    )  # fmt: skip
