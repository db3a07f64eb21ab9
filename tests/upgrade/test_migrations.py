"""What a migration may do, so that the version before goes on serving while it runs, and after it."""

import inspect
import re

import pytest
from django.db import connection, migrations
from django.db.migrations.loader import MigrationLoader
from django.db.models import NOT_PROVIDED

# the last of each app in the first version with subscribers (versions.py): the rules hold from there on
BASE = {"components": 3, "incidents": 7, "subscribers": 3, "statuspage": 4}
TAKES_AWAY = (
    migrations.RemoveField, migrations.DeleteModel, migrations.RenameModel, migrations.AlterModelTable,
    migrations.RemoveConstraint, migrations.RunSQL,
)  # fmt: skip
OF_FIELDS = (migrations.AddField, migrations.AlterField, migrations.RenameField)
RAW_SQL = re.compile(r"\b(DROP|RENAME)\s+(TABLE|COLUMN|TO)\b|\bSET NOT NULL\b", re.IGNORECASE)
LOADER = MigrationLoader(None)
NEWER = sorted(
    key for key in LOADER.disk_migrations if key[0] in BASE and int(key[1].partition("_")[0]) > BASE[key[0]]
)


def faults(migration, state):
    """Sentences about what the version before could not live with. `state`: before this migration."""
    made = {op.name_lower for op in migration.operations if isinstance(op, migrations.CreateModel)}
    for operation in migration.operations:
        after = state.clone()
        operation.state_forwards(migration.app_label, after)
        if isinstance(operation, TAKES_AWAY):
            yield f"{operation.describe()}: the version before still uses it"
        elif isinstance(operation, OF_FIELDS) and operation.model_name_lower not in made:
            yield from faults_of_field(migration.app_label, operation, state, after)
        state = after
    if not migration.atomic:
        yield "not atomic: an attempt that waited too long for a lock could not be repeated"
    if RAW_SQL.search(inspect.getsource(inspect.getmodule(type(migration)))):
        yield "its SQL takes something away"


def faults_of_field(app, operation, state, after):
    name = getattr(operation, "new_name", operation.name if hasattr(operation, "name") else "")
    field = after.apps.get_model(app, operation.model_name)._meta.get_field(name)
    if isinstance(operation, migrations.AddField):
        if not (field.many_to_many or field.null or field.db_default is not NOT_PROVIDED):
            yield f"{operation.describe()}: needs a db_default, as the version before does not fill it"
        return
    old_name = getattr(operation, "old_name", name)
    old = state.apps.get_model(app, operation.model_name)._meta.get_field(old_name)
    if field.column != old.column:
        yield f"{operation.describe()}: the column is called {old.column} in the version before (db_column)"
    if old.null and not field.null:
        yield f"{operation.describe()}: the version before writes NULL there"
    if (field.max_length or 0) < (
        old.max_length or 0
    ) or old.get_internal_type() != field.get_internal_type():
        yield f"{operation.describe()}: the version before writes what no longer fits"


@pytest.mark.parametrize(("app", "name"), NEWER, ids=[f"{app}-{name}" for app, name in NEWER])
def test_the_version_before_can_go_on_after_each_migration(app, name):
    migration = LOADER.disk_migrations[app, name]
    assert list(faults(migration, LOADER.project_state((app, name), at_end=False))) == []


def test_the_rules_notice_what_they_are_for():
    state = LOADER.project_state([("components", NEWER[0][1])])
    field = LOADER.project_state().apps.get_model("components", "component")._meta.get_field("name")
    wrong = type("Migration", (migrations.Migration,), {"__module__": __name__})("0999_wrong", "components")
    text = type(field)(max_length=5)
    wrong.operations = [
        migrations.AddField("probe", "colour", text.clone()),
        migrations.RenameField("component", "name", "title"),
        migrations.AlterField("component", "title", text.clone()),
        migrations.RemoveField("probe", "kind"),
    ]
    text = "\n".join(faults(wrong, state))
    for words in (
        "needs a db_default",
        "called name in the version before",
        "no longer fits",
        "still uses it",
    ):
        assert words in text


@pytest.mark.data
@pytest.mark.django_db
def test_a_change_of_a_table_waits_for_a_lock_only_a_while():
    if connection.vendor == "sqlite":
        assert 0 < connection.settings_dict["OPTIONS"]["timeout"] <= 30
        return
    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        assert cursor.fetchone() == ("5s",)
