"""How often someone may ask this process: so many at once, and so many per second from then on."""

import math
import threading
from collections import OrderedDict

MAX_KNOWN = 20_000  # the one that asked longest ago is forgotten first


class Rate:
    """Limits by key, in this process alone. `now` is monotonic seconds."""

    def __init__(self, burst: float, per_s: float) -> None:
        self.burst, self.per_s = burst, per_s
        self.left: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self.lock = threading.Lock()

    def take(self, key: str, now: float) -> bool:
        """Whether this one may ask now; counts it if so."""
        return self.wait_s(key, now) == 0

    def wait_s(self, key: str, now: float) -> float:
        """0 if this one may ask now, which is counted; else how long to wait (s)."""
        with self.lock:
            left = self._left(key, now)
            self.left[key] = (left - 1 if left >= 1 else left, now)
            self.left.move_to_end(key)
            while len(self.left) > MAX_KNOWN:
                self.left.popitem(last=False)
            if left >= 1:
                return 0.0
            return (1 - left) / self.per_s if self.per_s else math.inf

    def is_over(self, key: str, now: float) -> bool:
        """Whether nothing is left for this one; counts nothing."""
        with self.lock:
            return self._left(key, now) < 1

    def _left(self, key: str, now: float) -> float:
        left, at = self.left.get(key, (self.burst, now))
        return min(self.burst, left + max(0.0, now - at) * self.per_s)
