"""The real Alertmanager of Debian reports to a real web process."""

import shutil
import subprocess
import time
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from components.models import Component, Probe, Signal
from statuspage.ops.supervisor import free_port
from tests.whole import wait_for

PROGRAM = shutil.which("prometheus-alertmanager")
pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        PROGRAM is None, reason="Alertmanager is not installed: apt-get install prometheus-alertmanager"
    ),
]
CONFIG = """
route:
  receiver: status-page
  group_by: [alertname]
  group_wait: 100ms
  group_interval: 1s
  repeat_interval: 2s
receivers:
  - name: status-page
    webhook_configs:
      - url: {url}
        max_alerts: 2
        http_config:
          authorization:
            credentials: t0ken
"""


@pytest.fixture
def probe(web):
    component = Component.objects.create(name="API")
    options = {"auth": "bearer", "secret": "t0ken"}
    return Probe.objects.create(component=component, kind="inbound", target="alertmanager", options=options)


@pytest.fixture
def alertmanager(web, probe, tmp_path):
    """Its address."""
    port = free_port()
    (tmp_path / "am.yml").write_text(CONFIG.format(url=f"{web.url}/in/{probe.inbox.key}"))
    process = subprocess.Popen(
        [
            PROGRAM, f"--config.file={tmp_path / 'am.yml'}", f"--storage.path={tmp_path / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address=",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    url = f"http://127.0.0.1:{port}"

    def is_ready():
        try:
            return httpx.get(f"{url}/-/ready", timeout=1).status_code == 200
        except httpx.HTTPError:
            return False

    try:
        wait_for(is_ready, 30)
        yield url
    finally:
        process.terminate()
        process.wait(10)


def fire(url, *names, over=False, **labels) -> None:
    now = datetime.now(UTC)
    ends = now if over else now + timedelta(minutes=5)
    rows = [
        {
            "labels": {"alertname": "HighLatency", "instance": name, **labels},
            "annotations": {"summary": f"{name} is slow"},
            "startsAt": (now - timedelta(minutes=1)).isoformat(),
            "endsAt": ends.isoformat(),
        }
        for name in names
    ]
    httpx.post(f"{url}/api/v2/alerts", json=rows).raise_for_status()


def states(probe):
    probe.inbox.refresh_from_db()
    return sorted(alert[0] for alert in probe.inbox.state.get("alerts", {}).values())


def test_alerts_fire_repeat_and_are_resolved(alertmanager, probe):
    fire(alertmanager, "a", "b")
    wait_for(lambda: states(probe) == ["firing", "firing"], 20)
    first = probe.inbox.state["heard_at"]
    wait_for(lambda: states(probe) and probe.inbox.state["heard_at"] > first + 1.5, 20)  # a repeat
    assert Signal.objects.filter(probe=probe).count() == 2
    fire(alertmanager, "a", over=True)
    wait_for(lambda: states(probe) == ["firing", "resolved"], 20)
    fire(alertmanager, "b", over=True)
    wait_for(lambda: states(probe) == ["resolved", "resolved"], 20)
    rows = Signal.objects.filter(probe=probe).order_by("id")
    assert [row.kind for row in rows] == ["firing", "firing", "resolved", "resolved"]
    assert rows[0].text.endswith("is slow\nalertname=HighLatency, instance=" + rows[0].text[0])


def test_what_it_leaves_out_is_noted(alertmanager, probe):
    fire(alertmanager, "a", "b", "c")
    wait_for(lambda: states(probe) == ["firing", "firing"], 20)
    wait_for(lambda: states(probe) and "left out 1 alert of" in probe.inbox.state["note"], 20)


def test_its_watchdog_only_shows_that_it_is_there(alertmanager, probe):
    fire(alertmanager, "a", alertname="Watchdog")
    wait_for(lambda: states(probe) == [] and probe.inbox.state.get("heard_at"), 20)
    time.sleep(0.5)
    assert not Signal.objects.filter(probe=probe).exists()
