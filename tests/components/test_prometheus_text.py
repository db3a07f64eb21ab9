"""Series read out of Prometheus text and OpenMetrics, and what is said when there is none."""

import contextlib
import math
import time

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.openmetrics import exposition as openmetrics

from components.prometheus_text import MAX_LINES, SeriesError, selector, values

PROMETHEUS = b"""# HELP http_requests_total The total number of HTTP requests.
# TYPE http_requests_total counter
http_requests_total{method="post",code="200"} 1027 1395066363000
http_requests_total{method="post",code="400"}    3 1395066363000

# Escaping in label values:
msdos_file_access_seconds{path="C:\\\\DIR\\\\FILE.TXT",error="Cannot find:\\n\\"FILE.TXT\\""} 1.458255915e9
metric_without_timestamp_and_labels 12.47
something_weird{problem="division by zero"} +Inf -3982045
not_a_number NaN
negative -Inf
# TYPE connections gauge
connections_used{pool="main"} 830
connections_used_total 5
\tindented\t7
{"utf8.name", a="b"} 8
this line is odd and of another name
"""
OPENMETRICS = b"""# TYPE foo counter
# UNIT foo seconds
foo_total{a="b"} 17.0 1520879607.789 # {trace_id="KOO5S4vxi0o x"} 0.67 1520879607.7
foo_created{a="b"} 1520430000.123
# TYPE bar histogram
bar_bucket{le="0.1"} 8 # {} 0.054
bar_bucket{le="+Inf"} 17
bar_count 17
bar_sum 324789.3
# EOF
"""
OF_OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


def one(data, text, content_type="text/plain; version=0.0.4"):
    (found,) = values(data, content_type, [selector(text)])
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('http_requests_total{code="400"}', [3]),
        ('http_requests_total{method="post"}', [1027, 3]),
        ("http_requests_total", [1027, 3]),
        ('http_requests_total{ code="200", method="post", }', [1027]),
        (r'msdos_file_access_seconds{path="C:\\DIR\\FILE.TXT"}', [1.458255915e9]),
        (r'msdos_file_access_seconds{error="Cannot find:\n\"FILE.TXT\""}', [1.458255915e9]),
        ("metric_without_timestamp_and_labels", [12.47]),
        ("something_weird", [math.inf]),
        ("negative", [-math.inf]),
        ("connections_used", [830]),  # and not connections_used_total
        ("indented", [7]),
        ('{"utf8.name"}', [8]),
    ],
)
def test_a_series_is_found_by_its_name_and_equal_labels(text, expected):
    assert one(PROMETHEUS, text) == expected
    assert one(PROMETHEUS.replace(b"\n", b"\r\n"), text) == expected


def test_nan_is_read_as_it_is():
    (value,) = one(PROMETHEUS, "not_a_number")
    assert math.isnan(value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("foo_total", 17), ("foo_created", 1520430000.123), ('bar_bucket{le="0.1"}', 8), ("bar_sum", 324789.3)],
)
def test_openmetrics_is_read_with_exemplars_and_created(text, expected):
    assert one(OPENMETRICS, text, OF_OPENMETRICS) == [expected]


def test_what_the_client_library_writes_is_read_in_both_formats():
    registry = CollectorRegistry()
    used = Gauge("connections_used", "Open ones", ["pool"], registry=registry)
    used.labels('main "blue"\n').set(830)
    sent = Counter("messages", "Sent", registry=registry)
    sent.inc(7, exemplar={"trace_id": "a b"})
    Histogram("seconds", "Took", registry=registry).observe(0.2, exemplar={"trace_id": "c"})
    for write in (generate_latest, openmetrics.generate_latest):
        data = write(registry)
        kind = OF_OPENMETRICS if write is openmetrics.generate_latest else "text/plain"
        assert one(data, r'connections_used{pool="main \"blue\"\n"}', kind) == [830]
        assert one(data, "messages_total", kind) == [7]
        assert one(data, 'seconds_bucket{le="0.25"}', kind) == [1]
        assert one(data, "messages_created", kind)[0] > 1e9


@pytest.mark.parametrize(
    ("data", "content_type", "text", "sentence"),
    [
        (PROMETHEUS, "", "nope", "The response has no series nope."),
        (PROMETHEUS, "", 'connections_used{pool="x"}',
         'The response has connections_used, but not with the labels of connections_used{pool="x"}.'),
        (b"<!doctype html><p>x 3", "text/html", "x", "The response is a web page, not Prometheus text."),
        (b"", "", "x", "The response has no series x."),
        (OPENMETRICS[:-10], OF_OPENMETRICS, "bar_sum", "The response was cut: it does not end with # EOF."),
        (b"x many", "", "x", "A line of x cannot be read."),
        (b"x", "", "x", "The response has no series x."),
        (b"x{a=3} 1", "", "x", "A line of x cannot be read."),
        (b"x{a=\"3\" 1", "", "x", "A line of x cannot be read."),
        (b"x " + b"9" * 400, "", "x", "A line of x cannot be read."),
        (b"x{a=\"" + b"y" * 9000 + b"\"} 1", "", "x", "A line of x is longer than 8,192 bytes."),
        (b"y 1\n" * (MAX_LINES + 1), "", "x", "The response has more than 100,000 lines."),
        (b'x{a="b"} 1\n' * 20_000, "", "x", "There are more than 10,000 series x."),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_a_sentence(data, content_type, text, sentence):
    with pytest.raises(SeriesError) as error:
        one(data, text, content_type)
    assert str(error.value) == sentence


@pytest.mark.parametrize(
    "text", ["", "a b", "{", "a{b}", "x 3", "# TYPE", "a{b=c}", 'a{b="c"', "ä", "a\nb", "9a"]
)
def test_what_is_no_selector_is_refused(text):
    with pytest.raises(ValueError):  # noqa: PT011 - the prober's own sentence names the mend
        selector(text)


@pytest.mark.parametrize(
    "line",
    [
        b'x{a="bcdefghijklmnopqrstuvwxyzbcdefghijklmnopqrstuvwxyz"} 1\n' * 9_999,
        (b'x{a="' + b"\\\\" * 4000 + b'"} 1\n') * 120,
        (b'x{a="' + b'\\"' * 4000 + b'"} 1\n') * 120,
        (b"x{" + b",".join(b'a%d=""' % n for n in range(900)) + b"} 1\n") * 130,
        b"x " * 400_000,
    ],
    ids=["many series", "backslashes", "quotes", "labels", "one line"],
)
def test_a_hostile_page_is_done_in_time(line):
    began = time.process_time()
    with contextlib.suppress(SeriesError):
        one(line, "x")
    assert time.process_time() - began < 5
