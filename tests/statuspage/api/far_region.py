"""A remote region that says what a test wants, and a probe of it."""

import json
from datetime import UTC, datetime

from django.test import Client

from components.models import Probe, RemoteRegion
from components.region_signature import new_id, sign
from components.regions.messages import RESULTS_PATH, WORK_PATH
from tests.making import watched


def now() -> datetime:
    return datetime.now(UTC)


class Region:
    """A region that says what a test wants."""

    def __init__(self, name="far", key=None) -> None:
        self.name = name
        self.key = key or RemoteRegion.objects.add(name, own="local")[1]
        self.client = Client(REMOTE_ADDR="127.0.0.1")

    def post(self, path, values, *, at=None, key=None, name=None, message_id=None, subject=None, **headers):
        body = values if isinstance(values, bytes) else json.dumps(values).encode()
        stamp = int((at or now()).timestamp())
        self.id = message_id or new_id()
        signed = sign(self.id, stamp, subject or f"POST {path}", body, [key or self.key])
        return self.client.post(
            path, body, content_type="application/json",
            headers={**signed, "statuspage-region": self.name if name is None else name, **headers},
        )  # fmt: skip

    def work(self, room=100, run="first", **more):
        return self.post(WORK_PATH, {"room": room, "run": run, **more})

    def orders(self, **more):
        return self.work(**more).json()["orders"]

    def results(self, *rows):
        return self.post(RESULTS_PATH, {"results": list(rows)})


def result(order, *, failure=None, at=None, **reading):
    reading = {"total_ms": 12.5, **({"failure": failure} if failure else {"status_code": 200}), **reading}
    moment = (at or now()).timestamp()
    return {"claim": order["claim"], "mark": order["mark"], "started_at": moment, "reading": reading}


def far_probe(**more) -> Probe:
    return watched(region=more.pop("region", "far"), kind="http", interval_s=30, timeout_s=5, **more)
