"""The form of a probe: in sections, each field with its help, what is sent apart from what is expected."""

import pytest

from components.forms import SECTIONS, KindForm
from components.models import Probe
from components.probers import PROBERS
from tests.making import watched


def form_of(kind):
    return KindForm(instance=Probe(kind=kind), initial={"kind": kind})


@pytest.mark.parametrize("kind", PROBERS)
def test_each_field_stands_in_one_section_and_says_what_it_is_for(kind):
    form = form_of(kind)
    shown = [field.name for _, fields in form.sections for field in fields]
    assert sorted(shown) == sorted(form.fields)
    assert [title for title, _ in form.sections] == list(SECTIONS)
    assert [field.name for _, fields in form.sections for field in fields if not field.help_text] == []


def test_what_is_sent_and_what_is_expected_are_told_apart():
    form = form_of("http")
    labels = {field.label: title for title, fields in form.sections for field in fields}
    assert labels["Headers (sent)"] == labels["Body (sent)"] == "Request"
    assert labels["Header expected"] == labels["Expected status"] == "Expected response"
    assert labels["Confirm down"] == "Thresholds"
    assert labels["When down, show"] == "Visibility"
    assert len(labels) == len(form.fields)


def test_a_new_option_of_a_kind_is_part_of_the_request():
    form = form_of("http")
    form.fields["http__shape"] = form.fields["http__method"]
    assert "http__shape" in [field.name for field in form.sections[0][1]]


@pytest.mark.parametrize(("ticked", "kept"), [({"http__http2": "on"}, True), ({}, False)])
def test_http2_is_ticked_in_the_request_and_kept(db, ticked, kept):
    field = form_of("http").fields["http__http2"]
    assert (field.label, field.initial, field.required) == ("HTTP/2", False, False)
    probe = watched(kind="http")
    data = {"name": "Web", "kind": "http", "target": "https://example.org/", "interval_s": 60,
            "timeout_s": 10, "retry_s": 10, "confirm_down": 2, "confirm_up": 2, "unsteady_count": 3,
            "unsteady_window": 10,
            "down_status": "major_outage", "region": "default", "http__method": "GET",
            "http__unread": "down", "http__expected_status": "200-299",
            "http__follow_redirects": "on", **ticked}  # fmt: skip
    form = KindForm(data, instance=probe)
    assert form.is_valid(), form.errors
    made = form.save()
    assert PROBERS["http"].parse(made.target, made.options).http2 is kept


@pytest.mark.parametrize(("timeout_s", "is_fine"), [("21", True), ("20", False), ("", False), ("x", False)])
def test_a_hold_that_does_not_fit_is_told_at_the_timeout(db, timeout_s, is_fine):
    probe = watched(kind="websocket", target="wss://example.org/")
    data = {"kind": "websocket", "target": "wss://example.org/", "interval_s": 60, "timeout_s": timeout_s,
            "retry_s": 10, "confirm_down": 2, "confirm_up": 2, "unsteady_count": 3, "unsteady_window": 10,
            "down_status": "major_outage", "region": "local", "websocket__hold_s": "20",
            "websocket__connections": "3", "websocket__ping_s": "25", "websocket__ramp_s": "0",
            "websocket__max_lost": "0"}  # fmt: skip
    form = KindForm(data, instance=probe)
    assert form.is_valid() is is_fine
    assert list(form.errors) == ([] if is_fine else ["timeout_s"])
    if is_fine:
        kept = form.save().options
        assert (kept["hold_s"], kept["connections"]) == ("20", "3")
