"""The agent of a remote region against servers that lie, and settings that cannot work."""

import asyncio
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from components.egress import Door, through
from components.region_signature import sign
from components.regions.messages import WORK_PATH
from components.regions.server import RefusedError, Server, ServerError, address_fault
from components.webhook_signature import new_secret
from tests.targets import Target
from tests.whole import ROOT

KEY = new_secret()


def asked(target, path=WORK_PATH):
    server = Server(target.url.rstrip("/"), "far", KEY, through(Door.REGION))
    return asyncio.run(server.ask(path, b"{}"))


class Liar(Target):
    """Answers with the headers that `lies` makes of the request's id."""

    lies = staticmethod(lambda message_id, body: {})
    status = 200

    def __init__(self) -> None:
        super().__init__()
        outer, handler = self, self.server.RequestHandlerClass

        class Lying(handler):
            def do_POST(self):  # noqa: N802 - as http.server calls it
                self.rfile.read(int(self.headers["content-length"]))
                body = outer.says
                self.send_response(outer.status)
                for name, value in outer.lies(self.headers["webhook-id"], body).items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        self.server.RequestHandlerClass = Lying


@pytest.fixture
def liar():
    with Liar() as made:
        made.json({"now": time.time(), "orders": []})
        yield made


def signed(key=KEY, subject=f"200 {WORK_PATH}", message_id=None, changed=b""):
    def headers(asked_id, body):
        return sign(message_id or asked_id, int(time.time()), subject, body + changed, [key])

    return headers


def test_a_signed_answer_is_believed_and_the_clock_is_measured(liar):
    liar.json({"now": time.time() - 90, "orders": [1]})
    liar.lies = signed()
    answer = asked(liar)
    assert answer.values["orders"] == [1]
    assert answer.ahead_s == pytest.approx(90, abs=10)


@pytest.mark.parametrize(
    "lies",
    [
        lambda message_id, body: {},
        signed(key=new_secret()),
        signed(subject=f"POST {WORK_PATH}"),
        signed(subject="200 /regions/results"),
        signed(subject=f"400 {WORK_PATH}"),
        signed(message_id="a" * 24),
        signed(changed=b" "),
    ],
    ids=["unsigned", "other key", "a request", "other path", "other status", "other request", "changed"],
)
def test_no_other_server_hands_out_work(liar, lies):
    liar.lies = lies
    with pytest.raises(ServerError):
        asked(liar)


@pytest.mark.parametrize("status", [400, 413])
def test_only_the_server_itself_makes_results_be_dropped(liar, status):
    liar.status = status
    liar.json({"error": "Forget it all."})
    with pytest.raises(ServerError, match="not signed") as unsigned:
        asked(liar)
    assert not isinstance(unsigned.value, RefusedError)
    liar.lies = signed(subject=f"{status} {WORK_PATH}")
    with pytest.raises(RefusedError, match="Forget it all"):
        asked(liar)


@pytest.mark.parametrize("says", [b"", b"[]", b"\xff", b'{"now": NaN}', b"{" * 9000])
def test_an_answer_that_cannot_be_read_is_an_error_with_a_sentence(liar, says):
    liar.says, liar.lies = says, signed()
    with pytest.raises(ServerError, match="cannot be read"):
        asked(liar)


def test_a_redirect_is_not_followed(liar, target):
    liar.status = 307
    liar.lies = lambda message_id, body: {"Location": target.url}
    with pytest.raises(ServerError, match="307"):
        asked(liar)
    assert target.asked == []


@pytest.mark.parametrize(
    ("address", "is_fine"),
    [
        ("https://status.example.org", True), ("https://10.0.0.1:8443", True), ("http://localhost:80", True),
        ("http://127.0.0.1:8000", True), ("http://[::1]:8000", True), ("http://status.example.org", False),
        ("http://10.0.0.1", False), ("ftp://status.example.org", False), ("status.example.org", False),
        ("https://a:b@status.example.org", False), ("https://status.example.org/?a=b", False),
        ("https://status.example.org:99999", False), ("https://", False), ("https://[", False),
    ],
)  # fmt: skip
def test_secrets_travel_over_tls_or_not_at_all(address, is_fine):
    assert (address_fault(address) == "") is is_fine


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ({"REGION": ""}, "REGION"), ({"REGION": "local"}, "REGION"), ({"REGION_SERVER": ""}, "REGION_SERVER"),
        ({"REGION_SERVER": "http://status.example.org"}, "https"), ({"REGION_KEY": ""}, "REGION_KEY"),
        ({"REGION_KEY": "whsec_abc"}, "REGION_KEY"), ({"REGION_KEY": KEY[:-20]}, "REGION_KEY"),
        ({"REGION_SPOOL_MB": 0}, "REGION_SPOOL_MB"), ({"EGRESS_ALLOW": ["x"]}, "EGRESS_ALLOW"),
        ({"CANARIES": ["http://"]}, "CANARIES"), ({"VAR_DIR": Path("/proc/none")}, "/proc/none"),
    ],
)  # fmt: skip
def test_a_setting_that_cannot_work_is_named_at_the_start(tmp_path, settings, change, names):
    good = {"VAR_DIR": tmp_path, "REGION": "far", "REGION_KEY": KEY, "REGION_SERVER": "http://127.0.0.1:1"}
    for name, value in (good | change).items():
        setattr(settings, name, value)
    with pytest.raises(CommandError, match=names) as refused:
        call_command("region_agent")
    assert KEY not in str(refused.value)


def test_a_wrong_setting_ends_the_command_with_a_sentence_and_no_traceback(tmp_path):
    done = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "region_agent"],
        env={"PATH": os.environ["PATH"], "VAR_DIR": str(tmp_path)},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "REGION is not set" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_order_that_cannot_be_run_is_unknown_with_a_sentence():
    from components.regions.messages import MessageError, request_of
    from components.targets import InvalidProbeError

    good = {
        "claim": [1, 2, 3],
        "kind": "http",
        "target": "http://127.0.0.1:9/",
        "options": {},
        "timeout_s": 5,
    }
    assert request_of(good, "far").deadline_s == 5.0
    for change in ({"kind": "new"}, {"options": {"new": 1}}, {"options": [1]}, {"certificate": 5}):
        with pytest.raises(InvalidProbeError):
            request_of(good | change, "far")
    for change in ({"claim": [1]}, {"timeout_s": 10**6}, {"timeout_s": "5"}, {"mark": 5}):
        with pytest.raises(MessageError):
            request_of(good | change, "far")


def test_a_finding_that_is_too_large_goes_without_its_facts():
    from datetime import UTC, datetime

    from components.checking import Finding
    from components.outcomes import Reading
    from components.regions.messages import MAX_BODY_BYTES, RemoteClaim, finding_line, finding_of

    now = datetime.now(UTC)
    claim = RemoteClaim(1, int(now.timestamp()) - 2, 3, "far", "mark")
    reading = Reading(5.0, detail="It answers.", facts={"large": "x" * MAX_BODY_BYTES})
    line = finding_line(Finding(claim, reading, now, 0), 0.0)
    assert len(line) < 1000
    back = finding_of(json.loads(line), "far", now)
    assert (back.claim, back.reading.detail, dict(back.reading.facts)) == (claim, "It answers.", {})
