"""Which second a probe is checked in: a fixed place per probe, never all at :00.

Slots are whole seconds since 1970 (UTC). A probe of interval n is checked in every
second s with `s % n == place`, so a slot can be named before, during and after
the check, and two ticks mean the same one.
"""

# The golden ratio spreads consecutive ids evenly over any interval (Knuth, TAOCP 3, 6.4).
GOLDEN = 0.6180339887498949


def place(key: int, interval_s: int) -> int:
    """The second within the interval for this id, 0 to interval_s - 1."""
    return int((key * GOLDEN) % 1 * interval_s)
