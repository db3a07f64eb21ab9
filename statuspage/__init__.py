"""The face: project package and installed app."""

from statuspage.celery import app as celery_app

__all__ = ["celery_app"]
