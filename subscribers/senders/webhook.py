"""Webhooks: Statuspage's body, signed by Standard Webhooks."""

import time
from datetime import UTC, datetime

from components.egress import Egress
from incidents.api_shapes import moment
from subscribers import payloads, signing
from subscribers.delivery.envelope import Envelope, Result
from subscribers.senders.posting import FAILURES, failed, judged, post


async def send(envelope: Envelope, egress: Egress) -> Result:
    """One signed POST. The bytes that are signed are the bytes that are sent."""
    body = written(envelope)
    signed = signing.headers(envelope.id, int(time.time()), body, envelope.secrets)
    try:
        return judged(await post(egress, envelope.address, body, signed))
    except FAILURES as error:
        return failed(error)


def written(envelope: Envelope) -> bytes:
    """The body: what is this receiver's own, then what is the same for all and was written once.

    A letter without a story is a test that receivers may ignore: it names no incident.
    """
    house = envelope.house
    meta = {
        # as Statuspage writes it: receivers take the key from the query
        "unsubscribe": f"{house.url}/?unsubscribe={envelope.links.leave.rpartition('/')[2]}",
        "documentation": f"{house.url}/subscribe/webhook",
        "generated_at": moment(datetime.now(UTC)),
    }
    if envelope.story is not None:
        rest = envelope.story.json
    else:
        rest = payloads.compact({"test": {"id": envelope.id, "purpose": envelope.purpose}})
    return f'{{"meta":{payloads.compact(meta)},"page":{house.json},{rest[1:]}'.encode()
