"""Webhooks: Statuspage's body, signed by Standard Webhooks."""

import time
from datetime import UTC, datetime

from components import webhook_signature
from components.egress import Egress
from incidents.api_shapes import moment
from subscribers.channels.http_post import FAILURES, failed, judged, post
from subscribers.channels.kind import ChannelKind
from subscribers.delivery import webhook_payload
from subscribers.delivery.envelope import Envelope, Result


async def send(envelope: Envelope, egress: Egress) -> Result:
    """One signed POST. The bytes that are signed are the bytes that are sent."""
    body = written(envelope)
    signed = webhook_signature.headers(envelope.id, int(time.time()), body, envelope.secrets)
    try:
        return judged(await post(egress, envelope.address, body, signed))
    except FAILURES as error:
        return failed(error)


def written(envelope: Envelope) -> bytes:
    """The body: `meta` of this receiver, then the parts that are serialized once for all receivers.

    A message without a story is a test that receivers may ignore: it has no incident.
    """
    house = envelope.house
    meta = {
        # in Statuspage's form: receivers read the key from the query
        "unsubscribe": f"{house.url}/?unsubscribe={envelope.links.leave.rpartition('/')[2]}",
        "documentation": f"{house.url}/subscribe/webhook",
        "generated_at": moment(datetime.now(UTC)),
    }
    if envelope.story is not None:
        rest = envelope.story.json
    else:
        rest = webhook_payload.compact({"test": {"id": envelope.id, "purpose": envelope.purpose}})
    return f'{{"meta":{webhook_payload.compact(meta)},"page":{house.json},{rest[1:]}'.encode()


CHANNEL = ChannelKind(
    send=send,
    example="https://example.com/hooks/status",
    address_label="Address of your endpoint",
    how_title="What your endpoint receives",
    how=(
        (
            "One POST of JSON for each update, in the shape of Statuspage’s webhooks, signed by Standard "
            "Webhooks. Answer with 2xx within 20 seconds. Anything else is tried again, for five days."
        ),
        "The first is a test without an incident. Once you answer it with 2xx, the subscription is active.",
    ),
    how_link=("Standard Webhooks", "https://www.standardwebhooks.com/"),
    icon=(
        "M6 5.6a2.6 2.6 0 1 1 4.2 1L12 10M8 4.7 5.5 9.6M4 8.6a2.6 2.6 0 1 0 2.7 3.6h4.6m-1.5-2a2.6"
        " 2.6 0 1 1-.7 3.4"
    ),
)
