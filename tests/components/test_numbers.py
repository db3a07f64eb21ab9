"""Number probes: a value or a ratio against limits, and the minutes until it is full."""

import asyncio
import gzip
import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from components.egress import Egress
from components.outcomes import Expectation, Failure, Outcome, classify
from components.probers import PROBERS, InvalidProbeError, check
from components.probers.numbers import MAX_PAST_POINTS
from tests.components.test_probers import OWN, look
from tests.targets import Raw

RATIO = {"value": "$.used", "divided_by": "$.max", "limits": "degraded above 0.8, down above 0.98"}
SERIES = {
    "value": 'connections_used{pool="main"}',
    "divided_by": 'connections_max{pool="main"}',
    "limits": "degraded above 80%\ndown above 98%",
}


def told(reading):
    outcome, why = classify(reading, Expectation())
    return outcome.value, why


@pytest.mark.parametrize(
    ("used", "expected"),
    [
        (500, ("up", "")),
        (800, ("up", "")),
        (830, ("degraded", "$.used / $.max is 0.83 (830 of 1,000), above the limit of 0.8.")),
        (990, ("down", "$.used / $.max is 0.99 (990 of 1,000), above the limit of 0.98.")),
    ],
)
def test_a_ratio_in_json_is_held_against_its_limits(target, used, expected):
    target.json({"used": used, "max": 1000})
    reading = look("numbers", target.url, RATIO)
    assert told(reading) == expected
    assert float(reading.facts["value"]) == pytest.approx(used / 1000)
    assert (reading.status_code, reading.failure) == (200, Failure.LIMIT if used == 990 else None)


@pytest.mark.parametrize(("used", "outcome"), [(500, "up"), (830, "degraded"), (990, "down")])
def test_a_ratio_of_two_series(target, used, outcome):
    target.headers = {"Content-Type": "text/plain; version=0.0.4"}
    target.says = (
        f'connections_used{{pool="main"}} {used}\nconnections_used{{pool="other"}} 1\n'
        'connections_max{pool="main"} 1e3\n'
    ).encode()
    assert told(look("numbers", target.url, SERIES))[0] == outcome


@pytest.mark.parametrize(
    ("document", "options", "sentence"),
    [
        ({"max": 1}, RATIO, "The response has no value at $.used."),
        ({"used": 1, "max": 0}, RATIO, "$.max is 0, so there is no ratio."),
        ({"used": 1e300, "max": 1e-300}, RATIO, "$.used / $.max is too large a number."),
        ({"used": "12", "max": 1}, RATIO, "$.used is text, not a number."),
        ({"used": True, "max": 1}, RATIO, "$.used is true or false, not a number."),
        ({"used": None, "max": 1}, RATIO, "$.used is null, not a number."),
        ({"used": [1], "max": 1}, RATIO, "$.used is a list, not a number."),
        ({"used": float("nan"), "max": 1}, RATIO, "$.used is not a number (NaN)."),
        ({"used": 1, "max": float("inf")}, RATIO, "$.max is infinite."),
        ({"used": 10**400, "max": 1}, RATIO, "$.used is too large a number."),
        ([1, 2], {"value": "$[*]"}, "$[*] matches 2 numbers: name one, or set “If several match”."),
    ],
)
def test_a_number_that_is_not_there_is_unknown_with_a_sentence(target, document, options, sentence):
    target.json(document)
    reading = look("numbers", target.url, options)
    assert reading.failure is Failure.NO_DATA
    assert told(reading) == ("unknown", sentence)
    assert "value" not in reading.facts


@pytest.mark.parametrize("several", ["sum", "highest", "lowest"])
@pytest.mark.parametrize(
    ("numbers", "sentence"),
    [
        ((1, "NaN"), "x is not a number (NaN)."),
        (("NaN", 1), "x is not a number (NaN)."),
        (("+Inf", "-Inf"), "x is infinite."),
        ((1, "-Inf"), "x is infinite."),
    ],
)
def test_one_number_that_is_none_spoils_what_they_make_together(target, several, numbers, sentence):
    target.says = "".join(f'x{{a="{place}"}} {value}\n' for place, value in enumerate(numbers)).encode()
    reading = look("numbers", target.url, {"value": "x", "several": several})
    assert told(reading) == ("unknown", sentence)


def test_a_sum_that_is_too_large_is_unknown(target):
    target.json([1.7e308, 1.7e308])
    reading = look("numbers", target.url, {"value": "$[*]", "several": "sum"})
    assert told(reading) == ("unknown", "$[*] is too large a number.")


@pytest.mark.parametrize(
    ("body", "headers", "sentence"),
    [
        (b"", {}, "The response is not JSON."),
        (b'{"used": 1', {}, "The response is not JSON."),
        (b"<html>", {}, "The response is not JSON."),
        (b"[" * 100_000, {}, "The response is not JSON."),
        (b'{"used": 1, "x": "' + b"x" * 1024 * 1024 + b'"}', {}, "The response is larger than 1 MB."),
        (b'{"used": ' + b"9" * 5_000 + b"}", {}, "The response is not JSON."),
    ],
    ids=["empty", "cut", "html", "deep", "large", "digits"],
)
def test_what_is_no_document_is_unknown(target, body, headers, sentence):
    target.says, target.headers = body, headers
    assert told(look("numbers", target.url, {"value": "$.used"})) == ("unknown", sentence)


def test_a_page_instead_of_series_is_unknown(target):
    target.says = b"<html>"
    expected = ("unknown", "The response is a web page, not Prometheus text.")
    assert told(look("numbers", target.url, {"value": "x"})) == expected


@pytest.mark.parametrize(("several", "value"), [("sum", 6), ("highest", 3), ("lowest", 1)])
def test_several_numbers_are_joined_where_staff_say_how(target, several, value):
    target.json([1, 2, 3])
    reading = look("numbers", target.url, {"value": "$[*]", "several": several})
    assert reading.facts["value"] == str(value)
    target.says = b'x{a="1"} 1\nx{a="2"} 2\nx{a="3"} 3\n'
    assert look("numbers", target.url, {"value": "x", "several": several}).facts["value"] == str(value)


def test_gzip_redirects_and_charsets_are_read_as_everywhere(target):
    target.paths["/old"] = (302, {"Location": "/new"}, b"")
    packed = gzip.compress('{"größe": 7}'.encode("utf-16"))
    target.paths["/new"] = (200, {"Content-Encoding": "gzip"}, packed)
    assert look("numbers", f"{target.url}old", {"value": "$.größe"}).facts["value"] == "7"


def test_what_staff_typed_is_sent_and_json_is_asked_for(target):
    target.json({"used": 1})
    look("numbers", target.url, {"value": "$.used", "headers": "X-Key: 1"})
    look("numbers", target.url, {"value": "$.used", "headers": "accept: text/csv"})
    first, second = (headers for _, _, headers, _ in target.asked)
    assert (first["X-Key"], first["Accept"].partition(",")[0]) == ("1", "application/json")
    assert second["accept"] == "text/csv"


def test_an_error_or_nobody_there_is_down_or_unknown_as_staff_say(target):
    target.answers = 503
    reading = look("numbers", target.url, RATIO)
    assert told(reading) == ("down", "Responded with 503, which is not expected.")
    prober = PROBERS["numbers"]
    assert (prober.is_indirect({}), prober.is_indirect({"unread": "unknown"})) == (False, True)
    assert classify(reading, Expectation(is_indirect=True))[0] is Outcome.UNKNOWN
    nobody = look("numbers", "http://127.0.0.1:9/", RATIO)
    assert (nobody.failure, told(nobody)[0]) == (Failure.REFUSED, "down")


def test_a_number_beyond_its_limit_counts_also_when_others_are_asked(target):
    target.json({"used": 990, "max": 1000})
    reading = look("numbers", target.url, RATIO)
    assert classify(reading, Expectation(is_indirect=True))[0] is Outcome.DOWN


@pytest.mark.parametrize(
    ("options", "field", "part"),
    [
        ({}, "value", "Enter a JSON path"),
        ({"value": "$["}, "value", "not a valid JSON path"),
        ({"value": "two words"}, "value", "Write a JSON path"),
        ({"value": "x" * 501}, "value", "shorten it"),
        ({"value": "$.a", "divided_by": "series"}, "divided_by", "not one of each"),
        ({"value": "$.a", "limits": "down over nothing"}, "limits", "is not a number"),
        ({"value": "$.a", "limits": "high"}, "limits", "write “degraded above 0.8”"),
        ({"value": "$.a", "full_at": "0", "limits": "down above 5"}, "full_at", "before any limit “above”"),
        ({"value": "$.a", "full_at": "9", "limits": "down below 5"}, "full_at", "before any limit “below”"),
        ({"value": "$.a", "full_at": "much"}, "full_at", "is not a number"),
        ({"value": "$.a", "warn_minutes": "0"}, "warn_minutes", "Enter 1 to"),
        ({"value": "$.a", "warn_minutes": "x"}, "warn_minutes", "Enter a whole number."),
        ({"value": "$.a", "warn_minutes": "٣٠"}, "warn_minutes", "Enter a whole number."),
        ({"value": "$.a", "warn_minutes": "1_0"}, "warn_minutes", "Enter a whole number."),
        ({"value": "$.a", "warn_minutes": 1e400}, "warn_minutes", "Enter a whole number."),
        ({"value": "$.a", "warn_minutes": True}, "warn_minutes", "Enter a whole number."),
        ({"value": "$.a", "several": "mean"}, "several", "Choose one of"),
        ({"value": "$.a", "headers": {"a b": "1"}}, "headers", "is not a valid header name"),
    ],
)
def test_what_staff_enter_wrongly_names_the_field_and_the_mend(options, field, part):
    with pytest.raises(InvalidProbeError) as refused:
        PROBERS["numbers"].parse("http://example.org/", options)
    assert refused.value.field == field
    assert part in refused.value.sentence


def measure(target, options, past):
    """One check that was given its past: (minutes before, value)."""
    order = (
        PROBERS["numbers"].parse(target.url, options).with_past([(-60.0 * at, value) for at, value in past])
    )
    return asyncio.run(check("numbers", order, deadline_s=3.0, egress=Egress(OWN)))


FILLING = [(minutes, 0.7 - 0.01 * minutes) for minutes in range(20, 0, -1)]


def test_it_warns_before_it_is_full(target):
    target.json({"used": 700, "max": 1000})
    reading = measure(target, {**RATIO, "full_at": "1", "warn_minutes": "45"}, FILLING)
    sentence = "$.used / $.max is 0.7 (700 of 1,000), and will reach 1 in about 30 minutes at this pace."
    assert told(reading) == ("degraded", sentence)


def test_the_minutes_stand_beside_the_limit(target):
    target.json({"used": 830, "max": 1000})
    past = [(at, value + 0.13) for at, value in FILLING]
    reading = measure(target, {**RATIO, "full_at": "100%"}, past)
    sentence = (
        "$.used / $.max is 0.83 (830 of 1,000), above the limit of 0.8; will reach 1 in about 17 minutes"
    )
    assert told(reading) == ("degraded", f"{sentence} at this pace.")


@pytest.mark.parametrize(
    ("options", "past"),
    [
        ({"full_at": "1", "warn_minutes": "10"}, FILLING),  # in 30 minutes
        ({"full_at": "1", "warn_minutes": "45"}, FILLING[-3:]),
        ({"full_at": "1", "warn_minutes": "45"}, []),
        ({}, FILLING),
    ],
)
def test_it_does_not_warn_too_early_or_of_too_little(target, options, past):
    target.json({"used": 700, "max": 1000})
    assert told(measure(target, {**RATIO, **options}, past)) == ("up", "")


def test_a_number_that_falls_is_full_at_the_bottom(target):
    target.json({"free": 100})
    options = {"value": "$.free", "limits": "down below 5", "full_at": "0"}
    reading = measure(target, options, [(minutes, 100 + 5 * minutes) for minutes in range(20, 0, -1)])
    assert told(reading) == ("degraded", "$.free is 100, and will reach 0 in about 20 minutes at this pace.")


def test_without_limits_it_is_full_from_whichever_side_it_comes(target):
    target.json({"free": 100})
    falling = [(minutes, 100 + 5 * minutes) for minutes in range(20, 0, -1)]
    reading = measure(target, {"value": "$.free", "full_at": "0"}, falling)
    assert told(reading) == ("degraded", "$.free is 100, and will reach 0 in about 20 minutes at this pace.")
    assert told(measure(target, {"value": "$.free", "full_at": "0"}, []))[0] == "up"


def test_what_is_full_without_a_limit_is_degraded(target):
    target.json({"used": 1000, "max": 1000})
    reading = measure(target, {"value": "$.used", "divided_by": "$.max", "full_at": "1"}, [])
    assert told(reading) == ("degraded", "$.used / $.max is 1 (1,000 of 1,000), and has reached 1.")


@pytest.mark.parametrize(("interval_s", "minutes"), [(5, 20), (60, 30), (600, 300)])
def test_it_wants_enough_of_its_past_and_no_more(interval_s, minutes):
    options = {"value": "$.a", "full_at": "1", "warn_minutes": "10080"}
    order = PROBERS["numbers"].parse("http://example.org/", {**options, "warn_minutes": "1"})
    assert order.past_s(interval_s) >= min(600, 30 * interval_s)
    longest = PROBERS["numbers"].parse("http://example.org/", options).past_s(interval_s)
    assert longest <= max(600, MAX_PAST_POINTS * interval_s)
    assert PROBERS["numbers"].parse("http://example.org/", {"value": "$.a"}).past_s(interval_s) == 0


def test_a_large_page_does_not_hold_up_the_other_checks(target):
    line = b'http_requests{path="/%d",code="200",host="abcdefghijklmnopqrstuvwxyz"} 1\n'
    target.says = b"".join(line % n for n in range(9_900)) + b"# " + b"x" * 200_000 + b"\nwanted 3\n"
    order = PROBERS["numbers"].parse(target.url, {"value": "http_requests", "several": "sum"})
    gaps = []

    async def beat():
        while True:
            began = time.perf_counter()
            await asyncio.sleep(0.001)
            gaps.append(time.perf_counter() - began)

    async def go():
        task = asyncio.create_task(beat())
        reading = await check("numbers", order, deadline_s=20.0, egress=Egress(OWN))
        task.cancel()
        return reading

    assert asyncio.run(go()).facts["value"] == "9900"
    assert len(gaps) > 10  # the loop went round while it was parsed


def test_what_we_do_not_parse_in_time_is_our_own_fault(target):
    target.says = b"used 3\n" + b"# " + b"x" * 200_000
    order = PROBERS["numbers"].parse(target.url, {"value": "used"})
    busy = ThreadPoolExecutor(1)

    async def go():
        asyncio.get_running_loop().set_default_executor(busy)
        work = busy.submit(time.sleep, 3)
        reading = await check("numbers", order, deadline_s=1.0, egress=Egress(OWN))
        assert not work.done()
        return reading

    reading = asyncio.run(go())
    assert told(reading) == ("unknown", "Timed out after 1 s: parsing the response.")


def test_a_body_that_ends_with_the_connection_is_read_to_its_end():
    body = json.dumps({"used": 5}).encode()

    async def behave(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n" + body[:5])
        await writer.drain()
        await asyncio.sleep(0.3)
        writer.write(body[5:])
        await writer.drain()
        writer.close()

    with Raw(behave) as server:
        reading = look("numbers", f"http://127.0.0.1:{server.port}/", {"value": "$.used"})
    assert reading.facts["value"] == "5"


def test_an_error_page_that_never_ends_is_an_error():
    async def behave(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 503 Service Unavailable\r\n\r\nsorry")
        await writer.drain()
        await reader.read()

    with Raw(behave) as server:
        reading = look("numbers", f"http://127.0.0.1:{server.port}/", {"value": "$.used"}, deadline_s=4.0)
    assert (reading.failure, reading.excerpt) == (Failure.STATUS, "sorry")


def test_a_body_that_never_ends_is_cut_off_at_the_deadline():
    async def behave(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b'HTTP/1.1 200 OK\r\n\r\n{"used": 5')
        await writer.drain()
        await reader.read()  # until the probe leaves

    with Raw(behave) as server:
        reading = look("numbers", f"http://127.0.0.1:{server.port}/", {"value": "$.used"}, deadline_s=1.0)
    assert reading.failure is Failure.TIMEOUT_TRANSFER
