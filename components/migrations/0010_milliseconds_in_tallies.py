"""Tallies keep fractions of a second, so that a sum over 90 days is not off by the number of changes.

On PostgreSQL the columns become double precision, each table in one statement (rewritten once, not once a
column). SQLite keeps a fraction in a column that was declared as integer, so nothing is rewritten there.
Rows counted before stay as they are.
"""

from django.db import migrations, models

NAMES = ("up", "degraded", "partial", "major", "unknown", "maintenance")
RAW = [f"{name}_s" for name in NAMES]
COLUMNS = {"hourtally": RAW, "daytally": [*RAW, *(f"excused_{name}" for name in RAW)]}


def turn(schema_editor, kind, using):
    if schema_editor.connection.vendor != "postgresql":
        return
    for model, names in COLUMNS.items():
        parts = (f'ALTER COLUMN "{name}" TYPE {kind} USING {using.format(name)}' for name in names)
        schema_editor.execute(f'ALTER TABLE "components_{model}" {", ".join(parts)}')


def forwards(apps, schema_editor):
    turn(schema_editor, "double precision", '"{}"')


def backwards(apps, schema_editor):
    turn(schema_editor, "integer", 'round("{}")')


class Migration(migrations.Migration):
    dependencies = [("components", "0009_unsteady")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(forwards, backwards)],
            state_operations=[
                migrations.AlterField(model, name, models.FloatField(default=0))
                for model, names in COLUMNS.items()
                for name in names
            ],
        )
    ]
