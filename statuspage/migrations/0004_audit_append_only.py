"""The audit log is added to and never changed: on PostgreSQL the database itself refuses."""

from django.db import migrations

REFUSE = """
CREATE OR REPLACE FUNCTION statuspage_audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'the audit log is not changed' USING ERRCODE = 'insufficient_privilege'; END $$;
CREATE TRIGGER audit_rows BEFORE UPDATE OR DELETE ON statuspage_audit
  FOR EACH ROW EXECUTE FUNCTION statuspage_audit_refuse();
CREATE TRIGGER audit_table BEFORE TRUNCATE ON statuspage_audit
  FOR EACH STATEMENT EXECUTE FUNCTION statuspage_audit_refuse();
"""
ALLOW = """
DROP TRIGGER IF EXISTS audit_table ON statuspage_audit;
DROP TRIGGER IF EXISTS audit_rows ON statuspage_audit;
DROP FUNCTION IF EXISTS statuspage_audit_refuse();
"""


def refuse(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(REFUSE)


def allow(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(ALLOW)


class Migration(migrations.Migration):
    dependencies = [("statuspage", "0003_accounts")]

    operations = [migrations.RunPython(refuse, allow)]
