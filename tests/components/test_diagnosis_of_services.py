"""A database that refuses a login says why, and so does the diagnosis."""

import pytest

from components.diagnosis import Facts, diagnose
from components.probers import mysql_line, postgres_line, redis
from components.probers.postgres_line import _refusal

STARTING = _refusal(b"SFATAL\0C57P03\0Mthe database system is starting up\0").args[0]
LEAVING = _refusal(b"SFATAL\0C57P03\0Mthe database system is shutting down\0").args[0]
USED = "9 of 10 connections are in use (90%); the limit is 80%."


@pytest.mark.parametrize(
    ("failure", "detail", "kind"),
    [
        ("status", postgres_line.CAUSES["53300"], "db_connections"),
        ("status", mysql_line.CAUSES[1040], "db_connections"),
        ("status", redis.FULL, "db_connections"),
        ("limit", USED, "db_connections"),
        ("status", STARTING, "not_started"),
        ("status", postgres_line.CAUSES["57P03"], "not_started"),
        ("status", redis.CAUSES["LOADING"], "not_started"),
        ("status", LEAVING, "deploy"),
        ("status", postgres_line.CAUSES["57P01"], "deploy"),
        ("status", mysql_line.CAUSES[1053], "deploy"),
        ("status", redis.CAUSES["MASTERDOWN"], "dependency"),
    ],
)
def test_the_first_cause_is_the_one_the_server_names(failure, detail, kind):
    causes = diagnose(Facts(failure=failure, detail=detail))
    assert causes[0].kind == kind
    assert detail in causes[0].because


@pytest.mark.parametrize("detail", [postgres_line.CAUSES["28P01"], mysql_line.CAUSES[1049]])
def test_a_wrong_password_is_none_of_these(detail):
    kinds = {cause.kind for cause in diagnose(Facts(failure="status", detail=detail))}
    assert not kinds & {"db_connections", "not_started", "deploy", "dependency"}


def test_of_an_answer_over_http_the_page_decides():
    facts = Facts(failure="assertion", status_code=503, detail=USED)
    assert "db_connections" not in {cause.kind for cause in diagnose(facts)}
