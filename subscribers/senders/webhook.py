"""Webhooks: Statuspage's body, signed by Standard Webhooks."""

import json
import time
from datetime import UTC, datetime
from typing import Any

from components.egress import Egress
from incidents.bodies import moment
from subscribers import payloads, signing
from subscribers.envelope import Envelope, Result
from subscribers.senders.posting import FAILURES, failed, judged, post


async def send(envelope: Envelope, egress: Egress) -> Result:
    """One signed POST. The bytes that are signed are the bytes that are sent."""
    body = json.dumps(written(envelope), ensure_ascii=False, separators=(",", ":")).encode()
    signed = signing.headers(envelope.id, int(time.time()), body, envelope.secrets)
    try:
        return judged(await post(egress, envelope.address, body, signed))
    except FAILURES as error:
        return failed(error)


def written(envelope: Envelope) -> dict[str, Any]:
    """The body. A letter without a story is a test that receivers may ignore: it names no incident."""
    house = envelope.house
    meta = {
        "unsubscribe": envelope.links.leave,
        "documentation": f"{house.url}/subscribe/webhook",
        "generated_at": moment(datetime.now(UTC)),
    }
    page = {
        "id": house.page_id,
        "status_indicator": house.state.indicator.value,
        "status_description": house.state.description,
    }
    if envelope.story is None:
        return {"meta": meta, "page": page, "test": {"id": envelope.id, "purpose": envelope.purpose}}
    story = envelope.story
    return payloads.whole(story.body, meta=meta, page=page, sequence=story.sequence)
