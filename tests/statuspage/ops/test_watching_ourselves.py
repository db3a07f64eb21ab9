"""One status page watches another of its kind: its /healthz and its summary, from the running program."""

from django.utils import timezone

from components.models import Component, Group, Page
from components.outcomes import Expectation, Failure, classify
from tests.components.test_probers import look
from tests.making import found, watched


def test_our_own_health_names_what_fails(web):
    """Nobody works here but the web process: it says so, and our own reader hears it."""
    found(watched(), "up", timezone.now())
    reading = look("health", f"{web.url}/healthz", deadline_s=20.0)
    assert (reading.failure, reading.status_code) == (Failure.REPORTED, 503)
    assert reading.facts["format"] == "health+json"
    assert "worker:heartbeat" in reading.facts["failing"]
    assert "worker:heartbeat (The worker has never reported)" in reading.detail


def test_our_own_page_is_a_vendor(web):
    group = Group.objects.create(name="Europe")
    for name, status in (("API", "major_outage"), ("Web", "operational")):
        Component.objects.create(name=name, status=status, group=group)
    Page.objects.bump_version()
    web.catch_up()

    def told(component):
        reading = look("vendor", web.url, {"component": component}, deadline_s=20.0)
        outcome, why = classify(reading, Expectation(is_indirect=True))
        return outcome.value, why, reading.facts.get("vendor_component")

    assert told("Europe - API")[1:] == ("They report a major outage of “API”.", "API")
    assert told("Europe - API")[0] == "down"
    assert told("Web") == ("up", "", "Web")
    assert told("Mail")[0] == "unknown"
