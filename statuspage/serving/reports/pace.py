"""How many reports an address may send: so many a minute, all at once if need be."""

import time

MAX_KEPT = 20_000  # addresses in use lately


class Pace:
    """A bucket for each key, of this process; a full one is forgotten."""

    def __init__(self, per_minute: int) -> None:
        self.most = float(per_minute)
        self.buckets: dict[str, tuple[float, float]] = {}  # what is left, and when that was (monotonic)

    def wait_s(self, key_hash: str) -> float:
        """0 for one more report now; else how long to wait for it (s)."""
        now = time.monotonic()
        left, at = self.buckets.get(key_hash, (self.most, now))
        left = min(self.most, left + (now - at) * self.most / 60)
        if left < 1:
            return (1 - left) * 60 / self.most
        if len(self.buckets) >= MAX_KEPT:
            self._forget_full(now)
        self.buckets[key_hash] = left - 1, now
        return 0.0

    def _forget_full(self, now: float) -> None:
        full_after = 60.0
        self.buckets = {key: pair for key, pair in self.buckets.items() if now - pair[1] < full_after}
