"""The audit log is added to and never changed: SQLite refuses, too, as PostgreSQL does since 0004.

Django makes a table anew on SQLite for many changes of a column, and what is made anew has no triggers:
a later migration of this table ends with these statements again (a test sees that they are there).
"""

from django.db import migrations

SAYS = "BEGIN SELECT RAISE(ABORT, 'the audit log is not changed'); END"
REFUSE = (
    f"CREATE TRIGGER audit_update BEFORE UPDATE ON statuspage_audit {SAYS}",
    f"CREATE TRIGGER audit_delete BEFORE DELETE ON statuspage_audit {SAYS}",
    # INSERT OR REPLACE takes a row away without a DELETE
    f"""CREATE TRIGGER audit_replace BEFORE INSERT ON statuspage_audit
        WHEN EXISTS (SELECT 1 FROM statuspage_audit WHERE id = NEW.id) {SAYS}""",  # noqa: S608 - our own words
)
ALLOW = tuple(f"DROP TRIGGER IF EXISTS audit_{name}" for name in ("update", "delete", "replace"))


def refuse(apps, schema_editor):
    if schema_editor.connection.vendor == "sqlite":
        for statement in (*ALLOW, *REFUSE):
            schema_editor.execute(statement)


def allow(apps, schema_editor):
    if schema_editor.connection.vendor == "sqlite":
        for statement in ALLOW:
            schema_editor.execute(statement)


class Migration(migrations.Migration):
    dependencies = [("statuspage", "0005_mailed_invitation")]

    operations = [migrations.RunPython(refuse, allow)]
