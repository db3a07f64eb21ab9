"""The end of a pipe that we read, line by line and without waiting."""

import os

from statuspage.ops import forking

MAX_LINE = 64 * 1024  # bytes kept of a line that does not end


class Pipe:
    """What another process writes. `number` is the open file; it is closed once nothing more can come."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.is_open = True
        self._rest = b""  # the beginning of a line
        os.set_blocking(number, False)
        forking.ours_alone.add(number)

    @classmethod
    def make(cls) -> tuple["Pipe", int]:
        """A new pipe: our end, and the open file that the other process writes to."""
        reading, writing = os.pipe()
        return cls(reading), writing

    def lines(self) -> list[str]:
        """The lines that have come since the last time."""
        if not self.is_open:
            return []
        try:
            data = os.read(self.number, MAX_LINE)
        except BlockingIOError:
            return []
        *lines, rest = (self._rest + data).split(b"\n")
        self._rest = rest[-MAX_LINE:] if data else b""
        if not data:
            self.close()
            lines += [rest] if rest else []
        return [line.decode(errors="replace").rstrip() for line in lines]

    def close(self) -> None:
        """Read no more of it."""
        if self.is_open:
            self.is_open = False
            forking.ours_alone.discard(self.number)
            os.close(self.number)
