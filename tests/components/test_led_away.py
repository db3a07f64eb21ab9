"""Where a redirect leads is named by whoever answered: out of the public network it leads to none of ours."""

import asyncio
import json

import httpx
import pytest

from components import networks, transport
from components.egress import Egress
from components.outcomes import Failure
from tests.components.test_probers import OWN, look
from tests.targets import Target

SENTENCE = "A redirect from a public address is not followed there."


class Outside(Egress):
    """Takes a port of this machine for a server on the public network, which a test has not got."""

    def __init__(self, port: int) -> None:
        super().__init__(OWN)
        self.public_port = port

    def is_public(self, line) -> bool:
        return line.writer.get_extra_info("peername")[1] == self.public_port


@pytest.fixture
def inside():
    with Target() as server:
        yield server


STEPS = json.dumps([{"name": "Look", "url": "/"}])
KINDS = {
    "http": ("http", {"method": "POST", "body": "x"}),
    "sse": ("http", {}),
    "steps": ("http", {"steps": STEPS}),
    "health": ("http", {}),
    "websocket": ("ws", {"follow_redirects": True}),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("status", [302, 307])
def test_a_public_target_cannot_send_us_into_our_own_network(kind, status, target, inside):
    target.paths["/"] = (status, {"Location": f"{inside.url}admin/restart?force=1"}, b"")
    scheme, options = KINDS[kind]
    at = f"{scheme}://127.0.0.1:{target.port}/"
    reading = look(kind, at, options, egress=Outside(target.port))
    assert reading.failure is Failure.DENIED
    assert reading.detail.endswith(SENTENCE)
    assert inside.asked == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_target_on_our_own_network_may_lead_to_another_there(kind, target, inside):
    target.paths["/"] = (302, {"Location": inside.url}, b"")
    scheme, options = KINDS[kind]
    look(kind, f"{scheme}://127.0.0.1:{target.port}/", options)
    assert len(inside.asked) == 1


def test_it_is_not_forgotten_on_a_longer_way(target, inside):
    with Target() as other:
        target.paths["/"] = (302, {"Location": "/next"}, b"")
        target.paths["/next"] = (302, {"Location": other.url}, b"")
        reading = look("http", target.url, egress=Outside(target.port))
        assert reading.failure is Failure.DENIED
        assert (other.asked, inside.asked) == ([], [])


def test_all_other_http_keeps_to_it_too(target, inside):
    target.paths["/"] = (302, {"Location": inside.url}, b"")

    async def ask(door):
        async with transport.client(door, deadline_s=5, most_bytes=1_000, follow_redirects=True) as client:
            return await client.get(target.url)

    with pytest.raises(httpx.ConnectError, match=SENTENCE):
        asyncio.run(ask(Outside(target.port)))
    assert inside.asked == []
    assert asyncio.run(ask(Egress(OWN))).status_code == 200


@pytest.mark.parametrize(
    ("address", "is_public"),
    [("93.184.216.34", True), ("2606:4700::1111", True), ("127.0.0.1", False), ("10.1.2.3", False),
     ("::1", False), ("::ffff:93.184.216.34", False), ("fe80::1", False), ("169.254.169.254", False)],
)  # fmt: skip
def test_what_counts_as_public(address, is_public):
    assert networks.is_public(address) is is_public
