"""How many connections one process may hold open, so that held ones leave sockets to all other checks."""

import resource
import threading
from collections.abc import Iterator
from contextlib import contextmanager

MAX_HELD = 20_000
SPARE_FILES = 3_000  # for the checks beside them (MAX_CONCURRENT) and the process itself


class NoPlaceError(Exception):
    """This process has too many connections open already."""


class _Taken:
    """Of this process."""

    count = 0
    lock = threading.Lock()


@contextmanager
def places(number: int) -> Iterator[None]:
    """So many for as long as this lasts. Raises NoPlaceError, with a sentence."""
    with _Taken.lock:
        most = _most()
        if number > 1 and _Taken.count + number > most:
            raise NoPlaceError(
                f"This worker holds {_Taken.count:,} of at most {max(0, most):,} connections already: raise"
                f" its limit of open files (ulimit -n), or spread the checks."
            )
        _Taken.count += number
    try:
        yield
    finally:
        with _Taken.lock:
            _Taken.count -= number


def _most() -> int:
    """What the limit of open files leaves; the soft one is raised to the hard one first."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    files = MAX_HELD + SPARE_FILES if hard == resource.RLIM_INFINITY else hard
    return min(MAX_HELD, files - min(SPARE_FILES, files // 2))
