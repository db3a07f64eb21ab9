"""Whatever a target answers, the readers of documents give an answer of their own."""

import contextlib
import json

from hypothesis import given, settings
from hypothesis import strategies as st

from components.health_documents import MAX_FAILING, Health, HealthDocument, read
from components.limits import LimitError, crossed, limits_of, spelled
from components.prometheus_text import SeriesError, selector, values
from components.vendor_status import Report, VendorError
from components.vendor_status import read as read_vendor

WORDS = st.sampled_from((
    "status", "Status", "components", "checks", "details", "info", "error", "entries", "results",
    "indicators", "db", "name", "output", "healthy", "UP", "down", "ok", "OK", "fail", "green", "Healthy",
    "shutting_down",
    "page", "indicator", "incidents", "scheduled_maintenances", "group", "group_id", "id", "API", "unknown",
    "major_outage", "incident_updates", "body", "created_at", "2026-11-12T08:00:00Z", "major",
))  # fmt: skip
PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | WORDS | st.text(max_size=8)
JSON = st.recursive(
    PLAIN,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(WORDS | st.text(max_size=5), inner, max_size=5)
    ),
    max_leaves=30,
)


@settings(deadline=None)
@given(JSON, st.integers(100, 599), st.integers(0, 400))
def test_a_health_document_is_read_or_is_none(value, code, cut):
    body = json.dumps(value).encode()
    for data in (body, body[:cut]):
        document = read(data, "application/json", code)
        assert document is None or isinstance(document, HealthDocument)
        if document is not None:
            assert len(document.failing) <= MAX_FAILING
            assert all(part.status is not Health.UP for part in document.failing)
            assert all(len(part.name) <= 100 and len(part.words) <= 200 for part in document.failing)


@settings(deadline=None)
@given(st.binary(max_size=200), st.sampled_from(("", "text/plain", "application/json; charset=utf-16")))
def test_any_bytes_are_read_or_are_none(data, kind):
    assert read(data, kind, 200) is None or isinstance(read(data, kind, 200), HealthDocument)


@settings(deadline=None)
@given(JSON, st.sampled_from(("", "API", "id")))
def test_a_vendor_summary_is_read_or_is_a_sentence(value, component):
    whole = {"page": {}, "status": {"indicator": "major"}, "components": value, "incidents": value}
    for document in (value, whole):
        with contextlib.suppress(VendorError):
            assert isinstance(read_vendor(document, component), Report)


@settings(deadline=None)
@given(st.binary(max_size=200), st.text(alphabet='x{}="a\\,# \n1', max_size=40))
def test_any_series_text_is_read_or_is_a_sentence(data, line):
    for body in (data, b"x " + data, line.encode(), b"x{" + line.encode()):
        with contextlib.suppress(SeriesError):
            for found in values(body, "", [selector("x")]):
                assert all(isinstance(value, float) for value in found)
    with contextlib.suppress(ValueError):
        assert selector(line).name


@given(st.text(alphabet="degraown abvelup<>0123456789.,;%\n-e", max_size=40), st.floats(allow_nan=False))
def test_any_limits_are_read_or_are_a_sentence(text, value):
    with contextlib.suppress(LimitError):
        limit = crossed(value, limits_of(text))
        assert limit is None or limit.is_crossed(value)


@given(st.floats(-1e300, 1e300))
def test_a_number_is_spelled_so_that_it_can_be_read_back(value):
    text = spelled(value).replace(",", "")
    assert abs(float(text) - value) <= 0.002 * abs(value) + 1e-9
