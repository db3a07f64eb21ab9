"""When an outage began for a probe: said as it was, however long it lasts."""

from incidents.models import Incident
from statuspage.views import incident
from tests.making import after, fell, found, watched
from tests.statuspage.test_page import html


def test_an_outage_of_hours_still_names_its_first_failed_check(db):
    probe = watched("API")
    fell(probe)
    for minutes in range(5, 240, 5):
        found(probe, "down", after(minutes=minutes))
    at = after(minutes=236)
    text = html(at, gather=incident.gather, public_id=Incident.objects.get().public_id)
    assert "1 of 1 probe fails (503 Service Unavailable), first at" in text
    assert (
        'datetime="2026-11-12T08:00:00Z" data-form="seconds">08:00:00 UTC' in text.split('id="seen"')[1][:400]
    )
