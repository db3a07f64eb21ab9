"""The pulse: notifies other processes that something changed, never what.

The only Redis in `components` and `incidents`. It may be lost at any moment: listeners also look
every few seconds, and nothing that is owed exists only here.
"""

import logging
import random
import time
from collections.abc import Callable
from threading import Event

import redis
from django.conf import settings

CHANNEL = "statuspage:pulse"  # something changed that the public can see
STAFF_CHANNEL = "statuspage:pulse:staff"  # something changed that staff alone can see
CONNECT_S = 1.0  # the longest that a web request waits for a Redis that may be down
LISTEN_S = 15.0
LOG_EVERY_S = 60.0

log = logging.getLogger(__name__)
failures = 0
_logged_at = 0.0


def send(token: int, channel: str = CHANNEL) -> None:
    """Publish that something changed; call it after the commit. Never raises, never retries."""
    global failures  # noqa: PLW0603 - a counter of this process
    client = redis.Redis.from_url(
        settings.REDIS_URL,
        socket_connect_timeout=CONNECT_S,
        socket_timeout=CONNECT_S,
        retry=None,
    )
    try:
        client.publish(channel, str(token))
    except (redis.RedisError, OSError) as error:
        failures += 1
        _log_seldom(error)
    finally:
        client.close()


def listen(on_ring: Callable[[], None], stop: Event, on_staff_ring: Callable[[], None]) -> None:
    """Call them on each notification until `stop` is set. Reconnects; each connect calls both."""
    pause = 0.5
    while not stop.is_set():
        try:
            _listen_once(on_ring, stop, on_staff_ring)
            pause = 0.5
        except (redis.RedisError, OSError) as error:
            _log_seldom(error)
            stop.wait(pause * random.uniform(0.8, 1.2))  # noqa: S311 - only spreads reconnects
            pause = min(pause * 2, 5.0)


def _listen_once(on_ring: Callable[[], None], stop: Event, on_staff_ring: Callable[[], None]) -> None:
    client = redis.Redis.from_url(
        settings.REDIS_URL,
        socket_connect_timeout=5,
        socket_timeout=LISTEN_S,
        socket_keepalive=True,
        health_check_interval=int(LISTEN_S),
    )
    try:
        with client.pubsub(ignore_subscribe_messages=True) as bell:  # type: ignore[no-untyped-call]
            bell.subscribe(CHANNEL, STAFF_CHANNEL)
            on_ring()  # what rang while we were away
            on_staff_ring()
            while not stop.is_set():
                message = bell.get_message(timeout=1.0)
                if message and message["channel"] == STAFF_CHANNEL.encode():
                    on_staff_ring()
                elif message:
                    on_ring()
    finally:
        client.close()


def _log_seldom(error: Exception) -> None:
    global _logged_at  # noqa: PLW0603
    if time.monotonic() - _logged_at > LOG_EVERY_S:
        _logged_at = time.monotonic()
        log.warning("change notifications failed (%s); readers poll instead", type(error).__name__)
