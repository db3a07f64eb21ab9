"""Reported deploys as markers: one for each deploy, and how long ago it was over."""

from datetime import UTC, datetime, timedelta

import pytest

from components.models import Component, DeployMarker

NOW = datetime(2026, 11, 28, 3, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
pytestmark = pytest.mark.django_db


def report(state, at=NOW, component=None, version="v41"):
    DeployMarker.objects.mark_reported(
        version, component, at, begins=state != "finished", ends=state != "started"
    )


def test_start_and_end_are_one_marker_and_in_between_it_is_under_way():
    report("started")
    report("started", NOW + MINUTE)  # another machine
    marker = DeployMarker.objects.get()
    assert marker.seconds_before(NOW + 30 * MINUTE) == 0
    assert marker.seconds_before(NOW + 90 * MINUTE) == 1800  # its end was never reported
    report("finished", NOW + 20 * MINUTE)
    marker = DeployMarker.objects.get()
    assert marker.finished_at == NOW + 20 * MINUTE
    assert marker.seconds_before(NOW + 30 * MINUTE) == 600
    assert marker.seconds_before(NOW - MINUTE) == -60


def test_an_end_without_a_start_and_a_moment_are_markers_too():
    report("finished")
    report("", NOW + 30 * MINUTE, version="v42")
    assert [marker.seconds_before(marker.at + MINUTE) for marker in DeployMarker.objects.all()] == [60, 60]


def test_an_end_ends_its_own_version_and_component_only():
    api = Component.objects.create(name="API")
    report("started")
    report("started", component=api)
    report("finished", NOW + MINUTE, component=api)
    report("finished", NOW + MINUTE, version="v42")
    open_ones = DeployMarker.objects.filter(is_long=True, finished_at=None)
    assert [(marker.text, marker.component) for marker in open_ones] == [("v41", None)]
