"""What the rules hand over: signs, each with what it speaks for, how strongly, and why."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from components.diagnosis.maker import Maker
from components.diagnosis.view import View


@dataclass(frozen=True, slots=True)
class Sign:
    """`weight`: how likely the cause is by this sign alone, 0 to 1. Below 0.4 it names nothing alone."""

    kind: str
    weight: float
    because: str = ""


Rule = Callable[[View, Maker], Iterator[Sign]]


def several(because: str, **weights: float) -> Iterator[Sign]:
    """One reason that speaks for several causes, each with its weight."""
    for kind, weight in weights.items():
        yield Sign(kind, weight, because)
