"""SIGTERM ends what must not be left half done as Ctrl-C does: by an exception, so that it can clean up."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

ENDINGS = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def as_ctrl_c() -> Iterator[None]:
    """Both signals raise KeyboardInterrupt in here, but only the first one: cleaning up is not interrupted.

    One that is ignored, as SIGINT is in the background of a shell, stays so. Only the main thread may say
    what signals do; in any other one this does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    is_ending = False

    def end(*_: int | FrameType | None) -> None:
        nonlocal is_ending
        if not is_ending:
            is_ending = True
            raise KeyboardInterrupt

    handled = [number for number in ENDINGS if signal.getsignal(number) not in (signal.SIG_IGN, None)]
    before = {number: signal.signal(number, end) for number in handled}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
