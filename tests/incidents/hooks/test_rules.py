"""When a hook may be called: each rule alone, as a table."""

from dataclasses import replace

import pytest

from components.diagnosis.causes import KINDS
from incidents.hooks import targets
from incidents.hooks.rules import CAUSES, NEVER, Failing, Situation, refusal
from tests.making import NOW, after

MAY = Situation(
    now=NOW, failing=Failing(frozenset({"refused"}), frozenset({"not_started"})), cooldown_s=60, budget=2,
    window_s=600, deploy_quiet_s=300, deployed_at=after(seconds=-300), last_at=after(seconds=-60),
    calls=[after(seconds=-600), after(seconds=-599)],
)  # fmt: skip
NOT = {
    "the brake is on": {"is_braked": True},
    "not armed": {"is_armed": False},
    "over": {"is_over": True},
    "owned": {"is_owned": True},
    "refused": {"is_refused": True},
    "set by hand": {"is_set_by_hand": True},
    "worked on": {"is_worked_on": True},
    "just deployed": {"deployed_at": after(seconds=-299)},
    "a deploy of a clock that is ahead": {"deployed_at": after(seconds=20)},
    "works": {"failing": None},
    "another failure": {"failures": ["status"]},
    "another cause": {"causes": ["overload"]},
    "the cause is only possible": {
        "causes": ["overload"],
        "failing": Failing(possible=frozenset({"overload"})),
    },
    "no cause is known": {"causes": ["overload"], "failing": Failing(frozenset({"refused"}))},
    "busy": {"is_busy": True},
    "called just now": {"last_at": after(seconds=-59)},
    "the budget is used up": {"calls": [after(seconds=-599), after(seconds=-1)]},
}


def test_it_may_be_called_at_the_edge_of_every_limit():
    assert refusal(MAY) == ""
    assert refusal(replace(MAY, is_owned=True, is_approved=True)) == ""


@pytest.mark.parametrize("name", NOT)
def test_one_reason_is_enough(name):
    assert refusal(replace(MAY, **NOT[name])).endswith(".")


@pytest.mark.parametrize("cause", NEVER)
def test_no_hook_is_called_for_these_causes_whatever_else_is_named(cause):
    both = Failing(frozenset({"refused"}), frozenset({"not_started"}), frozenset({"not_started", cause}))
    assert NEVER[cause] in refusal(replace(MAY, failing=both, causes=["not_started"]))


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("http://ops.example/restart", "ops.example/restart"),
        ("https://ops.example/restart/?unit=chat", "ops.example/restart"),
        ("https://ops.example:8443/a/../restart", "ops.example:8443/restart"),
        ("https://OPS.example", "ops.example/"),
        ("http://[::1]:9000/x", "[::1]:9000/x"),
    ],
)
def test_one_target_however_it_is_written(url, target, settings):
    settings.EGRESS_ALLOW = ["::1/128"]
    assert targets.target_of(targets.checked_url(url)) == target


@pytest.mark.parametrize(
    "url",
    ["ops.example", "ftp://ops.example/", "http://ada:x@ops.example/", "http://10.0.0.7/", "http:///x",
     "http://ops.example:0/", "http://2130706433/", "http://ops.example/" + "x" * 500],
)  # fmt: skip
def test_an_address_that_cannot_be_called_is_refused_with_a_sentence(url, settings):
    settings.EGRESS_ALLOW = []
    with pytest.raises(Exception, match=r"\.") as refused:
        targets.checked_url(url)
    assert "Authorization" not in str(refused.value)


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_YWJj", "geheim", "whsec_!!!", "c2VjcmV0" * 6])
def test_a_secret_that_cannot_sign_is_refused(secret):
    with pytest.raises(Exception, match="whsec_"):
        targets.checked_secret(secret)


def test_every_cause_that_is_offered_or_held_back_is_one_that_a_diagnosis_names():
    assert CAUSES.keys() | NEVER.keys() <= KINDS.keys()
    assert not CAUSES.keys() & NEVER.keys()
