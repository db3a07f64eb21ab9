"""After the clock was set back, what was rendered before comes from the future: it gives way at once."""

import time
from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from components.models import Page
from statuspage.serving.door import Door, question
from statuspage.serving.event_stream import Streams
from statuspage.serving.snapshot import Snapshot
from tests.making import found, watched

HOUR_S = 3600


@pytest.fixture
def snapshot(tmp_path, transactional_db):
    return Snapshot(tmp_path / "snapshots")


def from_the_future(snapshot, path):
    """The document as it was made an hour ahead of now, kept in memory and on disk."""
    made = snapshot.begin(path).whole()
    ahead = replace(made, rendered_at=made.rendered_at + HOUR_S)
    snapshot.documents[path] = ahead
    snapshot.copies.save(ahead)
    return ahead


@pytest.mark.parametrize("path", ["/", "/api/v2/incidents.json"])
def test_a_document_made_before_is_replaced_and_not_rendered_for_each_reader(snapshot, path):
    from_the_future(snapshot, path)
    Page.objects.bump_version()
    document = snapshot.fresh(path)
    assert snapshot.get(path) is document  # what is served when rendering takes too long
    assert document.rendered_at <= time.time()
    assert snapshot.fresh(path) is document
    assert snapshot.renders["done"] == 1


def test_the_newest_known_check_is_none_from_the_future(snapshot):
    probe = watched()
    found(probe, "up", timezone.now() - timedelta(seconds=5))
    snapshot.checked_at = time.time() + HOUR_S
    document = snapshot.fresh("/")
    assert snapshot.checked_at == document.checked_at
    door = Door(None, snapshot, Streams(10))
    door.streams.checked_at = time.time() + HOUR_S
    door._reply(document, question("GET", "/", []), time.time())
    assert door.streams.checked_at == document.checked_at
