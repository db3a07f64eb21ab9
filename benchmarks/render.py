"""(e) The page's queries and render time with 10, 100 and 500 components."""

import json

from benchmarks.tools import Row, Stage, say

SIZES = (10, 100, 500)
ASK = """
import json, time
from django.db import connection
from django.utils import timezone
from statuspage.public import views
times, asked = [], []
def count(execute, sql, params, many, context):
    asked.append(sql)
    return execute(sql, params, many, context)
for _ in range({rounds}):
    asked.clear()
    began = time.perf_counter()
    with connection.execute_wrapper(count):
        now = timezone.now()
        body = views.overview.gather(now).render(now)
    times.append((time.perf_counter() - began) * 1000)
print("FOUND" + json.dumps([len(asked), sorted(times)[len(times) // 2], len(body)]))
"""


def run(*, quick: bool) -> list[Row]:
    """Queries must be the same at every size; the reference is the smallest page."""
    results = {}
    for size in SIZES:
        say(f"{size} components")
        with Stage() as stage:
            stage.fill(size)
            output = stage.manage("shell", "-v0", "-c", ASK.format(rounds=3 if quick else 9))
            results[size] = json.loads(output.split("FOUND")[1])
    queries, least, _ = results[SIZES[0]]
    return [
        Row(
            f"(e) overview of {size} components ({results[size][2] // 1024} KiB)",
            f"{results[size][0]} queries, {results[size][1]:.0f} ms",
            f"{queries} queries, {least:.0f} ms",
            results[size][1] / least,
            f"{queries} queries",
            results[size][0] == queries,
        )
        for size in SIZES
    ]
