"""One recorded failure: what the check saw, what was known beside it, and the true cause."""

import asyncio
import json
import statistics
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from components import probers
from components.diagnosis import Facts
from components.egress import Egress
from components.outcomes import Reading
from components.probers import PROBERS

FOLDER = Path(__file__).parent / "cases"
LOOPBACK = ["127.0.0.0/8", "::1/128"]
DEADLINE_S = 5.0
# What differs from one recording to the next and says nothing of the cause
PASSING = ("address", "family")


@dataclass(frozen=True, slots=True)
class Case:
    """`truth` holds the kinds of cause that are right (several where none can tell them apart by
    looking); empty when nothing may be named.
    """

    name: str
    server: str
    truth: tuple[str, ...]
    reading: dict[str, Any]
    median_ms: float | None = None
    last_ms: float | None = None
    recent: str = ""  # the checks up to this one, oldest first: "+" passed, "-" failed
    same_host_answering: tuple[str, ...] = ()
    same_host_failing: tuple[str, ...] = ()
    deployed_s: float | None = None
    version_changed: bool = False
    facts_more: dict[str, Any] = field(default_factory=dict)

    @property
    def facts(self) -> Facts:
        """The case as the diagnosis is given it."""
        seen = self.reading
        return Facts(
            failure=seen["failure"],
            status_code=seen["status_code"],
            detail=seen["detail"],
            excerpt=seen["excerpt"],
            headers=seen["facts"],
            total_ms=seen["total_ms"],
            connect_ms=seen["connect_ms"],
            first_byte_ms=seen["first_byte_ms"],
            median_ms=self.median_ms,
            last_ms=self.last_ms,
            recent=self.recent,
            same_host_answering=self.same_host_answering,
            same_host_failing=self.same_host_failing,
            deployed_s=self.deployed_s,
            **self.facts_more,
        )


def check(url: str, options: dict[str, Any] | None = None, *, deadline_s: float = DEADLINE_S,
          kind: str = "http", ca_file: str = "") -> Reading:  # fmt: skip
    """One check, as a worker runs it."""
    order = PROBERS[kind].parse(url, options or {})
    egress = Egress(LOOPBACK, ca_file=ca_file) if ca_file else Egress(LOOPBACK)
    return asyncio.run(probers.check(kind, order, deadline_s=deadline_s, egress=egress))


class Recorder:
    """Takes the readings of one server and keeps its cases."""

    def __init__(self, server: str) -> None:
        self.server = server
        self.cases: list[Case] = []

    def record(
        self,
        name: str,
        url: str,
        *truth: str,
        options: dict[str, Any] | None = None,
        deadline_s: float = DEADLINE_S,
        kind: str = "http",
        ca_file: str = "",
        times: int = 2,
        good: tuple[Reading, ...] = (),
        beside: dict[str, str] | None = None,
        **known: Any,
    ) -> Reading:
        """Check `times` times and keep the last failure. `beside`: other addresses of the same host."""
        readings = [
            check(url, options, deadline_s=deadline_s, kind=kind, ca_file=ca_file) for _ in range(times)
        ]
        failing = [reading for reading in readings if reading.failure]
        if not failing:
            raise AssertionError(f"{self.server}/{name} did not fail: {readings[-1]}")
        others = {other: check(place, deadline_s=deadline_s) for other, place in (beside or {}).items()}
        totals = [reading.total_ms for reading in good]
        self.cases.append(
            Case(
                name=f"{self.server}: {name}",
                server=self.server,
                truth=truth,
                reading=_plain(failing[-1]),
                median_ms=round(statistics.median(totals), 1) if totals else None,
                last_ms=round(max(totals[-3:]), 1) if totals else None,
                recent="".join("-" if reading.failure else "+" for reading in (*good, *readings)),
                same_host_answering=tuple(other for other, seen in others.items() if not seen.failure),
                same_host_failing=tuple(other for other, seen in others.items() if seen.failure),
                **known,
            )
        )
        return failing[-1]

    def at(self, base: str) -> Callable[..., Reading]:
        """`record` with a path of this server before the causes, named as the path unless said."""

        def record(path: str, *truth: str, name: str = "", **more: Any) -> Reading:
            return self.record(name or path, f"{base}/{path}", *truth, **more)

        return record

    def good(self, url: str, times: int = 4) -> tuple[Reading, ...]:
        """Checks of a healthy target, for the trend before it broke."""
        readings = tuple(check(url) for _ in range(times))
        assert not any(reading.failure for reading in readings), readings
        return readings

    def write(self) -> None:
        """The cases of this server as JSON, one file."""
        FOLDER.mkdir(exist_ok=True)
        rows = [asdict(case) for case in sorted(self.cases, key=lambda case: case.name)]
        text = json.dumps(rows, indent=1, ensure_ascii=False, sort_keys=True)
        (FOLDER / f"{self.server}.json").write_text(text + "\n")


def load() -> list[Case]:
    """All recorded cases, by name."""
    cases = []
    for file in sorted(FOLDER.glob("*.json")):
        for row in json.loads(file.read_text()):
            lists = {name: tuple(value) for name, value in row.items() if isinstance(value, list)}
            cases.append(Case(**row | lists))
    return cases


def _plain(reading: Reading) -> dict[str, Any]:
    row = asdict(reading)
    for name in PASSING:
        row.pop(name)
    row["failure"] = str(reading.failure or "")
    for name, value in row.items():
        if isinstance(value, float):
            row[name] = round(value, 1)
    return row
