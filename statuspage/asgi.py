"""The web application: Django set up, and the front door before it."""

import os

import django

from statuspage.ops import private_files

private_files.begin()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "statuspage.settings")
django.setup()  # any server may import us first

from a2wsgi import WSGIMiddleware
from django.conf import settings

from statuspage.serving.door import Door
from statuspage.serving.event_stream import Streams, serve_here
from statuspage.serving.snapshot import Snapshot
from statuspage.wsgi import application as django_application

DJANGO_THREADS = 10

private_files.keep(settings.VAR_DIR)
application = Door(
    WSGIMiddleware(django_application, workers=DJANGO_THREADS),  # type: ignore[arg-type]
    Snapshot(settings.SNAPSHOT_DIR),
    serve_here(Streams(settings.STREAMS_MAX, each=settings.STREAMS_PER_ADDRESS)),
)
