"""What the fault tests share: how long they run, a line of figures each, a page under load."""

import asyncio
import os
import statistics
import threading
import time
from contextlib import nullcontext

import httpx
import pytest

OUTPUT = None  # what captures output; set in tests/conftest.py
IS_LONG = os.environ.get("FAULTS") == "long"


def length(short, long):
    """A duration or a count: short in `make test`, long in `make faults`."""
    return long if IS_LONG else short


only_long = pytest.mark.skipif(not IS_LONG, reason="in the long form only: make faults")


def report(check: int | str, **figures) -> None:
    """One line: which check of the catalogue, and what was seen; pytest does not keep it back."""
    words = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in figures.items())
    with OUTPUT.global_and_fixture_disabled() if OUTPUT else nullcontext():
        print(f"\n  check {check:>2}: {words}", flush=True)


def p99(values) -> float:
    return statistics.quantiles(values, n=100)[98] if len(values) > 1 else max(values, default=0.0)


class Readers:
    """Readers who ask for these addresses 20 times a second, and write down what they got."""

    def __init__(self, url: str, paths: list[str]) -> None:
        self.url, self.paths = url, paths
        self.codes: list[int] = []
        self.took_ms: list[float] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._read()), daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join(30)

    async def _read(self) -> None:
        async with httpx.AsyncClient(base_url=self.url, timeout=5) as client:
            turn = 0
            while not self._stop.is_set():
                path, turn = self.paths[turn % len(self.paths)], turn + 1
                began = time.perf_counter()
                try:
                    self.codes.append((await client.get(path)).status_code)
                except httpx.HTTPError:
                    self.codes.append(0)
                self.took_ms.append((time.perf_counter() - began) * 1000)
                await asyncio.sleep(0.05)

    def report(self, check: int, **more) -> None:
        bad = sum(code != 200 for code in self.codes)
        report(check, asked=len(self.codes), not_200=bad, p99_ms=round(p99(self.took_ms)), **more)
