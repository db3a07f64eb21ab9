"""Two workers, each in a network of its own, share 10,000 probes at 20 s: checks and CPU time of each.

Not one of `python -m benchmarks`: it needs root, and makes two network namespaces for a while.

    .venv/bin/python -m benchmarks.two_workers
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import psutil

from benchmarks.__main__ import show
from benchmarks.many import PROBES, SERVER, Span, measure, mixed, rows, seed
from benchmarks.tools import ROOT, Row, Stage, say

HOST = "10.77.0.1"  # of database, broker and targets, as both networks see it
NETWORK = "10.77.0.0/16"
INTERVAL_S = 20  # 500 checks a second
LENGTH_S = 30
WARM_S = 25


def main() -> int:
    """The exit code: 0 if none was missed."""
    if os.geteuid():
        sys.exit("Two network namespaces need root.")
    from tests.servers import PostgreSQL, Valkey

    with ExitStack() as ending:
        spaces = [ending.enter_context(space(number)) for number in (1, 2)]
        server = PostgreSQL(**SERVER, listen_addresses="*")
        ending.callback(server.close)
        with (server.data / "pg_hba.conf").open("a") as rules:
            rules.write(f"host all all {NETWORK} trust\n")
        server.process.send_signal(signal.SIGHUP)
        broker = Valkey(None, "--bind", "0.0.0.0", "--protected-mode", "no")
        ending.callback(broker.close)
        stage = ending.enter_context(Stage())
        stage.database = server.create("many").replace("127.0.0.1", HOST)
        table, kept = _run(stage, spaces, psutil.Process(server.process.pid), broker.port)
    show(table)
    return 0 if kept else 1


def _run(stage: Stage, spaces: list[str], database: psutil.Process, broker: int) -> tuple[list[Row], bool]:
    targets = mixed(stage, HOST)
    stage.more |= {
        "REDIS_URL": f"redis://{HOST}:{broker}/0",
        "EGRESS_ALLOW": NETWORK,
        "WORKER_CONCURRENCY": "1",
    }
    stage.manage("migrate", "-v0")
    say(f"making {PROBES} probes")
    seed(stage, PROBES, INTERVAL_S, targets, are_known=True)
    manage = (sys.executable, str(ROOT / "manage.py"))
    parts = {"PostgreSQL": database, "beat": stage.start(*manage, "beat", log="up.log")}
    table: list[Row] = []
    spans: list[Span] = []
    for number, name in enumerate(spaces, 1):
        worker = stage.start("ip", "netns", "exec", name, *manage, "worker", log=f"{name}.log")
        parts[f"worker in {name}"] = worker
        time.sleep(WARM_S)
        before = _by_address(stage)
        spans.append(measure(stage, parts, PROBES, INTERVAL_S, LENGTH_S))
        after = _by_address(stage)
        checks = {at: after[at] - before.get(at, 0) for at in sorted(after) if at != "127.0.0.1"}
        shares = ", ".join(f"{at}: {count}" for at, count in checks.items())
        table += [
            Row(f"{number} of 2 workers: checks by worker's address: {shares}", "", "", None, "", True),
            *rows(spans[-1], is_target=False),
        ]
    return table, all(span.missed <= PROBES // INTERVAL_S for span in spans)


def _by_address(stage: Stage) -> dict[str, int]:
    counts: dict[str, int] = json.loads((stage.folder / "asked.json").read_text())
    return counts


@contextmanager
def space(number: int) -> Iterator[str]:
    """A network namespace with a cable to this machine, which is HOST there."""
    name, ours, theirs = f"statuspage{number}", f"sp-host{number}", f"sp-worker{number}"
    inside = ("ip", "netns", "exec", name)
    try:
        for command in (
            ("ip", "netns", "add", name),
            ("ip", "link", "add", ours, "type", "veth", "peer", "name", theirs),
            ("ip", "link", "set", theirs, "netns", name),
            ("ip", "addr", "add", f"10.77.{number}.1/24", "dev", ours),
            ("ip", "addr", "add", f"{HOST}/32", "dev", ours),
            ("ip", "link", "set", ours, "up"),
            (*inside, "ip", "link", "set", "lo", "up"),
            (*inside, "ip", "addr", "add", f"10.77.{number}.2/24", "dev", theirs),
            (*inside, "ip", "link", "set", theirs, "up"),
            (*inside, "ip", "route", "add", "default", "via", f"10.77.{number}.1"),
        ):
            subprocess.run(command, check=True)
        yield name
    finally:
        subprocess.run(["ip", "link", "del", ours], check=False, stderr=subprocess.DEVNULL)
        subprocess.run(["ip", "netns", "del", name], check=False, stderr=subprocess.DEVNULL)


if __name__ == "__main__":
    sys.exit(main())
