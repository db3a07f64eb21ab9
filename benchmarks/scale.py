"""(c) 1,000 probes at 60 seconds through the real worker, broker and database."""

import json
import sys
import time

from benchmarks.tools import ROOT, Row, Stage, cpu_s, free_port, say, wait_for_port

PROBES = 1_000
INTERVAL_S = 60
SEED = """
from components.models import Component, Probe
for n in range({probes}):
    one = Component.objects.create(name=f"Target {{n}}", position=n + 10)
    Probe.objects.create(component=one, kind="http", target="http://127.0.0.1:{port}/", interval_s={interval})
"""
ASK = """
import json
from components.models import Check
rows = list(Check.objects.filter(probe__component__name__startswith="Target", slot__gte={start}, slot__lt={end})
            .values_list("probe_id", "slot", "lag_ms", "outcome"))
print("FOUND" + json.dumps(rows))
"""


def run(*, quick: bool) -> list[Row]:
    """No check missed or repeated, 99 % begun within a second of their slot, in under a quarter of a core."""
    minutes = 2 if quick else 5
    with Stage() as stage:
        target = free_port()
        stage.nginx(f'listen 127.0.0.1:{target} backlog=4096; location / {{ return 200 "well"; }}', core=None)
        wait_for_port(target)
        up = stage.start(sys.executable, str(ROOT / "manage.py"), "up")
        wait_for_port(stage.port, "/readyz", 60)
        stage.manage("shell", "-v0", text=SEED.format(probes=PROBES, port=target, interval=INTERVAL_S))
        say("every probe runs once, then takes its own second")
        time.sleep(INTERVAL_S + 10)
        worker = next(process for process in up.children() if " worker " in " ".join(process.cmdline()))
        start, used, all_used = int(time.time()), cpu_s(worker), cpu_s(up)
        for minute in range(minutes):
            say(f"minute {minute + 1} of {minutes}")
            time.sleep(INTERVAL_S)
        end = start + minutes * INTERVAL_S
        share = (cpu_s(worker) - used) / (end - start)
        whole = (cpu_s(up) - all_used) / (end - start)
        time.sleep(5)
        output = stage.manage("shell", "-v0", "-c", ASK.format(start=start, end=end))
        rows = json.loads(output.split("FOUND")[1])
    lags = sorted(lag for _, _, lag, _ in rows)
    late = lags[int(len(lags) * 0.99)] if lags else 10**9
    missed = PROBES * minutes - len(rows)
    wrong = sum(outcome != "up" for *_, outcome in rows)
    what = f"(c) {PROBES} probes at {INTERVAL_S} s, {minutes} min"
    return [
        Row(f"{what}: missed, or wrong", f"{missed}, {wrong}", "", None, "0, 0", missed == wrong == 0),
        Row(f"{what}: begun late by, p99", f"{late} ms", "", None, "≤ 1000 ms", late <= 1000),
        Row(
            f"{what}: worker's share of a core",
            f"{share:.1%}",
            f"all of it {whole:.1%}",
            None,
            "< 25 %",
            share < 0.25,
        ),
    ]
