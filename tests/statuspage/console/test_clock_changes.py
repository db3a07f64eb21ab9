"""Staff who plan a series read what it means on the nights when clocks change."""

from datetime import UTC, timedelta
from zoneinfo import ZoneInfo

from django.utils import timezone

from incidents.models import Maintenance
from statuspage.models import Role
from tests.making import watched
from tests.people import person


def test_the_console_says_which_windows_are_unusual_when_clocks_change(client, db, settings):
    settings.PAGE_TIME_ZONE = "Europe/Berlin"
    client.force_login(person("ada", Role.RESPONDER))
    start = (timezone.now() + timedelta(days=2)).astimezone(ZoneInfo("Europe/Berlin"))
    start = start.replace(hour=1, minute=0, second=0, microsecond=0).astimezone(UTC)
    told = {"title": "Index", "body": "We work.", "starts_at": f"{start:%Y-%m-%dT%H:%M}",
            "ends_at": f"{start + timedelta(minutes=90):%Y-%m-%dT%H:%M}", "notice_h": 0,
            "components": [watched().component.pk], "repeats": "FREQ=DAILY"}  # fmt: skip
    assert "keeps its start and end times in Europe/Berlin" in shown(client, "new")
    client.post("/console/maintenance/new", told)
    work = Maintenance.objects.get(series=None)
    for path in (work.public_id, f"{work.public_id}/edit"):
        assert "ends at 02:30 the second time it occurs" in shown(client, path)
    Maintenance.objects.filter(pk=work.pk).update(rule="FREQ=ALWAYS")
    shown(client, work.public_id)
    settings.PAGE_TIME_ZONE = "UTC"
    assert "when clocks change" not in shown(client, "new")


def test_a_first_window_on_no_day_of_its_rule_there_is_told(client, db, settings):
    """Saturday in UTC, where the rule says Saturday and means Berlin's: all others are a day earlier."""
    settings.PAGE_TIME_ZONE = "Europe/Berlin"
    client.force_login(person("ada", Role.RESPONDER))
    day = (timezone.now() + timedelta(days=2)).replace(hour=23, minute=30, second=0, microsecond=0)
    day += timedelta(days=(5 - day.weekday()) % 7)
    told = {"title": "Index", "body": "We work.", "starts_at": f"{day:%Y-%m-%dT%H:%M}", "notice_h": 0,
            "ends_at": f"{day + timedelta(hours=2):%Y-%m-%dT%H:%M}",
            "components": [watched().component.pk]}  # fmt: skip
    for rule, is_told in (("FREQ=WEEKLY;BYDAY=SA", True), ("FREQ=WEEKLY;BYDAY=SU", False)):
        client.post("/console/maintenance/new", {**told, "rule": rule})
        work = Maintenance.objects.get(series=None, rule=rule)
        for path in (work.public_id, f"{work.public_id}/edit"):
            text = shown(client, path)
            assert ("which does not match the rule: the next is on Sat " in text) is is_told


def shown(client, path):
    answer = client.get(f"/console/maintenance/{path}")
    assert answer.status_code == 200
    return answer.content.decode()
