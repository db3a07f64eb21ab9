"""Addresses that programs ask for unasked: robots.txt, security.txt, and what others call our pages."""

from datetime import UTC, datetime, timedelta

import pytest

from statuspage.checks import settings_are_sound


def test_robots_read_the_page_and_not_the_console(client, settings):
    settings.PUBLIC_URL = "https://status.example.org"
    answer = client.get("/robots.txt")
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/plain; charset=utf-8")
    lines = answer.content.decode().splitlines()
    assert lines[0] == "User-agent: *"
    for path in ("/console/", "/accounts/", "/admin/", "/confirm/", "/subscription/", "/unsubscribe/"):
        assert f"Disallow: {path}" in lines
    assert "Disallow: /" not in lines


@pytest.mark.parametrize("contact", ["mailto:security@example.org", "https://example.org/report"])
def test_who_found_a_weakness_is_told_where_to_report_it(client, settings, contact):
    settings.SECURITY_CONTACT, settings.PUBLIC_URL = contact, "https://status.example.org"
    answer = client.get("/.well-known/security.txt")
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/plain; charset=utf-8")
    told = dict(line.split(": ", 1) for line in answer.content.decode().splitlines())
    assert told["Contact"] == contact
    assert told["Canonical"] == "https://status.example.org/.well-known/security.txt"
    left = datetime.fromisoformat(told["Expires"]) - datetime.now(UTC)
    assert timedelta(days=1) < left < timedelta(days=365)  # RFC 9116, section 2.5.5
    assert client.get("/security.txt")["Location"] == "/.well-known/security.txt"


def test_without_a_contact_there_is_no_such_file(client, settings, db):
    settings.SECURITY_CONTACT = ""
    assert client.get("/.well-known/security.txt").status_code == 404


@pytest.mark.parametrize(
    "contact", ["security@example.org", "http://x", "mailto:", "https://a b", "https://x\nEvil: 1"]
)
def test_a_contact_that_is_none_is_said_at_the_start(settings, contact):
    settings.SECURITY_CONTACT = contact
    [fault] = [one for one in settings_are_sound() if "SECURITY_CONTACT" in one.msg]
    assert "mailto:" in fault.hint


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("/history.ics", "/maintenance.ics"), ("/uptime", "/history"), ("/api", "/api/v2/summary.json")],
)
def test_what_other_status_pages_call_it_leads_to_ours(client, typed, meant):
    answer = client.get(typed)
    assert (answer.status_code, answer["Location"]) == (302, meant)
