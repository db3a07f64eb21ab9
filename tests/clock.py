"""A wall clock that can be put back or on while the whole program runs (libfaketime)."""

from pathlib import Path

# libfaketime stumbles over the absolute waits of Python's sleep
SLEEP = "import select, time\ntime.sleep = lambda seconds: select.select([], [], [], seconds)\n"


class WallClock:
    """`env` for the processes that are to live by it; monotonic clocks run on as they are."""

    def __init__(self, folder: Path) -> None:
        library = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
        assert library, "libfaketime is missing: `make test` installs it, or Debian's package libfaketime"
        self.file = folder / "offset"
        self.step(0)
        site = folder / "site"
        site.mkdir()
        (site / "sitecustomize.py").write_text(SLEEP)
        self.env = {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(self.file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_DONT_RESET": "1",
            "PYTHONPATH": str(site),
        }

    def step(self, seconds: int) -> None:
        """Ahead of the true time by so many seconds, from now on."""
        self.file.write_text(f"{seconds:+d}\n")
