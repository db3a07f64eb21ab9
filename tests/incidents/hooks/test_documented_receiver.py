"""The receiver of docs/self-recovery.md, as it stands there, with real calls."""

import asyncio
import json
import os
import re
import socket
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest
from django.utils import timezone

from components.egress import Egress
from incidents.hooks import call
from incidents.hooks.call import Order
from incidents.models import Act
from tests.incidents.hooks.making import failing, hook, secret
from tests.whole import ROOT, wait_for

OTHER = "whsec_" + "b3RoZXJz" * 6
PAGE = ROOT / "docs" / "self-recovery.md"


def is_listening(port):
    with socket.socket() as line:
        return line.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def receiver(tmp_path, free_port):
    code = re.search(r"```python\n(.+?)```", PAGE.read_text(), re.DOTALL)[1]
    (tmp_path / "receiver.py").write_text(code)
    (tmp_path / "seen").mkdir()
    env = os.environ | {
        "HOOK_SECRET": secret, "HOOK_COMMAND": f"touch {tmp_path}/restarted", "HOOK_SEEN": f"{tmp_path}/seen",
        "HOOK_PORT": str(free_port),
    }  # fmt: skip
    command = [sys.executable, "receiver.py"]
    process = subprocess.Popen(command, env=env, cwd=tmp_path, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: is_listening(free_port), 20)
        yield f"http://127.0.0.1:{free_port}/restart"
    finally:
        process.kill()
        process.wait(10)


def sent(order):
    return asyncio.run(call.send(order, Egress(["127.0.0.0/8"])))


def test_it_runs_its_command_once(receiver, tmp_path):
    order = Order("act_" + "0a" * 12, receiver, b"{}", (secret,), 10.0)
    assert sent(order).status == 200
    assert (tmp_path / "restarted").exists()
    assert sent(order).status == 409  # the same id again
    assert sent(replace(order, key="act_" + "0b" * 12, secrets=(OTHER,))).status == 401
    # while a new secret is on its way: the receiver still has the one before it
    assert sent(replace(order, key="act_" + "0d" * 12, secrets=(OTHER, secret))).status == 200
    assert sent(replace(order, key="act_../../x")).status == 409


def test_an_old_request_or_another_body_is_refused(receiver, tmp_path):
    order = Order("act_" + "0c" * 12, receiver, b"{}", (secret,), 10.0)
    old = order.headers(int((timezone.now() - timedelta(minutes=6)).timestamp()))
    assert httpx.post(receiver, content=b"{}", headers=old).status_code == 401
    now = order.headers(int(timezone.now().timestamp()))
    assert httpx.post(receiver, content=b'{"x":1}', headers=now).status_code == 401
    assert not (tmp_path / "restarted").exists()


def test_a_runner_and_the_documented_receiver_understand_each_other(rounds, receiver, tmp_path):
    hook(failing(at=timezone.now()).component, receiver)
    rounds.at(timezone.now())
    act = Act.objects.get()
    assert (act.state, act.answer_status) == ("answered", 200)
    assert (tmp_path / "seen" / act.key).exists()


def test_the_documented_body_has_the_fields_that_are_sent(db):
    hook_row = hook(failing().component, "http://ops.example/")
    said = json.loads(re.search(r"```json\n(.+?)```", PAGE.read_text(), re.DOTALL)[1])
    incident = hook_row.component.affected.get().incident
    act = Act(
        hook=hook_row, hook_name="Restart chat", action="restart", component=hook_row.component,
        incident=incident, created_at=timezone.now(),
    )  # fmt: skip
    sent_body = json.loads(call.body(act))

    def shape(value):
        return {name: shape(part) for name, part in value.items()} if isinstance(value, dict) else type(value)

    assert shape(said) == shape(sent_body)
