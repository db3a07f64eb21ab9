"""The demo's own balancer, where HAProxy is not installed: a failed health check is named as such."""

import subprocess
import sys

import httpx
import pytest

from components.diagnosis import Facts, diagnose
from statuspage.ops.supervisor import free_port
from tests.components.test_probers import look
from tests.whole import ROOT, wait_for


@pytest.fixture
def ports():
    """The shop's and the balancer's, both running."""
    shop, balancer = free_port(), free_port()
    module = [sys.executable, "-m"]
    commands = (
        [*module, "statuspage.ops.demo.shop", str(shop)],
        [*module, "statuspage.ops.demo.balancer", str(balancer), f"http://127.0.0.1:{shop}"],
    )
    processes = [subprocess.Popen(command, cwd=ROOT) for command in commands]
    yield shop, balancer
    for process in processes:
        process.kill()
        process.wait()


def status_of(port):
    try:
        return httpx.get(f"http://127.0.0.1:{port}/", timeout=5).status_code
    except httpx.HTTPError:
        return 0


def test_a_shop_that_fails_its_health_check_gets_no_requests_and_the_diagnosis_says_why(ports):
    shop, balancer = ports
    wait_for(lambda: status_of(balancer) == 200, 20)
    httpx.post(f"http://127.0.0.1:{shop}/mode/sick")
    assert status_of(shop) == 200
    wait_for(lambda: status_of(balancer) == 503, 20)
    reading = look("http", f"http://127.0.0.1:{balancer}/")
    facts = Facts(failure=str(reading.failure), status_code=reading.status_code, headers=reading.facts)
    assert diagnose(facts)[0].kind == "unhealthy"
    httpx.post(f"http://127.0.0.1:{shop}/mode/ok")
    wait_for(lambda: status_of(balancer) == 200, 20)
