"""The project package, and an installed app: pages, feeds, API, console, logins, serving."""

from statuspage.celery import app as celery_app

__all__ = ["celery_app"]
