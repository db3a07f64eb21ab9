"""When an outage began for a probe: said as it was, however long it lasts."""

from components.models import Probe
from incidents.models import Incident, Post
from statuspage.public.views import incident
from tests.making import after, fell, found, rose, watched
from tests.statuspage.public.test_page_model import html


def test_an_outage_of_hours_still_names_its_first_failed_check(db):
    probe = watched("API")
    fell(probe)
    for minutes in range(5, 240, 5):
        found(probe, "down", after(minutes=minutes))
    at = after(minutes=236)
    text = html(at, gather=incident.gather, public_id=Incident.objects.get().public_id)
    assert "1 of 1 probe fails (503 Service Unavailable), first at" in text
    assert (
        'datetime="2026-11-12T08:00:00Z" data-form="seconds">08:00:00 UTC'
        in text.split('id="seen"')[1].split("</div>")[0]
    )


def test_what_fails_later_saw_nothing_of_an_incident_that_is_over(db):
    one = watched("API")
    other = Probe.objects.create(component=one.component, interval_s=60, timeout_s=10, target=one.target)
    found(other, "up", after(minutes=-2))
    fell(one)
    rose(one, after(minutes=2))
    old = Incident.objects.get()
    old.post(Post("It is over.", phase="resolved"), now=after(minutes=5))
    fell(other, after(hours=10))
    text = html(after(hours=11), gather=incident.gather, public_id=old.public_id)
    assert "1 of 2 probes detected it" in text
    assert "18:00:00" not in text.split('id="seen"')[1]
