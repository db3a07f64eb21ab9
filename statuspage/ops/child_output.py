"""Output of child processes: each line prefixed with its role, repeated lines counted.

A child that fails prints the same traceback at each try. The first one says why; a thousand hide it.
Lines about events (level INFO) are always shown.
"""

import re
import sys
from collections import deque
from collections.abc import Callable

REPEAT_AFTER_S = 600.0  # a line that was shown is shown again after this long
SUM_UP_S = 60.0
MAX_KNOWN = 2_000  # different lines that are remembered
KEPT_LINES = 80  # of the newest start, to find the reason of its end

# Parts that differ each time though nothing has changed: moments, waits, tries, process ids, ids, addresses
VARIES = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d([.,]\d+)?|\b[0-9a-f]{8}-[0-9a-f-]{27}\b|0x[0-9a-f]+"
    r"|\b\d+\.\d+\b|\(\d+/\d+\)|(?<=-)\d+\b|(?<=pid )\d+|(?<=pid:)\d+|(?<= request=)\S+|(?<= task=)\S+"
)
EVENT = re.compile(r"^\S+ \S+ INFO ")
CAUSE = re.compile(r"^[A-Za-z_][\w.]*(Error|Exception|Exit|Interrupt|Warning|Refused|Denied)\b.*")
NAMED = re.compile(r"^[A-Za-z_][\w.]*: \S.*")


def say(text: str) -> None:
    """Print a line of the supervisor itself."""
    write("up", text)


def write(role: str, line: str) -> None:
    """A line on standard output."""
    sys.stdout.write(f"{role:<7} | {line}\n")
    sys.stdout.flush()


class Relay:
    """The output of one role, over all its starts. Times are monotonic seconds."""

    def __init__(self, role: str, write: Callable[[str, str], None] = write) -> None:
        self.role = role
        self.write = write
        self.last: deque[str] = deque(maxlen=KEPT_LINES)
        self._shown: dict[str, float] = {}
        self._hidden = 0
        self._summed_at = 0.0

    def begin(self) -> None:
        """A new process starts: forget the lines of the last one."""
        self.last.clear()

    def take(self, line: str, now: float) -> None:
        """Show a line, or count it as a repetition."""
        if not line.strip():
            return
        self.last.append(line)
        key = VARIES.sub("#", line)
        is_known = now - self._shown.get(key, -REPEAT_AFTER_S) < REPEAT_AFTER_S
        if is_known and not EVENT.match(line):
            self._hidden += 1
            self.sum_up(now)
            return
        if len(self._shown) >= MAX_KNOWN:
            self._shown.clear()
        self._shown[key] = now
        self.write(self.role, line)

    def sum_up(self, now: float) -> None:
        """Print how many lines were not shown, once a minute."""
        if self._hidden and now - self._summed_at >= SUM_UP_S:
            lines = "line" if self._hidden == 1 else "lines"
            self.write(self.role, f"({self._hidden} more {lines} like those above)")
            self._hidden, self._summed_at = 0, now

    def reason(self) -> str:
        """Why it ended, by its last lines."""
        return reason(list(self.last))


def reason(lines: list[str]) -> str:
    """The cause of the last traceback, else the last line."""
    starts = [number for number, line in enumerate(lines) if "Traceback (most recent call last)" in line]
    if starts:
        for pattern in (CAUSE, NAMED):
            causes = [line for line in lines[starts[-1] + 1 :] if pattern.match(line)]
            if causes:
                return causes[-1][:300]
    return lines[-1][:300] if lines else "it printed nothing"
