"""Tasks that fan notices out and wake the dispatcher. Rows are the queue; tasks only wake."""

import logging
import platform
from typing import Any

from celery import current_task, shared_task
from celery.signals import worker_process_shutdown, worker_shutdown
from django.conf import settings
from django.db import OperationalError

from components import egress, loops
from components.clock import database_now
from components.models import Heartbeat
from incidents import alerting
from subscribers import channels, operator_subscribers
from subscribers.delivery import fan_out, leases
from subscribers.delivery.dispatcher import Dispatcher

log = logging.getLogger(__name__)
DRAIN_S = 5.0  # messages still in flight then are sent again by another worker, under the same id


@shared_task(name="subscribers.sort_post", ignore_result=True, throws=(OperationalError,))
def sort_post() -> None:
    """Create deliveries for due notices, and wake the dispatcher."""
    now = database_now()
    if (back := Heartbeat.objects.set_back("post", now)) is not None:
        leases.set_back(now, back)
    Heartbeat.objects.beat("post", _hostname(), now)
    operator_subscribers.follow(settings.APPRISE_URLS, now)
    fan_out.note_changes(now)
    fan_out.sort(now)
    fan_out.sweep()
    postman().wake()
    alerting.start()
    loops.report(_hostname())


@shared_task(name="subscribers.prune", ignore_result=True, throws=(OperationalError,))
def prune() -> None:
    """Delete old log entries and former subscribers."""
    fan_out.forget_old(database_now())


_postman: Dispatcher | None = None


def postman() -> Dispatcher:
    """The dispatcher of this worker process, started with its first task."""
    global _postman  # noqa: PLW0603 - one loop per process, made after the fork
    if _postman is None:
        _postman = Dispatcher(channels.senders(), egress=egress.through(egress.Door.SUBSCRIBERS))
    return _postman


def _hostname() -> str:
    return getattr(getattr(current_task, "request", None), "hostname", None) or platform.node()


@worker_process_shutdown.connect
@worker_shutdown.connect
def drain(**_: Any) -> None:
    """Finish the messages that are in flight, and remove this process's heartbeats."""
    if _postman is not None:
        _postman.drain(DRAIN_S)
    loops.leave()


loops.at_end(drain)
