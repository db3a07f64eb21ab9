"""What goes wrong with backups, in sentences, and how progress is shown."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SAY_EVERY_S = 5.0


class BackupError(Exception):
    """Why a copy cannot be made, trusted or put back, in a sentence."""


class Progress:
    """Says what is being done, and every few seconds that it still goes on. `say` takes a line."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say = say
        self.part = ""  # such as "40 %", where it is known

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        """Announce a step that may take long."""
        self.part = ""
        self.say(f"{what} …")
        done, began = threading.Event(), time.monotonic()

        def repeat() -> None:
            while not done.wait(SAY_EVERY_S):
                self.say(f"  {self.part or 'still working'} after {time.monotonic() - began:.0f} s")

        thread = threading.Thread(target=repeat, daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()
