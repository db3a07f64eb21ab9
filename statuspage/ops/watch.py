"""Which part of the program is missing, and why.

Judges what was seen of the parts that the children need (database, broker) and of the heartbeats they
leave, by the monotonic clock: a heartbeat counts when its row changes, not by the time in it. Standard
library only, as the supervisor is a small process; the page looks for it (`statuspage/ops/looking.py`).
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

QUEUES = {"worker": "celery", "post": "post"}  # whose ticks wait where
BY_THEMSELVES = ("web", "beat")  # whose heartbeats depend on no one else's work
MAX_SIGNS = 20  # heartbeats of a role that are reported, the newest: enough to see that one changed
SURE_AFTER = 2  # failed looks in a row before a part counts as away
WITHOUT_BROKER = "No checks run and no one is notified meanwhile; the page is served."
WITHOUT_BELL = "Checks run and messages are sent; changes show on the page seconds later."


@dataclass(frozen=True, slots=True)
class Look:
    """The result of one round of checks. Errors are sentences, empty if the part answers."""

    broker: str = ""
    database: str = ""
    waiting: Mapping[str, int] = field(default_factory=dict)  # ticks that no worker took, by role
    signs: Mapping[str, frozenset[tuple[str, datetime]]] = field(default_factory=dict)

    def to_line(self) -> str:
        """As the page reports it to the supervisor: JSON without a line break."""
        signs = {
            role: [(name, at.isoformat()) for name, at in sorted(rows, key=lambda row: row[1])[-MAX_SIGNS:]]
            for role, rows in self.signs.items()
        }
        values = {"broker": self.broker, "database": self.database, "waiting": dict(self.waiting)}
        return json.dumps({**values, "signs": signs})

    @classmethod
    def of_line(cls, line: str) -> "Look":
        """The opposite of `to_line`. Raises ValueError if it is none."""
        values = json.loads(line)
        signs = {
            role: frozenset((name, datetime.fromisoformat(at)) for name, at in rows)
            for role, rows in values.pop("signs").items()
        }
        return cls(signs=signs, **values)


def stuck(silent: set[str], look: Look, *, is_one_worker: bool = False) -> set[str]:
    """Which roles are played by a process that runs but does not work, although it could.

    One worker that does everything needs nobody to send it work: whatever is silent is at fault.
    Without broker or database none can work; the page needs only the database. A worker is at fault
    when its ticks wait; if none wait and both workers are silent, the clock sends none.
    """
    if look.database:
        return set()
    idle = silent & {"web"}
    if look.broker:
        return idle
    if is_one_worker:
        return silent
    idle |= silent & {"beat"}
    idle |= {role for role in silent if look.waiting.get(role, 0) > 0}
    if not idle - {"web"} and silent >= set(QUEUES):
        idle.add("beat")
    return idle


class Watch:
    """Remembers when each role was last seen at work. `now` is monotonic seconds."""

    def __init__(self, silence_s: float, say: Callable[[str], None], *, is_one_worker: bool = False) -> None:
        self.is_one_worker = is_one_worker
        self.silence_s = silence_s
        self.say = say
        self.reported: set[str] = set()  # have left a sign of life since we began
        self.broker_away_since: float | None = None
        self._changed_at: dict[str, float] = {}
        self._signs: dict[str, frozenset[tuple[str, datetime]]] = {}
        self._failures = {"broker": 0, "database": 0}

    def take(self, look: Look, now: float) -> set[str]:
        """Record a result and print what changed. Returns the roles to start again."""
        self._tell("broker", look.broker, WITHOUT_BELL if self.is_one_worker else WITHOUT_BROKER)
        self._tell("database", look.database, "The last copy of the page is served.")
        if not look.broker:
            self.broker_away_since = None
        elif self.broker_away_since is None:
            self.broker_away_since = now
        for role in (*QUEUES, *BY_THEMSELVES):
            self._note(role, look, now)
        known = {*QUEUES, *(role for role in BY_THEMSELVES if self._signs.get(role))}
        silent = {role for role in known if now - self._changed_at[role] >= self.silence_s}
        return stuck(silent, look, is_one_worker=self.is_one_worker)

    def forgive(self, role: str, now: float) -> None:
        """The role was started again: its time limit begins at this moment, which may be in the future."""
        for name in (*QUEUES, "beat") if role == "beat" else (role,):
            self._changed_at[name] = now

    def _note(self, role: str, look: Look, now: float) -> None:
        before, signs = self._signs.get(role), look.signs.get(role, frozenset())
        # while the parts it needs are away its time does not run: it begins when they are back
        if role not in self._changed_at or look.broker or look.database:
            self._changed_at[role] = now
        if look.database:
            return
        if before is not None and signs != before:
            self._changed_at[role] = now
            if role in QUEUES:
                self.reported.add(role)
        self._signs[role] = signs

    def _tell(self, part: str, error: str, loss: str) -> None:
        """Print once that a part is away, and once that it is back."""
        was_away = self._failures[part] >= SURE_AFTER
        self._failures[part] = self._failures[part] + 1 if error else 0
        if self._failures[part] == SURE_AFTER:
            self.say(f"the {part} is unavailable: {error} {loss}")
        elif was_away and not error:
            self.say(f"the {part} is available again")
