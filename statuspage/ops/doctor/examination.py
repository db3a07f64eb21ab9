"""Makes all looks at once, each in a thread under its deadline; one that hangs holds up no other."""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence

from django.db import DatabaseError, connections

from statuspage.ops.doctor.findings import Finding, Look, State, fail, first_line, printable, secrets, skip

log = logging.getLogger(__name__)
EVERY_S = 0.02


class _Running:
    """A look that is being made."""

    def __init__(self, look: Look) -> None:
        self.look = look
        self.found: list[Finding] | None = None
        self.ends_at = time.monotonic() + look.deadline_s
        threading.Thread(target=self._work, name=f"look at {look.name}", daemon=True).start()

    def _work(self) -> None:
        name = self.look.name
        try:
            found = list(self.look.run())
        except DatabaseError as error:
            found = [fail(name, f"The database did not answer this: {first_line(error)}.")]
        except Exception as error:
            log.debug("doctor.look_failed name=%s", name, exc_info=True)
            found = [fail(name, f"This could not be looked at: {type(error).__name__}: {first_line(error)}.")]
        finally:
            connections.close_all()
        self.found = found

    def late(self) -> list[Finding]:
        """The finding when its time is over."""
        limit = f"{self.look.deadline_s:g} s"
        return [fail(self.look.name, f"No answer within {limit}: it hangs.")]


def examine(
    looks: Sequence[Look], already: Sequence[Finding] = (), now: Callable[[], float] = time.monotonic
) -> Iterator[Finding]:
    """The findings in the order of the looks, each as soon as those before it are there.

    `already`: findings that were made before any look.
    """
    hidden = secrets()
    results: dict[str, list[Finding]] = {}
    running: dict[str, _Running] = {}
    waiting, shown = list(looks), 0
    yield from (printable(finding, hidden) for finding in already)
    while shown < len(looks):
        waiting = [look for look in waiting if not _begin(look, running, results)]
        for name, made in list(running.items()):
            if made.found is not None or now() >= made.ends_at:
                results[name] = made.found if made.found is not None else made.late()
                del running[name]
        while shown < len(looks) and looks[shown].name in results:
            yield from (printable(finding, hidden) for finding in results[looks[shown].name])
            shown += 1
        time.sleep(EVERY_S)


def _begin(look: Look, running: dict[str, _Running], results: dict[str, list[Finding]]) -> bool:
    """Start it once what it needs is known; it is skipped where that failed. True when it needs no more."""
    if any(name not in results for name in look.needs):
        return False
    failed = [name for name in look.needs if any(f.state is State.FAIL for f in results[name])]
    if failed:
        results[look.name] = [skip(look.name, f"Not looked at, as this failed: {failed[0]}.")]
    else:
        running[look.name] = _Running(look)
    return True
