"""An answer that was not read to its end is up with a note, and staff can read the note."""

from datetime import timedelta
from io import StringIO

from django.core.management import call_command
from django.utils import timezone

from components.egress import Egress
from components.models import Check
from statuspage.models import Role
from tests.components.test_probers import OWN, look
from tests.hostile import endless_body
from tests.http2 import Http2, tls
from tests.making import found, watched
from tests.people import person
from tests.targets import Raw

NOTE = "Larger than 1 MB: read the first 1 MB"


def test_the_note_is_on_the_page_of_the_probe_and_in_the_ladder(client, db):
    client.force_login(person("ada", Role.VIEWER))
    with Raw(endless_body) as server:
        url = f"http://127.0.0.1:{server.port}/"
        probe, now = watched(kind="http", target=url), timezone.now()
        found(probe, look("http", url), now - timedelta(seconds=30))
        told = StringIO()
        call_command("probe", url, stdout=told)
    assert Check.objects.get().facts == {"note": f"{NOTE}."}
    page = client.get(f"/console/probes/{probe.public_id}").content.decode()
    assert f"Latest response: {NOTE}." in page
    assert f"{NOTE}, " in page
    assert next(line for line in told.getvalue().splitlines() if "Transfer" in line).endswith(f"{NOTE}.")
    found(probe, "up", now)
    assert Check.objects.order_by("slot").last().facts is None


def test_the_protocol_that_was_spoken_is_on_the_page_of_the_probe(client, db, tmp_path):
    client.force_login(person("ada", Role.VIEWER))
    context, vouches = tls(tmp_path)
    with Http2(context) as server:
        probe = watched(kind="http", target=server.url, options={"http2": True})
        read = look("http", server.url, probe.options, egress=Egress(OWN, ca_file=vouches))
    found(probe, read, timezone.now())
    assert "HTTP/2 200, " in client.get(f"/console/probes/{probe.public_id}").content.decode()
