"""What is done before the program starts on one machine, and which processes it then has.

All of it is done in a fork that ends, as migrations alone take tens of MiB that the supervisor
would keep.
"""

import contextlib
import json
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from types import FrameType

from django.apps import apps
from django.conf import settings
from django.db import connection
from django.db.models import F, FloatField, Sum
from django.db.models.functions import Cast

from statuspage.ops import interrupts
from statuspage.ops.forking import Forked, freeze, ours_alone

MAX_CHECKS_PER_S = 20.0  # of one worker that does everything: a tenth of a core
MAX_SUBSCRIBERS = 1_000  # beyond, ten thousand messages at once would delay checks
FEW, MANY, AUTO = "few", "many", "auto"
CHOICES = (AUTO, FEW, MANY)


@dataclass(frozen=True)
class Prepared:
    """What the preparation found. `login` is the first one, with its password, if it was made now."""

    login: tuple[str, str] | None
    checks_per_s: float
    subscribers: int
    valkey: str = ""  # the program of a broker of our own; its package would take 3 MiB in each process


def prepare() -> Prepared:
    """Bring the database and static files up to date. Raises StartError."""
    from components.models import Probe
    from statuspage.ops import bootstrap, supervisor
    from statuspage.ops.release import lay_out_static_files, prepare_database

    static_files = Forked(lay_out_static_files, title="statuspage prepare")  # a second of another core
    prepare_database()
    if static_files.wait():
        sys.exit("Cannot start: the static files could not be laid out.")
    login = bootstrap.prepare(settings.HOST, settings.PORT)
    rate = Sum(1.0 / Cast(F("interval_s"), FloatField()))
    checks_per_s = Probe.objects.filter(interval_s__gt=0).aggregate(rate=rate)["rate"] or 0.0
    number = apps.get_model("subscribers", "Subscriber").objects.count()
    connection.close()
    valkey = "" if os.environ.get("REDIS_URL") else str(supervisor.valkey_program())
    return Prepared(login, checks_per_s, number, valkey)


def in_a_fork(work: Callable[[], Prepared]) -> Callable[[], Prepared]:
    """Begin it in a process that then ends. What is returned waits for its result, or exits as it did.

    SIGTERM and Ctrl-C end that process, which is waited for: it takes back what it began.
    """
    return _Preparation(work).result


class _Preparation:
    def __init__(self, work: Callable[[], Prepared]) -> None:
        self.is_stopped = False
        self.reading, writing = os.pipe()

        def answer() -> int:
            freeze()
            with os.fdopen(writing, "w") as pipe:
                json.dump(asdict(work()), pipe)
            return 0

        ours_alone.add(self.reading)
        self.process = Forked(answer, title="statuspage prepare")
        self.before = {number: signal.signal(number, self._stop) for number in interrupts.ENDINGS}
        ours_alone.discard(self.reading)
        os.close(writing)

    def _stop(self, *_: int | FrameType | None) -> None:
        """Send it SIGTERM, without waiting: a signal may come in the middle of a wait."""
        self.is_stopped = True
        if self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.process.pid, signal.SIGTERM)

    def result(self) -> Prepared:
        with os.fdopen(self.reading) as pipe:
            text = pipe.read()
        code = self.process.wait()
        for number, handler in self.before.items():
            signal.signal(number, handler)
        if code < 0:
            sys.exit(f"Cannot start: the preparation was ended by signal {-code}.")
        if code:
            sys.exit(code)  # it has said why
        if self.is_stopped:  # it had just ended well
            sys.exit("Stopped before the start.")
        found = json.loads(text)
        return Prepared(**{**found, "login": tuple(found["login"]) if found["login"] else None})


def is_one_worker(choice: str, prepared: Prepared, *, has_own_broker: bool) -> bool:
    """Whether one process does the work of worker, message worker and clock.

    A broker of the operator's own is there for more machines, whose workers take their work from it.
    """
    if choice != AUTO:
        return choice == FEW
    is_small = prepared.checks_per_s <= MAX_CHECKS_PER_S and prepared.subscribers <= MAX_SUBSCRIBERS
    return is_small and not has_own_broker
