"""(j) 10,000 probes at 60 s through the whole program with PostgreSQL: missed, late, and who used the cores."""

import json
import os
import sys
import time
from dataclasses import dataclass
from typing import Any

import psutil

from benchmarks.tools import ROOT, Row, Stage, cpu_s, free_port, say, wait_for_port

PROBES = 10_000
INTERVAL_S = 60
FASTER = (30, 20, 15, 10)  # then the same probes at these intervals (s), until some are missed or late
MAX_CORES = 1.2
MAX_LATE_MS = 1000
SETTLING_S = 12  # the last checks of a span hang until their timeout, and are written after that
# As a server that keeps what it was given: the tests' own server is faster
SERVER = {"shared_buffers": "256MB", "fsync": "on", "synchronous_commit": "on", "full_page_writes": "on",
          "autovacuum": "on"}  # fmt: skip
SEED = """
import time
from datetime import UTC, datetime
from components.models import Component, Probe, StatusSpan
from components.schedule import place
kinds, known, now = {targets}, {known}, int(time.time())
began = datetime.fromtimestamp(now, UTC)
status = "operational" if known else "unknown"
components = Component.objects.bulk_create(
    Component(name=f"Target {{n}}", position=n + 10, auto_incidents="off", status=status)
    for n in range(-(-{probes} // 10))
)
StatusSpan.objects.bulk_create(
    StatusSpan(component=component, status=status, started_at=began) for component in components
)
def outcome(target):
    return "unknown" if not known else "down" if target.endswith(("fails", "hangs")) else "up"
def verdict(target):
    return dict(outcome=outcome(target), since=began, heard_s=now, passed_at=began) if known else {{}}
probes = Probe.objects.bulk_create((
    Probe(component=components[n // 10], kind="http", target=kinds[n % len(kinds)], interval_s={interval},
          region="local", **verdict(kinds[n % len(kinds)]))
    for n in range({probes})
), batch_size=1000)
for probe in probes:
    probe.phase_s = place(probe.pk, {interval})
    probe.next_slot = now - (now - probe.phase_s) % {interval} + {interval} if known else 0
Probe.objects.bulk_update(probes, ["phase_s", "next_slot"], batch_size=1000)
"""
FASTER_NOW = """
from components.models import Probe
from components.schedule import place
probes = list(Probe.objects.filter(component__name__startswith="Target").only("pk"))
for probe in probes:
    probe.interval_s, probe.phase_s, probe.timeout_s = {interval}, place(probe.pk, {interval}), 10
Probe.objects.bulk_update(probes, ["interval_s", "phase_s", "timeout_s"], batch_size=1000)
"""
ASK = """
import json
from django.db.models import Count
from components.models import Check
rows = Check.objects.filter(probe__component__name__startswith="Target", slot__gte={start}, slot__lt={end})
print("FOUND" + json.dumps([list(rows.values_list("lag_ms", flat=True)),
    list(rows.values_list("outcome", "failure").annotate(Count("slot")))]))
"""
UNKNOWN = """
from components.models import Probe
rows = Probe.objects.filter(component__name__startswith="Target", outcome="unknown")
print("FOUND", rows.count())
"""
HANGS, FAILS = 1, 2  # of a hundred


@dataclass(frozen=True)
class Span:
    """What happened to the checks of one span of time. `used`: cores by process."""

    probes: int
    interval_s: int
    length_s: int
    lags_ms: list[int]
    outcomes: list[Any]
    used: dict[str, float]
    load: float  # of the machine, at the end: above two, others wanted its cores too

    @property
    def due(self) -> int:
        """How many checks were due."""
        return self.probes * self.length_s // self.interval_s

    @property
    def missed(self) -> int:
        """How many of them have no result. A slot at either end may fall to the other side of the second."""
        return max(0, self.due - len(self.lags_ms))

    @property
    def late_ms(self) -> int:
        """99 % began within this time of their slot."""
        return sorted(self.lags_ms)[int(len(self.lags_ms) * 0.99)] if self.lags_ms else 10**9

    @property
    def is_kept_up(self) -> bool:
        """Whether none was missed, and 99 % began within a second."""
        return self.missed <= self.probes // self.interval_s and self.late_ms <= MAX_LATE_MS


def run(*, quick: bool) -> list[Row]:
    """Five minutes, half HTTPS, 300 ms answers, 2 % failing, 1 % hanging; then faster. Quick: 30 s, no more."""
    from tests.servers import PostgreSQL

    server = PostgreSQL(**SERVER)
    try:
        with Stage() as stage:
            stage.database = server.create("many")
            return _run(stage, server, quick=quick)
    finally:
        server.close()


def _run(stage: Stage, server: Any, *, quick: bool) -> list[Row]:
    stage.manage("migrate", "-v0")
    targets = mixed(stage)
    say(f"making {PROBES} probes")
    seed(stage, PROBES, INTERVAL_S, targets, are_known=quick)
    began = time.monotonic()
    up = stage.start(sys.executable, str(ROOT / "manage.py"), "up", log="up.log")
    wait_for_port(stage.port, "/readyz", 120)
    parts = {"program": up, "PostgreSQL": psutil.Process(server.process.pid)}
    table = []
    if not quick:
        first_s = wait_until_known(stage, began)
        table.append(
            Row(
                f"(j) {PROBES} probes begin: until each has a verdict", f"{first_s:.0f} s", "", None, "", True
            )
        )
    time.sleep(20 if quick else INTERVAL_S)
    span = measure(stage, parts, PROBES, INTERVAL_S, 30 if quick else 300)
    table += rows(span)
    for interval_s in () if quick else FASTER:
        if not span.is_kept_up:
            break
        say(f"the same at {interval_s} s")
        stage.manage("shell", "-v0", "-c", FASTER_NOW.format(interval=interval_s))
        time.sleep(60)
        span = measure(stage, parts, PROBES, interval_s, 120)
        table += rows(span, is_target=False)
    return table


def seed(stage: Stage, probes: int, interval_s: int, targets: list[str], *, are_known: bool) -> None:
    """Make the probes, ten for a component. `are_known`: with the verdict that they will keep."""
    text = SEED.format(probes=probes, targets=targets, interval=interval_s, known=are_known)
    stage.manage("shell", "-v0", text=text)


def wait_until_known(stage: Stage, began: float, patience_s: float = 900) -> float:
    """How long it took until every probe had a verdict (s)."""
    while int(stage.manage("shell", "-v0", "-c", UNKNOWN).split("FOUND")[1]):
        if time.monotonic() > began + patience_s:
            raise TimeoutError("probes have no verdict:\n" + stage.last_lines("up.log"))
        time.sleep(2)
    return time.monotonic() - began


def measure(
    stage: Stage, parts: dict[str, psutil.Process], probes: int, interval_s: int, length_s: int
) -> Span:
    """Look at the program for so long; and say what its log said if nothing came of it."""
    start, before = int(time.time()), _spent(parts)
    say(f"{length_s} s at {probes} probes every {interval_s} s")
    time.sleep(max(0.0, start + length_s - time.time()))
    end, after = start + length_s, _spent(parts)
    load = os.getloadavg()[0]
    time.sleep(SETTLING_S)
    output = stage.manage("shell", "-v0", "-c", ASK.format(start=start, end=end))
    lags, outcomes = json.loads(output.split("FOUND")[1])
    if not lags:
        say("no results: the program's last lines are\n" + stage.last_lines("up.log"))
    used = {name: (after[name] - before.get(name, 0)) / length_s for name in after}
    return Span(probes, interval_s, length_s, lags, outcomes, used, load)


def rows(span: Span, *, is_target: bool = True) -> list[Row]:
    """The table's lines. Those of a faster span are no targets: they look for the limit."""
    what = f"(j) {span.probes} probes at {span.interval_s} s"
    cores = sum(span.used.values())
    checks = max(1, len(span.lags_ms))
    ends = ", ".join(
        " ".join(filter(None, (outcome, failure, str(count)))) for outcome, failure, count in span.outcomes
    )
    late, missed = span.late_ms <= MAX_LATE_MS, span.missed <= span.probes // span.interval_s
    table = [
        Row(f"{what}: due, written, missed", f"{span.due}, {len(span.lags_ms)}, {span.missed}", "", None,
            "0" if is_target else "", missed or not is_target),
        Row(f"{what}: begun late by, p99", f"{span.late_ms} ms", "", None,
            f"≤ {MAX_LATE_MS} ms" if is_target else "", late or not is_target),
        Row(f"{what}: cores used, without targets", f"{cores:.2f}", "", None,
            f"≤ {MAX_CORES}" if is_target else "", cores <= MAX_CORES or not is_target),
    ]  # fmt: skip
    table += [
        Row(
            f"{what}: {name}",
            f"{share:.1%}",
            f"{share * span.length_s / checks * 1e6:.0f} µs a check",
            None,
            "",
            True,
        )
        for name, share in sorted(span.used.items(), key=lambda item: -item[1])
        if share >= 0.002
    ]
    table.append(Row(f"{what}: load of the machine", f"{span.load:.1f}", "", None, "", True))
    return [*table, Row(f"{what}: outcomes: {ends}", "", "", None, "", True)]


def _spent(parts: dict[str, psutil.Process]) -> dict[str, float]:
    """CPU seconds so far, of each process of the program by its role, and of PostgreSQL as a whole.

    A connection of PostgreSQL that has ended is counted with the server, as children that were waited for are.
    """
    spent: dict[str, float] = {}
    for name, process in parts.items():
        if name == "PostgreSQL":
            own = process.cpu_times()
            spent[name] = cpu_s(process) + own.children_user + own.children_system
            continue
        for member in [process, *process.children(recursive=True)]:
            try:
                times = member.cpu_times()
                role = f"{_role(member)} ({member.pid})"
            except psutil.NoSuchProcess:  # a connection or a child that has just ended
                continue
            spent[role] = times.user + times.system
    return spent


def _role(process: psutil.Process) -> str:
    words = process.cmdline()
    known = ("valkey", "redis", "post", "worker", "beat", "web", "up")
    return next(
        (name for name in known if any(name in word.split("/")[-1] for word in words)), process.name()
    )


def mixed(stage: Stage, host: str = "127.0.0.1") -> list[str]:
    """A hundred targets: half HTTPS, all answer after 300 ms, some fail, one hangs."""
    from tests.certificates import make

    key, certificate = make(stage.folder, host)
    stage.more = {"SSL_CERT_FILE": str(certificate)}
    plain, secure = free_port(), free_port()
    ports = [host, str(plain), str(secure)]
    stage.start(sys.executable, "-m", "benchmarks.slow_target", *ports, str(certificate), str(key))
    wait_for_port(plain, host=host)
    paths = ["hangs"] * HANGS + ["fails"] * FAILS + ["works"] * (100 - HANGS - FAILS)
    return [
        f"https://{host}:{secure}/{path}" if number % 2 else f"http://{host}:{plain}/{path}"
        for number, path in enumerate(paths)
    ]
