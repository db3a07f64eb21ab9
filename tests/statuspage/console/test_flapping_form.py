"""Staff set how often a probe may fail on and off, and see what it would have done."""

import pytest

from components.models import Probe
from statuspage.models import Role
from tests.making import watched
from tests.people import person
from tests.statuspage.console.test_components import checks, fields_of


@pytest.fixture
def probe(client, db):
    client.force_login(person("ada", Role.EDITOR))
    return watched(kind="http")


def posted(client, probe, **changes):
    answer = client.post(f"/console/probes/{probe.public_id}/edit", fields_of(probe, **changes))
    return answer.status_code, answer.content.decode()


def test_it_is_set_in_the_form_and_kept_where_it_is_left_out(client, probe):
    text = client.get(f"/console/probes/{probe.public_id}/edit").content.decode()
    assert "For services that fail on and off" in text
    assert posted(client, probe, unsteady_count=4, unsteady_window=20)[0] == 302
    for changes in ({}, {"unsteady_count": "", "unsteady_window": ""}):
        assert posted(client, probe, **changes)[0] == 302
        fresh = Probe.objects.get()
        assert (fresh.unsteady_count, fresh.unsteady_window) == (4, 20)


@pytest.mark.parametrize(
    ("count", "window", "sentence"),
    [
        (8, 5, "use a lower number"), (16, 30, "at most 15 bad checks"), (3, 31, "at most the last 30"),
        (3, 0, "at least the last 2"), ("three", 10, "whole number"),
        (-1, 10, "greater than or equal to 0"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_at_its_field(client, probe, count, window, sentence):
    code, text = posted(client, probe, unsteady_count=count, unsteady_window=window)
    assert (code, sentence in text) == (400, True)


def test_the_dry_run_says_how_often_it_would_have_failed_on_and_off(client, probe):
    Probe.objects.update(unsteady_window=10)
    probe.refresh_from_db()
    checks(probe, ["up"] * 3 + ["down", "up"] * 10 + ["up"] * 20)
    same = posted(client, probe, do="dry", unsteady_count=3, unsteady_window=10)[1]
    assert "no change: 2 flips, no outage; failing on and off once." in same
    off = posted(client, probe, do="dry", unsteady_count=0, unsteady_window=10)[1]
    assert "0 flips instead of 2; no outage instead of none; failing on and off never instead of 1." in off
