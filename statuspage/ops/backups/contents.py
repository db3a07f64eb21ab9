"""Whether a copy is ours, and not newer than this program: told by its tables and migrations."""

from collections.abc import Iterable

from django.apps import apps
from django.db.migrations.loader import MigrationLoader

from statuspage.ops.backups.errors import BackupError

OURS = frozenset({"components_page", "django_migrations", "subscribers_subscriber"})

Migration = tuple[str, str]  # app and name


def refuse_foreign(tables: Iterable[str], file: object) -> None:
    """Raises BackupError unless these are the tables of a status page."""
    if missing := OURS - set(tables):
        raise BackupError(
            f"{file} is not a backup of a status page: the table {min(missing)} is missing. Name a file"
            " that manage.py backup wrote."
        )


def refuse_newer(applied: Iterable[Migration], file: object) -> None:
    """Raises BackupError if one of our migrations in the copy is not known to this program."""
    known = set(MigrationLoader(None, ignore_no_migrations=True).disk_migrations)
    own_apps = {app for app, _ in known}
    newer = sorted(f"{app}.{name}" for app, name in applied if app in own_apps and (app, name) not in known)
    if newer:
        raise BackupError(
            f"{file} was made by a newer version of this program (it has {newer[-1]}):"
            " update the program, then restore."
        )


def own_prefixes() -> tuple[str, ...]:
    """How the names of our tables begin, by the apps of this program."""
    return ("django_", *(f"{config.label}_" for config in apps.get_app_configs()))
