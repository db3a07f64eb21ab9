"""Search results: incidents, with the words that matched."""

from dataclasses import dataclass
from datetime import datetime

from components.status import State
from statuspage.public.values.frame import Head


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of text; `is_found` for the words that were searched for."""

    text: str
    is_found: bool = False


@dataclass(frozen=True, slots=True)
class Hit:
    """An incident among the results."""

    url: str
    on: str  # "Tue 17 Nov 2026"
    title: tuple[Piece, ...]
    words: tuple[Piece, ...]
    said_at: datetime  # when the text was published
    components: tuple[Piece, ...]
    state: State
    duration: str


@dataclass(frozen=True, slots=True)
class SearchPage:
    """The results. `said` is the answer in one sentence, also when there are none."""

    head: Head
    query: str
    said: str
    hits: tuple[Hit, ...] = ()
    earlier: str = ""
    later: str = ""
