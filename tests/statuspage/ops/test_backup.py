"""A backup is a copy that was opened again."""

import sqlite3

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from components.models import Heartbeat
from tests.making import watched


def test_a_copy_holds_what_the_database_holds(transactional_db, tmp_path):
    if connection.vendor == "postgresql":
        # the client of this machine may be missing, or older than the server: then that is said
        try:
            call_command("backup", str(tmp_path / "copy"))
        except CommandError as refused:
            assert "pg_dump" in str(refused)  # noqa: PT017
            assert not Heartbeat.objects.exists()
        return
    watched("Chat")
    file = tmp_path / "copy"
    call_command("backup", str(file))
    if connection.vendor == "sqlite":
        rows = sqlite3.connect(file).execute("SELECT name FROM components_component").fetchall()
        assert rows == [("Chat",)]
    assert Heartbeat.objects.filter(role="backup").exists()
    with pytest.raises(CommandError, match="already exists"):
        call_command("backup", str(file))


def test_what_cannot_be_written_is_said_and_not_reported(transactional_db, tmp_path):
    with pytest.raises(CommandError):
        call_command("backup", str(tmp_path / "nowhere" / "copy"))
    with pytest.raises(CommandError, match="Name the file"):
        call_command("backup")
    assert not Heartbeat.objects.exists()


def test_another_tool_reports_its_own(db):
    call_command("backup", "--done")
    assert Heartbeat.objects.get().role == "backup"
