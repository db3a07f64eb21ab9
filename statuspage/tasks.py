"""Periodic tasks of the page."""

from celery import shared_task
from django.db import OperationalError

from components.clock import database_now
from statuspage.public import monthly_report


@shared_task(name="statuspage.make_reports", ignore_result=True, throws=(OperationalError,))
def make_reports() -> None:
    """Make the reports of months that are over, for those who asked for them by mail."""
    monthly_report.make(database_now())
