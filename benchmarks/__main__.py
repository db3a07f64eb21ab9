"""Run the named benchmarks, or all, and print one table. `--quick` for a rough result."""

import argparse
import signal
import sys
from types import ModuleType

from benchmarks import checks, console, deliveries, held, many, memory, page, render, scale, storage, streams
from benchmarks.tools import Row, have_references, say

ALL: dict[str, ModuleType] = {
    "page": page,
    "checks": checks,
    "scale": scale,
    "streams": streams,
    "held": held,
    "memory": memory,
    "render": render,
    "console": console,
    "deliveries": deliveries,
    "storage": storage,
    "many": many,
}


def main() -> int:
    """The exit code: 0 if all targets are met."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("names", nargs="*", help=f"any of {', '.join(ALL)}")
    parser.add_argument("--quick", action="store_true", help="shorter, and less to be trusted")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(ALL):
        parser.error(f"there is no measurement {', '.join(sorted(unknown))}: choose of {', '.join(ALL)}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    have_references()
    rows: list[Row] = []
    for name in arguments.names or ALL:
        say(f"{name}: {(ALL[name].__doc__ or '').strip()}")
        results = ALL[name].run(quick=arguments.quick)
        show(results)
        rows += results
    if len(arguments.names) != 1:
        print()
        show(rows)
    return 0 if all(row.holds for row in rows) else 1


def show(rows: list[Row]) -> None:
    """Print a table, one line per figure."""
    print(f"{'figure':<64} {'ours':>22} {'reference':>22} {'ratio':>7} {'wanted':>11}")
    for row in rows:
        share = f"{row.ratio:.2f}" if row.ratio is not None else ""
        mark = "" if row.holds else "  NOT MET"
        print(
            f"{row.what:<64} {row.ours:>22} {row.reference:>22} {share:>7} {row.wanted:>11}{mark}", flush=True
        )


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
