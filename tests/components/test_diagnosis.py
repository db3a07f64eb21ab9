"""What facts point to: the 503 night as a table."""

import pytest

from components.diagnosis import Facts, diagnose, reasons

SLOWER = {"median_ms": 84.0, "last_ms": 1412.0}


@pytest.mark.parametrize(
    ("facts", "names"),
    [
        (Facts("status", 503, headers={"retry_after": "30"}), ["Overload: more work than it can handle"]),
        (Facts("status", 503, **SLOWER), ["Overload: more work than it can handle"]),
        (Facts("status", 503), []),  # a bare 503 says nothing of why
        (
            Facts("status", 503, excerpt="QueuePool limit of size 5 reached, database", **SLOWER),
            ["The database has run out of connections", "Overload: more work than it can handle"],
        ),
        (
            Facts("status", 500, excerpt="FATAL: remaining connection slots are reserved"),
            ["The database has run out of connections", "The application fails on this request"],
        ),
        (
            Facts("status", 503, excerpt='{"status": "fail", "redis": "down", "search": "ok"}'),
            ["A dependency is failing: redis"],
        ),
        (
            Facts("status", 503, excerpt='{"checks": {"cache": {"took": 3, "status": "error"}}}'),
            ["A dependency is failing: cache"],
        ),
        (Facts("refused"), ["The process is not running, or not accepting connections"]),
        (Facts("dns"), ["The host or its DNS name is gone"]),
        (Facts("timeout_first_byte", **SLOWER), ["Overload: more work than it can handle"]),
        (Facts("assertion", 200, "The JSON path finds “fail”."),
         ["The service is running, but reports that it is unhealthy"]),
        (Facts("tls", detail="The certificate ended."), ["The certificate is not valid"]),
        (Facts("status", 401), ["The probe is not authorized"]),
        (Facts("status", 404), ["The address no longer exists"]),
        (Facts("status", 500), ["The application fails on this request"]),
        (Facts(""), []),
    ],
)  # fmt: skip
def test_facts_point_to_causes_best_first(facts, names):
    assert [cause.name for cause in diagnose(facts)] == names


def test_every_cause_says_why_and_where_to_look():
    for failure in ("refused", "dns", "tls", "assertion"):
        (cause,) = diagnose(Facts(failure))
        assert cause.because
        assert cause.look_next.startswith("Check ")


def test_the_facts_are_told_whatever_they_point_to():
    told = dict(reasons(Facts("refused", answering=("Posts", "Sign-in"), failing=("Files",), **SLOWER)))
    assert told == {
        "Refused, not timed out.": "The host is up, but nothing accepts connections on this port.",
        "Others in this group respond:": "Posts, Sign-in.",
        "Others in this group also fail:": "Files.",
        "Slow just before:": "response time rose from 84 to 1,412 ms.",
    }


def test_long_hostile_text_is_read_in_no_time():
    for excerpt in ('"' * 1000, '{"a": {' * 140, "connection " * 90, '"a" : ' * 160):
        assert diagnose(Facts("status", 503, excerpt=excerpt)) == ()
