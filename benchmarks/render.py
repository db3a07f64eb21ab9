"""(e) A change of one component, until the page's bytes are ready, with 10, 100 and 500 components."""

import json

from benchmarks.tools import Row, Stage, say

SIZES = (10, 100, 500)
MAX_MS = 60  # of one core
# As a web process does it: a component changes, the version moves, and the front page is made and compressed
# for what is shown now; then its later ages. The reference in the same process is a start from nothing.
ASK = """
import json, time
from pathlib import Path
from django.conf import settings
from django.db import connection
from django.utils import timezone
from components.models import Component
from components.status import Status
from statuspage.public import kept_days, kept_rows
from statuspage.serving.snapshot import Snapshot
snapshot = Snapshot(Path(settings.SNAPSHOT_DIR))
asked = []
def count(execute, sql, params, many, context):
    asked.append(sql)
    return execute(sql, params, many, context)
def make():
    asked.clear()
    with connection.execute_wrapper(count):
        began = time.process_time()
        rendering = snapshot.begin("/")
        first = time.process_time()
        rendering.whole()
        whole = time.process_time()
    return len(asked), (first - began) * 1000, (whole - began) * 1000, len(rendering.shown.plain)
components = list(Component.objects.order_by("position"))
def change(number):
    status = Status.DEGRADED_PERFORMANCE if number % 2 else Status.OPERATIONAL
    components[number // 2 % len(components)].show(status, timezone.now())
make()
changed, anew = [], []
for number in range({rounds}):
    change(number)
    changed.append(make())
    if number % 3 == 0:
        kept_days.clear()
        kept_rows.clear()
        anew.append(make())
def middle(rows, place):
    return sorted(row[place] for row in rows)[len(rows) // 2]
print("FOUND" + json.dumps([[middle(rows, place) for place in range(4)] for rows in (changed, anew)]))
"""


def run(*, quick: bool) -> list[Row]:
    """CPU time of the process; queries must be the same at every size."""
    results = {}
    for size in SIZES:
        say(f"{size} components")
        with Stage() as stage:
            stage.fill(size)
            output = stage.manage("shell", "-v0", "-c", ASK.format(rounds=6 if quick else 30))
            results[size] = json.loads(output.split("FOUND")[1])
    wanted = results[SIZES[0]][0][0]
    return [row for size in SIZES for row in _rows(size, *results[size], wanted)]


def _rows(size: int, changed: list[float], anew: list[float], wanted: float) -> list[Row]:
    (queries, first, whole, length), (_, first_anew, whole_anew, _) = changed, anew
    name = f"(e) one of {size} components changes ({length // 1024:.0f} KiB)"
    is_same = queries == wanted
    return [
        Row(
            f"{name}: bytes ready",
            f"{queries:.0f} queries, {first:.0f} ms",
            f"from nothing {first_anew:.0f} ms",
            first / first_anew,
            f"{wanted:.0f} queries, ≤ {MAX_MS} ms",
            is_same and first <= MAX_MS,
        ),
        Row(
            f"{name}: in all its ages",
            f"{whole:.0f} ms",
            f"from nothing {whole_anew:.0f} ms",
            whole / whole_anew,
            "",
            True,
        ),
    ]
