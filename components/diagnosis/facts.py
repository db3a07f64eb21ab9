"""What is known of a probe that is not well: its newest failure, and what was seen beside it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

ROSE = 2.0  # times as slow as usual just before it failed
MIN_RISE_MS = 50.0  # what is less is noise: 2 ms instead of 1 ms is no trend


@dataclass(frozen=True, slots=True)
class Facts:
    """Times in milliseconds unless they end in `_s`; None: not known.

    `headers` are the stored facts of the check (`components.probers.answer_facts`): header names with
    underscores, `reason`, `body_length`, `failing_parts`, `app_version` and others.
    """

    failure: str = ""  # the stored word (components.outcomes.Failure); empty: it answers, but too slowly
    status_code: int | None = None
    detail: str = ""
    excerpt: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    total_ms: float | None = None
    connect_ms: float | None = None
    first_byte_ms: float | None = None
    median_ms: float | None = None  # in the hour before
    last_ms: float | None = None  # the last answers before it failed
    recent: str = ""  # the last checks, oldest first: "+" passed, "-" failed
    answering: tuple[str, ...] = ()  # others of the same group that are well
    failing: tuple[str, ...] = ()  # others of the same group that are not
    same_host_answering: tuple[str, ...] = ()  # other probes of the same host and port that pass
    same_host_failing: tuple[str, ...] = ()
    failing_needs: tuple[str, ...] = ()  # components it cannot work without, which fail as well
    is_maintained: bool = False  # planned work on its component is under way
    deployed_s: float | None = None  # how long before the first failure the last deploy was marked
    deploy: str = ""  # what that marker says
    deploy_is_sure: bool = True  # False: guessed from another ETag
    last_version: str = ""  # what the last good answer named
    may_quote: bool = True  # False: reasons hold no words of the answer, as their reader may not read it

    @property
    def rose(self) -> bool:
        """Whether it had become much slower just before."""
        if self.median_ms is None or self.last_ms is None:
            return False
        return self.last_ms >= max(ROSE * self.median_ms, self.median_ms + MIN_RISE_MS)
