"""What a region with a valid key can do beyond its own results: nothing, whatever it sends."""

import json

import pytest
from django.test import Client
from django.utils import timezone

from components.models import Check, Probe
from components.regions.messages import MAX_FACT_LENGTH, MAX_FACTS, RESULTS_PATH, WORK_PATH
from statuspage.api import region_views
from statuspage.models import Role
from tests.people import person
from tests.statuspage.api.far_region import Region, far_probe, result

DEEP = 500  # JSON is still read so deep, and functions that call themselves go no further
ODD = {"note": 5, "steps": [[[]]], "reason": {"a": [1]}, "value": None, "list": [1], "server": True}


def sent(far, **reading):
    """The check that is stored of a failure with these fields."""
    far_probe()
    row = result(far.orders()[0], failure="status", **reading)
    said = far.results(row)
    assert (said.status_code, said.json()["settled"]) == (200, 1)
    return Check.objects.get()


def test_facts_are_short_texts_and_few(far):
    facts = {f"n{number}": "x" * 300 for number in range(MAX_FACTS + 20)}
    check = sent(far, facts={"long": "é" * 9_000, "x" * 500: "y", **facts})
    assert len(check.facts) == MAX_FACTS
    assert max(map(len, check.facts.values())) == MAX_FACT_LENGTH
    assert max(map(len, check.facts)) <= 60


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_facts_that_are_nested_deeply_are_left_out(far, opening):
    far_probe()
    row = json.dumps(result(far.orders()[0], failure="status", facts={"deep": 0, "server": "nginx"}))
    closing = {"[": "]", '{"a":': "}"}[opening]
    deep = opening * DEEP + "1" + closing * DEEP
    body = f'{{"results": [{row}]}}'.replace('"deep": 0', f'"deep": {deep}')
    said = far.post(RESULTS_PATH, body.encode())
    assert said.status_code == 200, said.content
    assert Check.objects.get().facts == {"server": "nginx"}


def test_no_fact_breaks_a_page_of_staff(far):
    check = sent(far, facts={**ODD, "location": "http://x.example/?a=b"})
    assert check.facts == {"location": "http://x.example/?a=b"}
    Probe.objects.update(outcome="down", since=timezone.now())
    client = Client()
    client.force_login(person("root", Role.ADMIN))
    for path in (f"/console/probes/{check.probe.public_id}", "/console/", "/console/probes"):
        assert client.get(path).status_code == 200, path


def test_no_text_speaks_to_a_terminal_or_turns_a_line_round(far):
    odd = "a\x1b[2J\x9b\u202eb\0c"
    check = sent(far, detail=odd, excerpt=odd, facts={odd: odd})
    ((name, fact),) = check.facts.items()
    for text in (check.detail, check.excerpt, name, fact):
        assert text.isprintable(), text


@pytest.mark.parametrize("run", ["a\0b", "a b", "<b>", "\u202e", "x" * 65, "é"])
def test_the_name_of_a_run_is_plain(far, run):
    response = far.post(WORK_PATH, {"run": run})
    assert response.status_code == 400
    assert "“run”" in response.json()["error"]


def test_a_key_says_nothing_about_other_regions(far):
    """By their claims, their names, or their probes."""
    near = far_probe(name="Near", region="near")
    other = Region("near")
    order = other.orders()[0]
    for name in ("far", "near"):
        row = {**result(order, failure="refused"), "region": "near"}
        said = far.post(RESULTS_PATH, {"results": [row], "region": "near"}, name=name)
        assert said.status_code == (200 if name == "far" else 401)
    near.refresh_from_db()
    assert (near.outcome, near.run, Check.objects.count()) == ("unknown", [], 0)
    assert other.results(result(order)).json()["settled"] == 1


def test_agents_that_share_the_work_are_no_crashes_of_each_other(far):
    """Each asks once a second, while a check takes ten of them."""
    far_probe()
    far.work(run="first")
    crashes = Probe.objects.get().attempts
    for _ in range(5):
        far.work(run="second")
        far.work(run="first")
    assert Probe.objects.get().attempts <= crashes + 1  # the second one has started once
    for number in range(3):
        far.work(run=f"again-{number}")
    assert Probe.objects.get().attempts >= crashes + 3  # and one that starts again and again is seen


def test_a_stolen_key_cannot_fill_the_database_with_late_results(far, monkeypatch):
    """Any slot of the last weeks may be claimed: how many were given out, nobody knows any more."""
    monkeypatch.setattr(region_views, "LATE", region_views.Rate(100, 0))
    far_probe()
    order = far.orders()[0]
    assert far.results(result(order)).json()["settled"] == 1
    probe_id, slot, token = order["claim"]
    rows = [{**result(order), "claim": [probe_id, slot - 1 - number, token]} for number in range(200)]
    said = far.results(*rows).json()
    assert (said["kept"], said["dropped"], Check.objects.count()) == (100, 100, 101)
    assert far.results(*rows).json()["kept"] == 0
