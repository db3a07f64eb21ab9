"""What is wished for: compared by value, and never a wish that can not, or can only, come true."""

import pytest

from components.outcomes import Failure
from components.probers import PROBERS, InvalidProbeError
from tests.components.test_probers import look


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"json_equals": "ok"}, "json_equals"),  # nothing would be compared: always up
        ({"expect_header_value": "nosniff"}, "expect_header_value"),
        ({"expect_header": "Content-Type:"}, "expect_header"),  # never there: always down
        ({"expect_header": "Content Type"}, "expect_header"),
        *[({name: "a\udcff"}, name) for name in ("body", "expect_text", "expect_regex", "headers")],
        ({"headers": {"X": "a\ud800"}}, "headers"),
        ({"headers": {"": "x"}}, "headers"),
    ],
)
def test_a_wish_that_cannot_be_judged_is_refused(options, field):
    with pytest.raises(InvalidProbeError) as refused:
        PROBERS["http"].parse("http://127.0.0.1/", options)
    assert refused.value.field == field
    assert len(refused.value.sentence) > 20


@pytest.mark.parametrize("expected", ["301", "301,302", "301-303"])
def test_a_redirect_that_is_expected_is_the_answer(target, expected):
    target.answers, target.headers = 301, {"Location": target.url + "else"}
    assert look("http", target.url, {"expected_status": expected}).failure is None
    target.answers = 200
    assert look("http", target.url, {"expected_status": expected}).failure is Failure.STATUS


@pytest.mark.parametrize(
    ("wish", "value", "is_same"),
    [
        ('{"b":2,"a":1}', {"a": 1, "b": 2}, True),
        ("[1,2]", [1, 2], True),
        ('["ü"]', ["ü"], True),
        ("1", 1, True), ("1", "1", True), ("1", True, False), ("true", True, True), ("True", True, False),
        ("null", None, True), ("1.50", 1.5, True), ("1e3", 1000, True), ("01", 1, False), ("2", 1, False),
        ('"ok"', "ok", True), ("ok", "ok", True),
        ("[2,1]", [1, 2], False), ("Ok", "ok", False), ("NaN", 0, False),
    ],
)  # fmt: skip
def test_json_is_compared_by_value(target, wish, value, is_same):
    target.json({"it": value})
    reading = look("http", target.url, {"json_path": "$.it", "json_equals": wish})
    assert (reading.failure is None) == is_same


@pytest.mark.parametrize(
    "path",
    [
        "$[" + "9" * 5000 + "]", "$[?@.a==1e999]", "$[?@.a==" + "9" * 5000 + "]", "$[?@.a =~ /(a/]",
        "$[?@.a =~ /(?=a)/]", "$" + "(" * 3000, "$[?@.a == '\ud800' || @.a =~ /\ud800/]",
    ],
)  # fmt: skip
def test_a_path_that_is_none_is_refused_by_its_field(path):
    with pytest.raises(InvalidProbeError) as refused:
        PROBERS["http"].parse("http://127.0.0.1/", {"json_path": path})
    assert refused.value.field == "json_path"
    assert "\n" not in refused.value.sentence


@pytest.mark.parametrize(
    "pattern", ["[?@.a =~ /(a|aa)+$/]", "[?match(@.a, '(a|aa)+$')]", "[?search(@.a, $[0].p)]"]
)
def test_a_pattern_in_a_path_cannot_run_away(target, pattern):
    """It held up every other check of the worker, and its own deadline."""
    target.json([{"a": "a" * 60 + "b", "p": "^(a|aa)+$"}, {"a": "aaa"}])
    reading = look("http", target.url, {"json_path": f"${pattern}.a", "json_equals": "aaa"})
    assert (reading.failure, reading.total_ms < 2000) == (None, True)
