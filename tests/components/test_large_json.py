"""One loop serves all probes: no JSON path holds it for long, whatever it is led through."""

import asyncio
import json
import time

import jsonpath
import pytest

from components import wire
from components.outcomes import Expectation, Failure, Outcome, classify
from components.probers import body
from components.probers.base import Clock
from components.probers.json_paths import compiled
from components.probers.json_walks import walk
from tests.components.test_probers import look

FLAT = b"[" + b",".join([b"[]"] * 300_000) + b"]"
DEEP = b"[" + b",".join([b"[" * 90 + b"]" * 90] * 5_500) + b"]"
NUMBERS = b"[" + b",".join([b"1"] * 500_000) + b"]"
ONE_LONG_TEXT = json.dumps({"text": "x" * 900_000, "list": [f"y{n}" for n in range(9_000)]}).encode()
PATTERNS = json.dumps([{"a": "x" * 9, "p": f"(a|{n}b)*c{'d?' * 40}"} for n in range(8_000)]).encode()
TWO_LISTS = json.dumps({"a": list(range(70_000)), "b": list(range(70_000))}).encode()
SERVICES = [
    {"name": f"service {n}", "status": "ok", "meta": {"region": "eu", "ms": 12.5, "ok": True}}
    for n in range(10_500)
]


@pytest.mark.parametrize(
    ("says", "path"),
    [
        (FLAT, "$..a"), (FLAT, "$..*"), (FLAT, "$[*]"), (FLAT, "$[?@.a == 1]"), (FLAT, "$[:]"),
        (DEEP, "$..a"), (DEEP, "$..*"), (DEEP, "$[*]..[*]..[*]"), (DEEP, "$[?@..a]"), (DEEP, "$[?$..a]"),
        (NUMBERS, "$..a"), (NUMBERS, "$[" + "0:9000," * 200 + "0]"),
        (ONE_LONG_TEXT, "$.list[?search($.text, @)]"), (ONE_LONG_TEXT, "$.list[?$.text contains @]"),
        (PATTERNS, "$[?match(@.a, @.p)]"),
        (TWO_LISTS, "$.a[?@ in $.b]"), (TWO_LISTS, "$.a[?$.b contains @]"), (TWO_LISTS, "$.a[*] & $.b[*]"),
    ],
)  # fmt: skip
def test_a_path_that_leads_past_too_many_values_is_too_large(target, says, path):
    target.says = says
    began = time.process_time()
    reading = look("http", target.url, {"json_path": path}, deadline_s=30)
    assert time.process_time() - began < 5
    assert (reading.failure, reading.status_code) == (Failure.TOO_LARGE, 200)
    assert reading.detail == "Too large for this JSON path: it leads past more than 200,000 values."
    assert classify(reading, Expectation())[0] is Outcome.DOWN
    assert classify(reading, Expectation(is_indirect=True))[0] is Outcome.UNKNOWN


@pytest.mark.parametrize("path", ["$..status", "$[*].status", "$[?@.meta.ok == true].status"])
def test_an_ordinary_answer_of_a_megabyte_is_not_too_large(target, path):
    target.json(SERVICES)
    assert 900_000 < len(target.says) <= 1024 * 1024
    assert look("http", target.url, {"json_path": path, "json_equals": "ok"}, deadline_s=30).failure is None
    SERVICES[-1]["status"] = "down"
    target.json(SERVICES)
    reading = look("http", target.url, {"json_path": path, "json_equals": "ok"}, deadline_s=30)
    SERVICES[-1]["status"] = "ok"
    assert (reading.failure, reading.detail) == (Failure.ASSERTION, "The JSON path finds down, not ok.")


@pytest.mark.parametrize("path", ["$[0].status", "$[-1].status"])
def test_a_path_straight_to_its_value_finds_it_in_any_answer(target, path):
    target.says = b"[" + b'{"status":"ok"},' * 60_000 + b'{"status":"ok"}]'
    assert look("http", target.url, {"json_path": path, "json_equals": "ok"}, deadline_s=30).failure is None


def test_a_large_answer_that_trickles_is_not_read_again_and_again():
    """It was parsed anew, four times a second, for a space that had come."""
    judged = []

    async def trickle():
        for _ in range(150):
            await asyncio.sleep(0.01)
            yield b" "

    def is_enough(answer):
        judged.append(len(answer.data))
        time.sleep(0.05)  # as a megabyte in JSON takes it
        return False

    head = wire.Head(200, "1.1", {})
    asyncio.run(body.read(trickle(), head, Clock(0.16), method="GET", is_enough=is_enough))
    assert 2 <= len(judged) <= 6


SHOP = {
    "shop": {
        "books": [
            {"title": "a", "price": 8, "tags": ["x", "y"]}, {"title": "b", "price": 12.5, "isbn": "1-2"},
            {"title": "c", "price": 9, "tags": []}, {"title": "a", "price": None},
        ],
        "bike": {"price": 20, "parts": [[1, [2, [3]]], {"price": 4}]}, "": "empty", "limit": 10,
    },
    "1": "one", "name": "shop",
}  # fmt: skip


@pytest.mark.parametrize(
    "path",
    [
        "$", "$.shop", "$.shop.*", "$..price", "$..*", "$..[0]", "$..[*]", "$.shop.books[-1:].title",
        "$.shop.books[::-1].title", "$.shop.books[0,2,0].title", "$..['price','title']", "$.shop['']",
        "$.shop.books[?@.price < $.shop.limit].title", "$..[?@.price]", "$..[?@.isbn =~ /\\d-.*/].title",
        "$..[?match(@.title, '[ab]')].title", "$..[?count(@.tags[*]) > 1].title", "$[1]", "shop.bike",
        "$.shop.books[?'x' in @.tags].title", "$.shop.~", "$..[?count(@..price) == 2].name",
        "$[?length(@) == 4]", "^[*].name", "$.shop.books[0].title | $.name", "$.shop[~'bike']",
        "$..title & $.shop.books[1:].title", "$.shop.books[?@.title == $.shop.books[3].title].price",
        "$.*.*[?# == 'price']", "$.shop[~?@.price]", "$..books..[0]", "$.missing",
        "$..parts..*", "$.shop.books[?value(@..price) == 9].title",
    ],
)  # fmt: skip
def test_a_walk_finds_what_the_library_finds(path):
    for document in (SHOP, [SHOP, [SHOP]], [], {}, 1, None):
        assert walk(compiled(path), document) == jsonpath.findall(path, document)


@pytest.mark.parametrize(
    "path",
    ["$.a[?$.t contains @]", "$.a[?@ in $.t]", "$.a[?@ in $.o]", "$.a[?$.o contains @]", "$.a[?@ in @]"],
)
def test_what_can_be_in_no_text_is_not_in_it(target, caplog, path):
    target.json({"a": [1, None, {}, [1], True], "t": "1", "o": {"1": 1}})
    reading = look("http", target.url, {"json_path": path})
    assert (reading.failure, reading.detail) == (Failure.PROTOCOL, "The JSON path finds nothing.")
    assert not caplog.records


@pytest.mark.parametrize("text", ["ok", "[broken", "{", "12", "true"])
def test_an_answer_that_is_a_text_is_that_text(target, text):
    target.json(text)
    reading = look("http", target.url, {"json_path": "$", "json_equals": json.dumps(text)})
    assert (reading.failure, reading.detail) == (None, "")
