"""Who watches us: each process killed, and stopped by SIGSTOP, and the clock put back and on.

Nobody restarts anything while we look (the supervisor is suspended); then it may. Seen from outside: from
which second on /healthz, the page, or no answer at all says that something is wrong. Figures: docs/faults.md.
"""

import os
import signal
import threading
import time

import httpx
import psutil
import pytest

from tests.clock import WallClock
from tests.faults.faults import IS_LONG, only_long, report
from tests.targets import Target
from tests.whole import wait_for

EVERY_S = 0.25
SPARE_S = 15  # heartbeats are written every 5 s, the page is rendered every 10 s; and a busy machine
LOOP_S = 60  # the deadline of every loop
PAGE_S = 5 + 3 * 5 + SPARE_S  # a result holds for its interval, and three may be missing
NEVER = None

# (role, within how many seconds /healthz must not be green, and the page)
FAULTS = {
    "beat": (LOOP_S, PAGE_S),
    "worker": (LOOP_S, PAGE_S),
    "post": (LOOP_S, NEVER),  # what the page says stays true
    "web": (0, 0),  # no answer is not green
    "valkey": (LOOP_S, PAGE_S),
}


class Outside:
    """Somebody who looks at /healthz and the page all the time; `None` is no answer."""

    def __init__(self, url):
        self.url, self.seen = url, []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join(10)

    def _look(self):
        while not self._stop.wait(EVERY_S):
            at = time.monotonic()
            self.seen.append((at, self._ask("/healthz"), self._ask("/api/v2/status.json")))

    def _ask(self, path):
        try:
            answer = httpx.get(f"{self.url}{path}", timeout=2)
        except httpx.HTTPError:
            return None
        if path == "/healthz":
            return answer.status_code
        return answer.json()["status"]["indicator"] if answer.status_code == 200 else None

    def green_for(self, place, green, since):
        """For how long it was green after `since` (s), until it was not; None: to the end."""
        after = [row for row in self.seen if row[0] >= since]
        return next((round(row[0] - since, 1) for row in after if row[place] != green), None)

    def why(self):
        """What /healthz fails on now."""
        try:
            checks = httpx.get(f"{self.url}/healthz", timeout=2).json()["checks"]
        except (httpx.HTTPError, ValueError):
            return "no answer"
        return ", ".join(name for name, (check,) in checks.items() if check["status"] == "fail")


def is_well(whole):
    try:
        is_green = httpx.get(f"{whole.url}/healthz", timeout=2).status_code == 200
        return is_green and whole.json("/api/v2/status.json")["status"]["indicator"] == "none"
    except (httpx.HTTPError, ValueError):
        return False


def signal_group(whole, role, number):
    os.killpg(whole.child(role).pid, number)


def judged(seen, limit_s, what):
    if limit_s is NEVER:
        assert seen is None, f"{what} was not green after {seen} s, though it is true"
    else:
        assert seen is not None, f"{what} stayed green"
        assert seen <= limit_s + SPARE_S, f"{what} was green for {seen} s, {limit_s} s are the limit"


CASES = [
    pytest.param(role, number, marks=() if (role, number) == ("post", "SIGSTOP") else only_long)
    for role in FAULTS
    for number in ("SIGKILL", "SIGSTOP")
]


@pytest.mark.parametrize(("role", "number"), CASES)
def test_a_process_that_dies_or_hangs_is_not_green_for_longer_than_its_limit(whole, role, number):
    health_s, page_s = FAULTS[role]
    env = {} if IS_LONG else {"WORKER_SILENCE_S": "10"}  # the deadline of the message worker
    if env and role == "post":
        health_s = 10
    if (
        role == "valkey"
    ):  # one worker that does everything goes on without it: tests/statuspage/ops/test_up.py
        env["PROCESSES"] = "many"
    with Target() as target:
        whole.start(**env)
        whole.watch(target.url, "Shop")
        wait_for(lambda: is_well(whole) and whole.status_of("Shop") == "operational", 90)
        supervisor = psutil.Process(whole.process.pid)
        supervisor.suspend()
        with Outside(whole.url) as outside:
            began = time.monotonic()
            signal_group(whole, role, signal.Signals[number])
            longest = max(health_s, page_s or 0) + SPARE_S
            wait_for(lambda: time.monotonic() - began > 3 and _is_seen(outside, began, page_s), longest + 5)
            time.sleep(2)
            why = outside.why()
        supervisor.resume()
        resumed = time.monotonic()
        wait_for(lambda: is_well(whole), 150)
        well_s = round(time.monotonic() - resumed, 1)
        health, page = outside.green_for(1, 200, began), outside.green_for(2, "none", began)
        report(
            17, what=f"{role} {number}", healthz_green_s=health, page_green_s=page, healthz_says=why,
            well_again_s=well_s,
        )  # fmt: skip
        assert role == "web" or not whole.incidents()  # our own probe of the page sees that it is away
    judged(health, health_s, "/healthz")
    judged(page, page_s, "the page")


def _is_seen(outside, began, page_s):
    seen = outside.green_for(1, 200, began) is not None
    return seen and (page_s is NEVER or outside.green_for(2, "none", began) is not None)


@only_long
@pytest.mark.parametrize("step_s", [-3600, 3600, 90, -90])
def test_a_clock_that_steps_opens_no_incident_and_all_is_well_again(whole, tmp_path, step_s):
    clock = WallClock(tmp_path)
    with Target() as target:
        whole.start(**clock.env)
        whole.watch(target.url, "Shop")
        wait_for(lambda: is_well(whole) and whole.status_of("Shop") == "operational", 90)
        with Outside(whole.url) as outside:
            began = time.monotonic()
            clock.step(step_s)
            time.sleep(60)
            wait_for(lambda: is_well(whole), 120)
        red = [row for row in outside.seen if row[0] >= began and row[1] != 200]
        unknown = [row for row in outside.seen if row[0] >= began and row[2] != "none"]
        asked = len(target.asked)
        wait_for(lambda: len(target.asked) > asked, 20)
        report(
            17, what=f"clock {step_s:+d} s", healthz_red_s=round(EVERY_S * len(red), 1),
            page_not_green_s=round(EVERY_S * len(unknown), 1), incidents=len(whole.incidents()),
        )  # fmt: skip
        assert not whole.incidents()


BLIND = """
from components.models import Probe
Probe.queue.filter(kind="self_test").update(confirm_down=100)
"""


@only_long
def test_failures_that_are_not_noticed_are_noticed(whole):
    """Everything runs and reports, yet no outage would be found."""
    with Target() as target:
        whole.start()
        whole.watch(target.url, "Shop")
        wait_for(lambda: is_well(whole), 90)
        age_s = _age(whole)
        whole.manage("shell", "-v0", "-c", BLIND)
        with Outside(whole.url) as outside:
            began = time.monotonic()
            wait_for(lambda: outside.green_for(1, 200, began), 300, every_s=1)
            why = outside.why()
        green = outside.green_for(1, 200, began)
        report(17, what="no failure is noticed any more", healthz_green_s=green, healthz_says=why)
        assert why == "selfTest:lastNoticed"
        assert green + age_s <= 240 + SPARE_S
        assert not whole.incidents()


def _age(whole):
    try:
        (check,) = whole.json("/healthz")["checks"]["selfTest:lastNoticed"]
    except httpx.HTTPError:
        return 999
    return check.get("observedValue", 999) or 0.1
