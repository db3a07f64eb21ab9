"""Health documents in shapes of their own: what they say of the whole, and which part they blame."""

import json

import pytest

from components.diagnosis.documents import failing_parts
from components.health_documents import Health, read

UP, DEGRADED, DOWN = Health.UP, Health.DEGRADED, Health.DOWN

HARBOR = {"status": "unhealthy", "components": [
    {"name": "core", "status": "healthy"},
    {"name": "database", "status": "unhealthy", "error": "no connection"},
    {"name": "registryctl", "status": "healthy"}]}  # fmt: skip
LARAVEL = {"finishedAt": 1_700_000_000, "checkResults": [
    {"name": "UsedDiskSpace", "label": "Used disk space", "notificationMessage": "", "shortSummary": "41%",
     "status": "ok", "meta": {"disk_space_used_percentage": 41}},
    {"name": "Database", "label": "Database", "notificationMessage": "Could not connect to the database",
     "shortSummary": "Failed", "status": "failed", "meta": {}},
    {"name": "Horizon", "label": "Horizon", "shortSummary": "", "status": "crashed"},
    {"name": "Redis", "label": "Redis", "shortSummary": "", "status": "skipped"}]}  # fmt: skip
HEALTH_GO = {"status": "Service Unavailable", "timestamp": "2026-11-28T08:00:00Z",
             "failures": {"rabbitmq": "Failed during RabbitMQ health check"},
             "system": {"version": "go1.22", "goroutines_count": 4},
             "component": {"name": "shop", "version": "v1"}}  # fmt: skip
GRAFANA = {"commit": "d94d597d847c05085542c29dfad6b3f469cc77e1", "database": "failing", "version": "11.2.0"}

FREE = [
    ({"up": False}, DOWN, []),
    ({"healthy": True}, UP, []),
    ({"healthy": False, "message": "draining the pool"}, DOWN, []),
    ({"isHealthy": False}, DOWN, []),
    ({"ok": True, "db": False}, DEGRADED, ["db"]),
    ({"checks": {"db": "down"}}, DOWN, ["db"]),
    ({"checks": {"db": False, "cache": True}}, DOWN, ["db"]),
    ({"status": "down", "checks": {"db": False, "cache": True}}, DOWN, ["db"]),
    ({"status": "up", "services": {"payments": False}}, DEGRADED, ["payments"]),
    ({"services": {"db": {"up": False, "error": "refused"}, "web": {"up": True}}}, DOWN, ["db"]),
    ({"dependencies": {"redis": {"connected": False}, "kafka": {"connected": True}}}, DOWN, ["redis"]),
    ({"dependencies": [{"name": "redis", "healthy": False},
                       {"name": "kafka", "healthy": True}]}, DOWN, ["redis"]),
    ({"database": {"connected": False}, "cache": {"connected": True}}, DOWN, ["database"]),
    (HARBOR, DOWN, ["database"]),
    (LARAVEL, DOWN, ["Database", "Horizon"]),
    (HEALTH_GO, DOWN, ["rabbitmq"]),
    (HEALTH_GO | {"status": "Partially Available"}, DEGRADED, ["rabbitmq"]),
    ({"status": "OK", "timestamp": "2026-11-28T08:00:00Z", "system": {"version": "go1.22"}}, UP, []),
    (GRAFANA, DOWN, ["database"]),
    (GRAFANA | {"database": "ok"}, UP, []),
]  # fmt: skip


@pytest.mark.parametrize(("value", "status", "names"), FREE, ids=[str(n) for n in range(len(FREE))])
def test_it_says_how_the_whole_is_and_blames_a_part(value, status, names):
    document = read(json.dumps(value).encode(), "application/json", 503 if status is DOWN else 200)
    assert document is not None
    assert (document.status, [part.name for part in document.failing]) == (status, names)


def test_the_words_of_the_part_are_kept():
    words = {}
    for value in (HARBOR, LARAVEL, HEALTH_GO):
        document = read(json.dumps(value).encode(), "application/json", 503)
        words |= {part.name: part.words for part in document.failing}
    assert words == {
        "database": "no connection",
        "Database": "Could not connect to the database",
        "Horizon": "",
        "rabbitmq": "Failed during RabbitMQ health check",
    }


OTHER = [
    {"error": "not found"}, {"success": False}, {"id": 7, "name": "Ada"},
    {"items": [{"name": "a", "status": "new"}]},
    {"results": [{"name": "Ada", "id": 3}]}, {"available": 5, "total": 9}, {"details": {"id": 3}},
    {"up": "stairs"},
    {"timestamp": "2026-11-28", "status": 503, "error": "Service Unavailable", "path": "/"},
    {"checks": {}}, {"checks": []}, {"services": None}, {"failures": "none"}, {"database": "postgres15"},
    {"message": "ok"}, {"services": [[], None, 3, {"name": 5, "up": False}]}, {"code": "down"},
]  # fmt: skip


@pytest.mark.parametrize("value", OTHER, ids=[str(n) for n in range(len(OTHER))])
def test_what_could_be_any_json_is_no_health_document(value):
    assert read(json.dumps(value).encode(), "application/json", 503) is None


@pytest.mark.parametrize(
    ("value", "names"),
    [(HARBOR, ("database",)), (LARAVEL, ("Database",)), (HEALTH_GO, ("rabbitmq",)), (GRAFANA, ("database",)),
     ({"checks": {"db": False}}, ("db",)), ({"services": {"frontpage": False}}, ()), ({"up": False}, ())],
    ids=["harbor", "laravel", "health-go", "grafana", "flags", "any name", "no part"],
)  # fmt: skip
def test_the_diagnosis_names_the_part(value, names):
    assert failing_parts(json.dumps(value), "application/json", 503) == names


def test_a_document_that_was_cut_says_nothing_good_of_what_is_missing():
    whole = json.dumps({"services": {"db": True, "cache": True, "mail": False}})
    assert read(whole[:36].encode(), "application/json", 200) is None
    cut = read(json.dumps({"services": {"db": False, "cache": True}})[:30].encode(), "application/json", 503)
    assert [part.name for part in cut.failing] == ["db"]
