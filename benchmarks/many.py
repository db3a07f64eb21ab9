"""(j) 10,000 probes at 60 s through the whole program with PostgreSQL: missed, late, and who used the cores."""

import json
import subprocess
import sys
import time
from typing import Any

import psutil

from benchmarks.tools import ROOT, Row, Stage, cpu_s, free_port, say, wait_for_port

PROBES = 10_000
INTERVAL_S = 60
MAX_CORES = 1.2
SEED = """
from components.models import Component, Probe
components = Component.objects.bulk_create(
    Component(name=f"Target {{n}}", position=n + 10, auto_incidents="off") for n in range({probes} // 10)
)
kinds = {targets}
probes = Probe.objects.bulk_create([
    Probe(component=components[n // 10], kind="http", target=kinds[n % len(kinds)], interval_s={interval},
          region="local", phase_s=n % {interval}, next_slot={first} + n % {interval})
    for n in range({probes})
], batch_size=1000)
"""
ASK = """
import json
from django.db.models import Count, Q
from components.models import Check
rows = Check.objects.filter(probe__component__name__startswith="Target", slot__gte={start}, slot__lt={end})
print("FOUND" + json.dumps([list(rows.values_list("lag_ms", flat=True)),
    list(rows.values_list("outcome", "failure").annotate(Count("slot")))]))
"""
HANGS, FAILS = 1, 2  # of a hundred


def run(*, quick: bool) -> list[Row]:
    """Five minutes, half HTTPS, 300 ms answers, 2 % failing, 1 % hanging; quick: 60 s, plain targets."""
    from tests.servers import PostgreSQL

    server = PostgreSQL(shared_buffers="256MB")
    try:
        with Stage() as stage:
            stage.database = server.create("many")
            return _run(stage, server, quick=quick)
    finally:
        server.close()


def _run(stage: Stage, server: Any, *, quick: bool) -> list[Row]:
    length_s = 60 if quick else 300
    targets = _plain(stage) if quick else _mixed(stage)
    up = stage.start(sys.executable, str(ROOT / "manage.py"), "up")
    wait_for_port(stage.port, "/readyz", 120)
    first = int(time.time()) + 30
    say(f"making {PROBES} probes")
    stage.manage(
        "shell", "-v0", text=SEED.format(probes=PROBES, targets=targets, interval=INTERVAL_S, first=first)
    )
    time.sleep(max(0, first - time.time()) + (15 if quick else INTERVAL_S))
    parts = {"program": up, "PostgreSQL": psutil.Process(server.process.pid)}
    start, before = int(time.time()), _spent(parts)
    say(f"{length_s} s at {PROBES} probes")
    time.sleep(length_s)
    end, after = int(time.time()), _spent(parts)
    time.sleep(15)
    output = stage.manage("shell", "-v0", "-c", ASK.format(start=start, end=end))
    lags, outcomes = json.loads(output.split("FOUND")[1])
    due = PROBES * (end - start) // INTERVAL_S
    used = {name: (after[name] - before.get(name, 0)) / (end - start) for name in after}
    return rows(due, lags, outcomes, used)


def rows(due: int, lags: list[int], outcomes: list[Any], used: dict[str, float]) -> list[Row]:
    """The table's lines. `used`: cores by process."""
    late = sorted(lags)[int(len(lags) * 0.99)] if lags else 10**9
    # a slot at either end may fall to the other side of the second
    missed = max(0, due - len(lags))
    cores = sum(used.values())
    what = f"(j) {PROBES} probes at {INTERVAL_S} s"
    ends = ", ".join(
        f"{outcome} {failure} {count}".replace("  ", " ") for outcome, failure, count in outcomes
    )
    table = [
        Row(f"{what}: due, written, missed", f"{due}, {len(lags)}, {missed}", "", None, "0",
            missed <= PROBES // INTERVAL_S),
        Row(f"{what}: begun late by, p99", f"{late} ms", "", None, "≤ 1000 ms", late <= 1000),
        Row(f"{what}: cores used, without targets", f"{cores:.2f}", "", None, f"≤ {MAX_CORES}", cores <= MAX_CORES),
    ]  # fmt: skip
    table += [
        Row(f"{what}: of these, {name}", f"{share:.1%}", "", None, "", True)
        for name, share in sorted(used.items(), key=lambda item: -item[1])
        if share >= 0.002
    ]
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
            times = member.cpu_times()
            role = f"{_role(member)} ({member.pid})"
            spent[role] = times.user + times.system
    return spent


def _role(process: psutil.Process) -> str:
    words = process.cmdline()
    known = ("valkey", "redis", "worker", "beat", "web", "up")
    return next(
        (name for name in known if any(name in word.split("/")[-1] for word in words)), process.name()
    )


def _plain(stage: Stage) -> list[str]:
    """A local nginx that answers at once."""
    port = free_port()
    stage.nginx(f'listen 127.0.0.1:{port} backlog=4096; location / {{ return 200 "well"; }}', core=None)
    wait_for_port(port)
    return [f"http://127.0.0.1:{port}/"]


def _mixed(stage: Stage) -> list[str]:
    """A hundred targets: half HTTPS, all answer after 300 ms, some fail, one hangs."""
    from tests.certificates import make

    key, certificate = make(stage.folder, "127.0.0.1")
    stage.more = {"SSL_CERT_FILE": str(certificate)}
    plain, secure = free_port(), free_port()
    command = [
        sys.executable,
        "-m",
        "benchmarks.slow_target",
        str(plain),
        str(secure),
        str(certificate),
        str(key),
    ]
    stage.start(*command)
    wait_for_port(plain)
    paths = ["hangs"] * HANGS + ["fails"] * FAILS + ["works"] * (100 - HANGS - FAILS)
    return [
        f"https://127.0.0.1:{secure}/{path}" if number % 2 else f"http://127.0.0.1:{plain}/{path}"
        for number, path in enumerate(paths)
    ]


if __name__ == "__main__":
    subprocess.run([sys.executable, "-m", "benchmarks", "many", *sys.argv[1:]], check=False)
