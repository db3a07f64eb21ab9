"""Each format of health document: what it says of the whole, and which part it blames."""

import json
import time

import pytest

from components.health_documents import MAX_FAILING, Health, read

UP, DEGRADED, DOWN, DRAINING, UNKNOWN = (
    Health.UP,
    Health.DEGRADED,
    Health.DOWN,
    Health.DRAINING,
    Health.UNKNOWN,
)

HEALTH_JSON = {
    "status": "fail",
    "version": "1",
    "releaseId": "1.2.2",
    "notes": [""],
    "output": "",
    "checks": {
        "cassandra:responseTime": [
            {"componentId": "dfd6cf2b", "componentType": "datastore", "observedValue": 250,
             "observedUnit": "ms", "status": "pass", "time": "2018-01-17T03:36:48Z", "output": ""},
        ],
        "cassandra:connections": [{"observedValue": 75, "status": "warn", "componentType": "datastore"}],
        "uptime": [{"componentType": "system", "observedValue": 1209600.245, "status": "pass"}],
        "cpu:utilization": [
            {"componentId": "6fd416e0", "node": 1, "observedValue": 85, "status": "pass"},
            {"componentId": "20b7d8cb", "node": 2, "observedValue": 99, "observedUnit": "percent",
             "status": "FAIL", "affectedEndpoints": ["/users/{userId}"]},
        ],
    },
}  # fmt: skip
SPRING_3 = {
    "status": "DOWN",
    "components": {
        "db": {
            "status": "DOWN",
            "components": {
                "primary": {"status": "UP", "details": {"database": "PostgreSQL"}},
                "replica": {"status": "DOWN", "details": {
                    "error": "org.springframework.jdbc.CannotGetJdbcConnectionException: Failed to obtain"}},
            },
        },
        "diskSpace": {"status": "UP", "details": {"total": 1, "free": 1, "exists": True}},
        "ping": {"status": "UP"},
    },
    "groups": ["liveness", "readiness"],
}  # fmt: skip
SPRING_20 = {
    "status": "DOWN",
    "details": {
        "redis": {"status": "DOWN", "details": {"error": "RedisConnectionFailureException: refused"}},
        "db": {"status": "UP", "details": {"database": "H2", "hello": 1}},
    },
}
SPRING_1 = {
    "status": "DOWN",
    "diskSpace": {"status": "UP", "total": 63_251_804_160, "free": 31_316_164_608},
    "mail": {"status": "DOWN", "location": "smtp:25", "error": "javax.mail.MessagingException: refused"},
    "dbs": {
        "status": "DOWN",
        "one": {"status": "UP"},
        "two": {"status": "DOWN", "error": "too many clients"},
    },
}
ASP_NET_UI = {
    "status": "Degraded",
    "totalDuration": "00:00:00.2455",
    "entries": {
        "sqlserver": {"data": {}, "duration": "00:00:00.1", "status": "Healthy", "tags": []},
        "rabbitmq": {"data": {}, "description": "None of the endpoints were reachable", "status": "Degraded",
                     "exception": "None of the specified endpoints", "tags": []},
    },
}  # fmt: skip
ASP_NET_REPORT = {"Entries": {"sql": {"Status": "Unhealthy"}}, "Status": "Unhealthy"}
ASP_NET_NUMBERS = {"entries": {"sql": {"status": 0, "description": "no answer"}}, "status": 0}
DJANGO = {
    "Cache(alias='default', key_prefix='djangohealthcheck_test')": "OK",
    "Database(alias='default')": 'unavailable: connection to server at "127.0.0.1" failed',
}
DJANGO_ALL_BAD = {"DatabaseBackend": "unavailable: Database error", "RedisHealthCheck": "unknown error"}
MICROPROFILE = {
    "status": "DOWN",
    "checks": [
        {
            "name": "Database connections health check",
            "status": "DOWN",
            "data": {"error": "Unable to connect"},
        },
        {"name": "live", "status": "UP"},
    ],
}
KUBERNETES = b"""[+]ping ok
[+]log ok
[-]etcd failed: reason withheld
[-]poststarthook/rbac/bootstrap-roles failed: not finished
[+]shutdown ok
readyz check failed
"""
TERMINUS = {
    "status": "error",
    "info": {"nestjs-docs": {"status": "up"}},
    "error": {"redis": {"status": "down", "message": "connect ECONNREFUSED 127.0.0.1:6379"}},
    "details": {
        "nestjs-docs": {"status": "up"},
        "redis": {"status": "down", "message": "connect ECONNREFUSED 127.0.0.1:6379"},
    },
}
ELASTIC = {"cluster_name": "docs", "status": "yellow", "timed_out": False, "unassigned_shards": 5}
ELASTIC_REPORT = {
    "status": "red",
    "cluster_name": "docs",
    "indicators": {
        "master_is_stable": {"status": "green", "symptom": "The cluster has a stable master node"},
        "shards_availability": {"status": "red", "symptom": "This cluster has 1 unavailable primary shard."},
        "disk": {"status": "yellow", "symptom": "1 node is running low on disk."},
    },
}


def told(value, content_type="application/json", status_code=503):
    """Format, status and (name, status, words) of what fails."""
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    document = read(body, content_type, status_code)
    if document is None:
        return None
    return document.format, document.status, [(d.name, d.status, d.words) for d in document.failing]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (HEALTH_JSON, ("health+json", DOWN, [
            ("cpu:utilization.20b7d8cb", DOWN, "99 percent"), ("cassandra:connections", DEGRADED, "75")])),
        (SPRING_3, ("Spring Actuator", DOWN, [("db.replica", DOWN,
            "org.springframework.jdbc.CannotGetJdbcConnectionException: Failed to obtain")])),
        (SPRING_20, ("Spring Actuator", DOWN, [("redis", DOWN, "RedisConnectionFailureException: refused")])),
        (SPRING_1, ("Spring Actuator", DOWN, [
            ("mail", DOWN, "javax.mail.MessagingException: refused"),
            ("dbs.two", DOWN, "too many clients")])),
        (ASP_NET_UI, ("ASP.NET", DEGRADED, [
            ("rabbitmq", DEGRADED, "None of the endpoints were reachable")])),
        (ASP_NET_REPORT, ("ASP.NET", DOWN, [("sql", DOWN, "")])),
        (ASP_NET_NUMBERS, ("ASP.NET", DOWN, [("sql", DOWN, "no answer")])),
        (b"Unhealthy", ("ASP.NET", DOWN, [])),
        (DJANGO, ("django-health-check", DOWN, [("Database(alias='default')", DOWN,
            'unavailable: connection to server at "127.0.0.1" failed')])),
        (MICROPROFILE, ("MicroProfile", DOWN, [
            ("Database connections health check", DOWN, "Unable to connect")])),
        (KUBERNETES, ("Kubernetes", DOWN, [
            ("etcd", DOWN, ""), ("poststarthook/rbac/bootstrap-roles", DOWN, "not finished")])),
        (TERMINUS, ("NestJS Terminus", DOWN, [("redis", DOWN, "connect ECONNREFUSED 127.0.0.1:6379")])),
        ({"status": "shutting_down", "info": {}, "error": {}, "details": {}},
         ("NestJS Terminus", DRAINING, [])),
        (b"[+]ping ok\n[-]shutdown failed: reason withheld\nreadyz check failed\n",
         ("Kubernetes", DRAINING, [("shutdown", DRAINING, "")])),
        (ELASTIC, ("Elasticsearch", DEGRADED, [("shards", DEGRADED, "5 unassigned")])),
        (ELASTIC_REPORT, ("Elasticsearch", DOWN, [
            ("shards_availability", DOWN, "This cluster has 1 unavailable primary shard."),
            ("disk", DEGRADED, "1 node is running low on disk.")])),
        ({"status": "OUT_OF_SERVICE", "components": {"readinessState": {"status": "OUT_OF_SERVICE"}}},
         ("Spring Actuator", DRAINING, [("readinessState", DRAINING, "")])),
        ({"status": "UNKNOWN", "components": {"discovery": {"status": "UNKNOWN"}}},
         ("Spring Actuator", UNKNOWN, [("discovery", UNKNOWN, "")])),
        ({"status": "fail", "redis": "down", "search": "ok"}, ("JSON status", DOWN, [("redis", DOWN, "")])),
        ({"checks": {"cache": {"took": 3, "status": "error"}}}, ("health+json", DOWN, [("cache", DOWN, "")])),
    ],
)  # fmt: skip
def test_what_a_failing_document_says(value, expected):
    assert told(value) == expected


def test_each_part_that_fails_in_django_is_named_with_its_error():
    expected = [
        ("DatabaseBackend", DOWN, "unavailable: Database error"),
        ("RedisHealthCheck", DOWN, "unknown error"),
    ]
    assert told(DJANGO_ALL_BAD, status_code=500) == ("django-health-check", DOWN, expected)


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ({"status": "pass"}, "JSON status"),
        ({"status": "PASS", "checks": {"db:time": [{"status": "Up"}]}}, "health+json"),
        ({"status": "UP", "components": {"db": {"status": "UP"}, "eureka": {"status": "UNKNOWN"}}},
         "Spring Actuator"),
        ({"status": "UP", "diskSpace": {"status": "UP", "free": 3}}, "Spring Actuator"),
        ({"status": {"code": "UP", "description": ""}, "details": {"db": {"status": "UP"}}},
         "Spring Actuator"),
        ({"status": "Healthy", "entries": {"sql": {"status": "Healthy"}}}, "ASP.NET"),
        (b"Healthy", "ASP.NET"),
        (b'"Healthy"', "ASP.NET"),
        ({"Cache(alias='default')": "OK", "Database(alias='default')": "OK"}, "django-health-check"),
        ({"DatabaseBackend": "working"}, "django-health-check"),
        ({"status": "UP", "checks": []}, "MicroProfile"),
        (b"[+]ping ok\n[+]etcd ok\nreadyz check passed\n", "Kubernetes"),
        (b"ok", "Kubernetes"),
        ({"status": "ok", "info": {"db": {"status": "up"}}, "error": {}, "details": {"db": {"status": "up"}}},
         "NestJS Terminus"),
        ({"cluster_name": "docs", "status": "green", "unassigned_shards": 0}, "Elasticsearch"),
    ],
)  # fmt: skip
def test_a_document_that_is_well_blames_nobody(value, name):
    assert told(value, status_code=200) == (name, UP, [])


def test_a_warning_of_django_answers_200_and_is_degraded():
    value = {"Cache": "OK", "Disk": "warning: 91 percent disk usage"}
    expected = [("Disk", DEGRADED, "warning: 91 percent disk usage")]
    assert told(value, status_code=200) == ("django-health-check", DEGRADED, expected)


def test_up_with_a_part_that_fails_is_degraded():
    value = {"status": "pass", "checks": {"mail:queue": [{"status": "fail", "output": "stuck"}]}}
    assert told(value) == ("health+json", DEGRADED, [("mail:queue", DOWN, "stuck")])


@pytest.mark.parametrize(
    "content_type", ["application/vnd.spring-boot.actuator.v3+json", "application/health+json"]
)
def test_a_bare_status_is_named_by_its_content_type(content_type):
    expected = "Spring Actuator" if "spring" in content_type else "health+json"
    assert told({"status": "DOWN"}, content_type) == (expected, DOWN, [])


@pytest.mark.parametrize(
    ("value", "content_type", "status_code"),
    [
        (b"", "", 503),
        (b"<html><body>ok</body></html>", "text/html", 200),
        (b"ok", "text/html", 200),
        (b"Service Unavailable", "text/plain", 503),
        (b"null", "", 200),
        (b"[]", "application/json", 200),
        (b"3", "application/json", 200),
        (b"{", "application/json", 200),
        (b"{}", "application/json", 200),
        ({"status": 503, "error": "Service Unavailable", "path": "/health"}, "application/json", 503),
        ({"type": "about:blank", "title": "Not Found", "status": 404}, "application/problem+json", 404),
        ({"status": "active", "id": 3}, "application/json", 200),
        ({"message": "OK"}, "application/json", 200),
        ({"detail": "Not found."}, "application/json", 404),
        ({"Name": "OK", "Version": "1.2"}, "application/json", 200),  # any map of texts
        ({"name": "Ada", "city": "London"}, "application/json", 500),
        ({"components": {"a": 1, "b": {"status": 1}}}, "application/json", 200),
        ({"components": [{"name": "API", "status": 1}]}, "application/json", 200),
        ({"details": {"verbose": False, "reason": "timeout"}}, "application/json", 200),
        ({"entries": [], "status": ["UP"]}, "application/json", 200),
        (b"\xff\xfe\x00", "application/json", 200),
        (b"\0" * 100, "text/plain", 200),
        (b"[" * 100_000, "application/json", 200),
        (b'{"status": ' + b"9" * 5_000 + b"}", "application/json", 200),
        (b'{"status": "UP"} trailing', "application/json", 200),
    ],
)  # fmt: skip
def test_what_is_no_health_document_is_none(value, content_type, status_code):
    assert told(value, content_type, status_code) is None


def test_an_object_that_is_too_deep_to_be_read_may_be_one():
    assert told(b'{"a":' * 100_000, "application/json", 200) == ("nested too deeply", Health.UNKNOWN, [])


@pytest.mark.parametrize("length", range(40, len(json.dumps(SPRING_3)), 7))
def test_a_document_that_was_cut_is_read_as_far_as_it_came(length):
    document = read(json.dumps(SPRING_3).encode()[:length], "application/json", 503)
    assert (document.status, document.is_cut) == (DOWN, True)
    assert {part.name for part in document.failing} <= {"db", "db.replica"}


def test_the_words_of_a_part_survive_the_cut():
    whole = json.dumps(SPRING_3).encode()
    document = read(whole[: whole.index(b"Connection") + 10], "application/json", 503)
    (part,) = document.failing
    assert (part.name, part.words) == ("db.replica", "org.springframework.jdbc.CannotGetJdbcConnection")


def test_parts_that_are_up_say_nothing_of_those_that_were_cut_off():
    assert read(b'{"checks": {"a": {"status": "up"}, "b": {"sta', "application/json", 200) is None


@pytest.mark.parametrize("charset", ["utf-8", "utf-16", "utf-8-sig", "utf-32"])
def test_it_is_read_in_any_charset_of_json(charset):
    body = json.dumps({"status": "DOWN", "checks": [{"name": "Größe", "status": "DOWN"}]}, ensure_ascii=False)
    document = read(body.encode(charset), "application/json", 503)
    assert document.failing[0].name == "Größe"


def test_names_and_words_are_capped_and_printable():
    checks = {
        f"part {n} " + "x" * 300: [{"status": "fail", "output": "a\0b\n" + "y" * 999}] for n in range(200)
    }
    document = read(json.dumps({"status": "fail", "checks": checks}).encode(), "", 503)
    assert len(document.failing) == MAX_FAILING
    assert max(len(part.name) for part in document.failing) == 100
    assert max(len(part.words) for part in document.failing) == 200
    assert all(part.words.isprintable() for part in document.failing)


@pytest.mark.parametrize(
    "body",
    [
        b'{"status":"UP","components":{'
        + b",".join(b'"c%d":{"status":"UP"}' % n for n in range(40_000))
        + b"}}",
        b'{"status":"UP","components":' + b'{"a":{"components":' * 20_000,
        b'{"a":[' + b"[," * 400_000,
        b"[-]x failed\n" * 80_000,
        b'{"status":"' + b"\\" * 900_000,
    ],
)
def test_a_large_or_hostile_document_takes_no_time(body):
    began = time.process_time()
    read(body, "application/json", 200)
    assert time.process_time() - began < 2


def test_names_of_parts_are_read_as_one_plain_line():
    parts = {"a\n\u202eb\x1b[31m": {"status": "DOWN"}, "": {"status": "DOWN"}}
    document = read(json.dumps({"status": "DOWN", "components": parts}).encode(), "application/json", 503)
    assert [part.name for part in document.failing] == ["a b [31m", "a part without a name"]
