"""A region that sees nothing says nothing: its checks fail, and so do its canaries."""

import asyncio
import socket
import time

import pytest

from components.canaries import FORGET_S, Canaries, refused
from components.checking import Checker, CheckRequest
from components.egress import Egress
from components.models.claims import Claim
from components.outcomes import Failure, Reading
from components.probers import EVERY_PROBER

FAILED = Reading(5.0, Failure.REFUSED, "Nothing is listening on port 9: connection refused.")
PASSED = Reading(5.0, status_code=200)


@pytest.fixture
def listening():
    """A port that accepts connections."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def closed():
    """A port where nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    return f"127.0.0.1:{port}"


def judge(targets, readings, *, began=None):
    """Each reading as it is judged, one after the other; and whether the region is thought blind."""

    async def run():
        canaries = Canaries(targets, egress=Egress(["127.0.0.0/8"]))
        at = time.monotonic() if began is None else began
        judged = [await canaries.judged(reading, at) for reading in readings]
        return [reading.failure for reading in judged], canaries.is_blind

    return asyncio.run(run())


def test_a_failure_counts_while_a_canary_answers(listening, closed):
    assert judge([closed, listening], [FAILED]) == ([Failure.REFUSED], False)


def test_when_all_canaries_fail_as_well_nothing_is_known(closed):
    assert judge([closed, closed], [FAILED, FAILED]) == ([Failure.OWN_FAULT] * 2, True)


def test_what_the_canary_met_is_said(closed):
    async def run():
        canaries = Canaries([closed], egress=Egress(["127.0.0.0/8"]))
        return await canaries.judged(FAILED, time.monotonic())

    assert "its canaries fail as well (Nothing is listening on port" in asyncio.run(run()).detail


def test_canaries_that_are_down_alone_hide_no_outage(closed):
    """Most checks that began since pass: this region sees."""
    assert judge([closed], [PASSED, PASSED, FAILED]) == ([None, None, Failure.REFUSED], False)


def test_what_was_seen_before_the_failing_check_began_is_no_sight_now(closed):
    async def run():
        canaries = Canaries([closed], egress=Egress(["127.0.0.0/8"]))
        for _ in range(20):
            await canaries.judged(PASSED, time.monotonic() - 30)
        return await canaries.judged(FAILED, time.monotonic())

    assert asyncio.run(run()).failure is Failure.OWN_FAULT


def test_an_answer_that_is_not_as_expected_was_seen(closed):
    wrong = Reading(5.0, Failure.STATUS, "Responded with 503, which is not expected.", status_code=503)
    assert judge([closed], [wrong]) == ([Failure.STATUS], False)


def test_a_region_that_sees_again_is_not_blind(closed):
    assert judge([closed], [FAILED, PASSED]) == ([Failure.OWN_FAULT, None], False)


def test_what_never_leaves_this_machine_is_no_sight(listening, closed):
    """The self-test and reported probes end well without any network: they outvote no failing check."""
    targets = {"http": f"http://{listening}/", "self_test": "", "heartbeat": "5 min"}
    orders = {kind: EVERY_PROBER[kind].parse(target, {}) for kind, target in targets.items()}
    found = []
    checker = Checker(found.extend, egress=Egress(["127.0.0.0/8"]), canaries=[closed])
    checker.submit(
        CheckRequest(Claim(number, int(time.time()), 1, "local"), kind, orders[kind], 1.0)
        for number, kind in enumerate(["http", *["self_test"] * 3, *["heartbeat"] * 3])
    )
    while len(found) < 7:
        time.sleep(0.02)
    assert checker.canaries.is_blind
    assert [finding.reading.failure for finding in found if finding.claim.probe_id == 0] == [
        Failure.OWN_FAULT
    ]


def test_a_region_without_checks_is_not_blind_for_ever(closed):
    async def run():
        canaries = Canaries([closed], egress=Egress(["127.0.0.0/8"]))
        began = time.monotonic()
        await canaries.judged(FAILED, began)
        states = [canaries.is_blind]
        for later in (FORGET_S - 1, FORGET_S + 1):
            canaries.forget_old(began + later)
            states.append(canaries.is_blind)
        return states

    assert asyncio.run(run()) == [True, True, False]


def test_any_answer_of_a_canary_is_sight(listening):
    """Also one that is no HTTP: somebody is there."""
    assert judge([f"http://{listening}/"], [])[1] is False


def test_without_canaries_nothing_changes():
    assert judge([], [FAILED]) == ([Failure.REFUSED], False)


def test_many_failures_at_once_ask_the_canaries_once(closed):
    async def run():
        canaries = Canaries([closed], egress=Egress(["127.0.0.0/8"]))
        began = time.monotonic()
        asked = []
        real = canaries._ask

        async def counted():
            asked.append(1)
            await asyncio.sleep(0.05)
            return await real()

        canaries._ask = counted
        await asyncio.gather(*(canaries.judged(FAILED, began) for _ in range(200)))
        return len(asked)

    assert asyncio.run(run()) == 1


@pytest.mark.parametrize(
    ("targets", "word"),
    [(["nonsense"], "port"), (["127.0.0.1:99999"], "port"), (["https://"], ""), (["ok.example:443"], None)],
)
def test_what_cannot_be_asked_is_refused_at_the_start(targets, word):
    sentence = refused(targets)
    assert sentence == "" if word is None else word in sentence and sentence
