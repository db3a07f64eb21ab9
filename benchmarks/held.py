"""(h) 10,000 WebSockets held by one worker process, beside the plain `websockets` client that holds as many."""

import json
import subprocess
import sys
import time

import httpx
import psutil

from benchmarks.tools import (
    LOAD_CORE,
    ROOT,
    SERVER_CORE,
    Row,
    Stage,
    cpu_s,
    free_port,
    memory,
    say,
    wait_for_port,
)

CONNECTIONS = 10_000
MAX_BYTES = 40 * 1024
NOTICE_S = 5
REST_S = 3  # between the last opening and the look at memory


def run(*, quick: bool) -> list[Row]:
    """Memory of each connection, time to open them, and time to notice that all were cut."""
    number = 1_000 if quick else CONNECTIONS
    with Stage() as stage:
        ours = _measure(stage, "ours", number)
        theirs = _measure(stage, "plain", number)
    name = f"(h) {number:,} held WebSockets"
    return [
        Row(
            f"{name}: memory of each, plain websockets client", f"{ours['each'] / 1024:.1f} KiB",
            f"{theirs['each'] / 1024:.1f} KiB", ours["each"] / theirs["each"], "< 40 KiB", ours["each"] < MAX_BYTES,
        ),
        Row(
            f"{name}: opened at once, until the last is open", f"{ours['open_s']:.1f} s",
            f"{theirs['open_s']:.1f} s", ours["open_s"] / theirs["open_s"], "≤ 30 s", ours["open_s"] <= 30,
        ),
        Row(
            f"{name}: CPU to open them", f"{ours['cpu_s']:.1f} s", f"{theirs['cpu_s']:.1f} s",
            ours["cpu_s"] / theirs["cpu_s"], "", True,
        ),
        Row(
            f"{name}: all cut, until all checks say so", f"{ours['notice_s'] * 1000:,.0f} ms",
            f"{theirs['notice_s'] * 1000:,.0f} ms", ours["notice_s"] / theirs["notice_s"],
            f"≤ {NOTICE_S} s", ours["notice_s"] <= NOTICE_S,
        ),
    ]  # fmt: skip


def _measure(stage: Stage, who: str, number: int) -> dict[str, float]:
    """One round, against a server of its own: everything by the clock that all processes share."""
    say(f"{number:,} WebSockets held by {who}")
    port = free_port()
    stage.start(sys.executable, "-m", "benchmarks.holding", "serve", str(port), core=LOAD_CORE)
    wait_for_port(port)
    command = [sys.executable, "-m", "benchmarks.holding", who, str(port), str(number)]
    client = subprocess.Popen(
        ["taskset", "-c", str(SERVER_CORE), *command],
        env=stage.env, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    stage.processes.append(client)  # type: ignore[arg-type]
    assert client.stdin is not None
    assert client.stdout is not None
    assert client.stdout.readline().strip() == "ready"
    process = psutil.Process(client.pid)
    before, used = memory(process), cpu_s(process)
    began = time.monotonic()
    client.stdin.write("go\n")
    client.stdin.flush()
    last_at = _until_open(port, number)
    opened_cpu = cpu_s(process) - used
    time.sleep(REST_S)
    each = (memory(process) - before) / number
    cut_at = float(httpx.get(f"http://127.0.0.1:{port}/cut", timeout=30).text)
    told = json.loads(client.stdout.readline())
    assert told["lost"] == number, told
    return {
        "each": each,
        "open_s": last_at - began,
        "cpu_s": opened_cpu,
        "notice_s": told["noticed_at"] - cut_at,
    }


def _until_open(port: int, number: int) -> float:
    """When the last one opened."""
    end = time.monotonic() + 50
    while True:
        count, last_at = httpx.get(f"http://127.0.0.1:{port}/count", timeout=30).text.split()
        if int(count) >= number:
            return float(last_at)
        assert time.monotonic() < end, f"{count} of {number} opened"
        time.sleep(0.1)
