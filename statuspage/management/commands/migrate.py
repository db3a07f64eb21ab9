"""Django's `manage.py migrate`, which SIGTERM ends as Ctrl-C does."""

from statuspage.ops.release import Migrate


class Command(Migrate):
    pass
