"""The doorbell: tells whoever listens that something changed, never what.

The only Redis in the domain. It may be lost at any moment: who listens also
looks for himself every few seconds, and nothing owed lives only here.
"""

import logging
import random
import time
from collections.abc import Callable
from threading import Event

import redis
from django.conf import settings

CHANNEL = "statuspage:pulse"
CONNECT_S = 1.0  # a web request never waits longer for a bell that may be broken
LISTEN_S = 15.0
LOG_EVERY_S = 60.0

log = logging.getLogger(__name__)
failures = 0
_logged_at = 0.0


def send(token: int) -> None:
    """Ring, once what is to be told is committed. Never raises, never retries."""
    global failures  # noqa: PLW0603 - a counter of this process
    client = redis.Redis.from_url(
        settings.REDIS_URL,
        socket_connect_timeout=CONNECT_S,
        socket_timeout=CONNECT_S,
        retry=None,
    )
    try:
        client.publish(CHANNEL, str(token))
    except (redis.RedisError, OSError) as error:
        failures += 1
        _log_seldom(error)
    finally:
        client.close()


def listen(on_ring: Callable[[], None], stop: Event) -> None:
    """Call `on_ring` for each ring until `stop` is set. Connects again for ever; rings on each connect."""
    pause = 0.5
    while not stop.is_set():
        try:
            _listen_once(on_ring, stop)
            pause = 0.5
        except (redis.RedisError, OSError) as error:
            _log_seldom(error)
            stop.wait(pause * random.uniform(0.8, 1.2))  # noqa: S311 - only spreads reconnects
            pause = min(pause * 2, 5.0)


def _listen_once(on_ring: Callable[[], None], stop: Event) -> None:
    client = redis.Redis.from_url(
        settings.REDIS_URL,
        socket_connect_timeout=5,
        socket_timeout=LISTEN_S,
        socket_keepalive=True,
        health_check_interval=int(LISTEN_S),
    )
    try:
        with client.pubsub(ignore_subscribe_messages=True) as bell:  # type: ignore[no-untyped-call]
            bell.subscribe(CHANNEL)
            on_ring()  # what rang while we were away
            while not stop.is_set():
                if bell.get_message(timeout=1.0):
                    on_ring()
    finally:
        client.close()


def _log_seldom(error: Exception) -> None:
    global _logged_at  # noqa: PLW0603
    if time.monotonic() - _logged_at > LOG_EVERY_S:
        _logged_at = time.monotonic()
        log.warning("the doorbell is broken (%s); readers look for themselves", type(error).__name__)
