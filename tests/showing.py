"""Short words for tests of probes that keep a client certificate."""

import html

from components import client_certificates
from components.models import Probe
from components.probers import PROBERS
from tests.making import watched
from tests.statuspage.console.test_components import fields_of

HERE, THERE = "https://api.example/health", "https://other.example/health"
CONSOLE = "/console/probes/"


def bodies(key):
    """The lines of a key that are secret."""
    return key.strip().splitlines()[1:-1]


def is_in(key, text):
    """Whether any of the key stands there."""
    return any(line in html.unescape(str(text)) for line in bodies(key))


def taken(ours):
    """The pair as it is kept."""
    return client_certificates.of(*(text.strip() for text in ours))


def kept(ours, name="API", target=HERE, kind="http", **more):
    """A probe with this pair, as its form would have saved it."""
    probe = watched(name, kind=kind, target=target, **more)
    probe.keep_certificate(taken(ours), PROBERS[kind].parse(target, probe.options))
    probe.save()
    return Probe.objects.get(pk=probe.pk)


def posted(client, probe, ours=("", ""), **changes):
    """The form of the probe, with this pair typed in."""
    fields = fields_of(probe, client_certificate=ours[0], client_key=ours[1], **changes)
    return client.post(f"{CONSOLE}{probe.public_id}/edit", fields)


def text_of(answer):
    """A page as it is read."""
    return html.unescape(answer.content.decode())
