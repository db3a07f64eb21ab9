"""(i) The bytes of checks on PostgreSQL: 1,000 probes every minute, as rows and packed, counted for 90 days."""

import json
import os
import subprocess
import sys

from benchmarks.tools import ROOT, Row, Stage, say

PROBES = 1_000
DAYS = 90
ROW_DAYS = 2  # at most at once: a day is packed when it has been over for a day
MAX_GB = 1.5


def run(*, quick: bool) -> list[Row]:
    """Two days of rows and one or three that are packed by the program, at the real density."""
    from tests.servers import PostgreSQL

    packed_days = 1 if quick else 3
    probes = PROBES // 10 if quick else PROBES
    server = PostgreSQL()
    try:
        with Stage() as stage:
            url = server.create("storage")
            say(f"filling {packed_days + ROW_DAYS} days of {probes} probes")
            command = [sys.executable, "-m", "benchmarks.storing", str(probes), str(packed_days)]
            env = {**stage.env, "DATABASE_URL": url}
            migrate = [sys.executable, str(ROOT / "manage.py"), "migrate", "-v0"]
            subprocess.run(migrate, env=env, cwd=ROOT, check=True)
            done = subprocess.run(command, env=env, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    finally:
        server.close()
    return rows(json.loads(done.stdout))


def rows(seen: dict[str, float]) -> list[Row]:
    """The table's lines. `seen`: bytes and checks of rows and packs, seconds of CPU to write and to pack them."""
    of_rows, of_packs = seen["row_bytes"] / seen["rows"], seen["pack_bytes"] / seen["packed"]
    a_day = PROBES * 1440
    pack_s = seen["pack_s"] * a_day / seen["packed_a_day"]
    gigabytes = (ROW_DAYS * a_day * of_rows + (DAYS - ROW_DAYS) * a_day * of_packs) / 1e9
    what = f"(i) {PROBES} probes at 60 s"
    return [
        Row(f"{what}: a check as a row, with its indexes", f"{of_rows:.0f} bytes", "", None, "", True),
        Row(f"{what}: a check when packed, with all around it", f"{of_packs:.2f} bytes", "", None, "", True),
        Row(
            f"{what}: {DAYS} days ({ROW_DAYS} as rows), by multiplying",
            f"{gigabytes:.2f} GB", "", None, f"≤ {MAX_GB} GB", gigabytes <= MAX_GB,
        ),
        Row(f"{what}: CPU of the program to pack a day", f"{pack_s:.0f} s", "", None, "", True),
        Row(f"{what}: checks written by COPY", f"{seen['rows_a_s']:,.0f} /CPU s",
            f"{seen['inserted_a_s']:,.0f} by INSERT", None, "", True),
    ]  # fmt: skip


if __name__ == "__main__":
    os.chdir(ROOT)
    print(*run(quick="--quick" in sys.argv), sep="\n")
