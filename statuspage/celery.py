"""Celery: workers, queues and the schedule. Rows are the queue; messages only make it quick."""

import os
from datetime import datetime
from typing import Any

from celery import Celery
from celery.schedules import schedstate, schedule
from celery.signals import (
    beat_embedded_init,
    beat_init,
    setup_logging,
    task_postrun,
    task_prerun,
    worker_init,
)
from kombu import Queue

from statuspage.ops import private_files

private_files.begin()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "statuspage.settings")

app = Celery("statuspage")
_contexts: dict[str, Any] = {}

AFTER_S = 0.02  # into the second: the clock of beat runs 10 ms early, to make up for its own work


class EachSecond(schedule):
    """Once a second, as soon as it begins.

    Slots are whole seconds. Ticks at the fraction of a second at which beat was started would
    begin every check up to a second late.
    """

    def is_due(self, last_run_at: datetime) -> schedstate:
        """Whether a second has begun since, and how long until the next one does (s)."""
        now = self.now()
        is_new = int(now.timestamp()) != int(last_run_at.timestamp())
        return schedstate(is_new, 1 - now.microsecond / 1e6 + AFTER_S)


@worker_init.connect
@beat_init.connect
def keep_files_private(**_: Any) -> None:
    """Keep files private in a process that was started without `up`."""
    from django.conf import settings

    private_files.keep(settings.VAR_DIR)


@beat_init.connect
@beat_embedded_init.connect
def report_beat(**_: Any) -> None:
    """Have the heartbeat of the clock written."""
    from components import loops

    loops.report("beat")


@setup_logging.connect
def keep_logging(**_: Any) -> None:
    """Keep Django's logging setup: Celery would raise the level of all loggers to its own."""


@task_prerun.connect
def begin_log_context(task_id: str = "", **_: Any) -> None:
    """Add the task's id to what is logged until it ends."""
    from components import event_log

    context = event_log.within(task=task_id[:8])
    context.__enter__()
    _contexts[task_id] = context


@task_postrun.connect
def end_log_context(task_id: str = "", **_: Any) -> None:
    """End the log context of the task."""
    if (context := _contexts.pop(task_id, None)) is not None:
        context.__exit__(None, None, None)


@app.on_configure.connect
def configure(sender: Any, **_: Any) -> None:
    """Settings that keep a worker consuming after the broker came back (each was measured)."""
    from django.conf import settings

    sender.conf.update(
        broker_url=settings.REDIS_URL,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options={
            "socket_timeout": 15,
            "socket_connect_timeout": 5,
            "socket_keepalive": True,
            "socket_keepalive_options": {4: 5, 5: 3, 6: 3},
            "unacked_restore_interval": 5,
            "unacked_restore_throttle": 1,
        },
        task_default_queue="celery",
        # a worker started with no queues named does the book-keeping, its own region's checks, and the post
        task_queues=[Queue("celery"), Queue(f"probes.{settings.REGION}"), Queue("post")],
        task_routes={"subscribers.*": {"queue": "post"}},
        task_create_missing_queues=True,
        task_ignore_result=True,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_serializer="json",
        accept_content=["json"],
        worker_prefetch_multiplier=1,
        worker_concurrency=settings.WORKER_CONCURRENCY,
        worker_hijack_root_logger=False,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        task_soft_time_limit=30,
        task_time_limit=45,
        beat_scheduler="statuspage.ops.beat_clock:Metronome",
        worker_redirect_stdouts=False,  # else each line of a traceback becomes a warning of its own
        timezone="UTC",
        beat_max_loop_interval=1,
        beat_schedule={
            # a tick older than a few seconds is worth nothing: the next one does its work
            "tick": {"task": "incidents.tick", "schedule": EachSecond(1.0), "options": {"expires": 5}},
            "sort_post": {"task": "subscribers.sort_post", "schedule": 1.0, "options": {"expires": 5}},
            # beside the post, not beside the checks
            "hooks": {
                "task": "incidents.watch_hooks",
                "schedule": 5.0,
                "options": {"expires": 5, "queue": "post"},
            },
            "prune_post": {"task": "subscribers.prune", "schedule": 3600.0, "options": {"expires": 3600}},
            "roll_up": {"task": "components.roll_up", "schedule": 60.0, "options": {"expires": 60}},
            # after the tallies of the minute are there; before them it waits for the next one
            "excused": {"task": "incidents.roll_up", "schedule": 60.0, "options": {"expires": 60}},
            "series": {"task": "incidents.plan_ahead", "schedule": 3600.0, "options": {"expires": 3600}},
            "prune_acts": {"task": "incidents.prune", "schedule": 3600.0, "options": {"expires": 3600}},
            # where messages are sent: to gather a month takes a second or two that checks should not wait for
            "reports": {
                "task": "statuspage.make_reports",
                "schedule": 300.0,
                "options": {"expires": 300, "queue": "post"},
            },
            "pack_checks": {"task": "components.pack_checks", "schedule": 60.0, "options": {"expires": 60}},
            "prune": {"task": "components.prune", "schedule": 3600.0, "options": {"expires": 3600}},
        },
    )


app.autodiscover_tasks()
