"""One delivery worker for `benchmarks.deliveries`: ours, or a bare aiohttp loop. Prints JSON.

python -m benchmarks.delivering ours|bare URL NUMBER CA_FILE
"""

import asyncio
import json
import os
import ssl
import sys
import time
from typing import Any

AT_ONCE = 800
WORDS = "Chat servers are healthy again, but a safeguard still refuses new connections. " * 3


def ours(url: str, number: int, ca_file: str) -> dict[str, Any]:
    """The whole delivery of an update: fanned out, claimed, packed, signed, sent and recorded. SQLite."""
    import django

    os.environ["DJANGO_SETTINGS_MODULE"] = "statuspage.settings"
    django.setup()
    from django.core.management import call_command
    from django.utils import timezone

    from components import encryption, webhook_signature
    from components.egress import Egress
    from components.models import Component
    from incidents.models import Incident, Post
    from subscribers import channels
    from subscribers.delivery import fan_out, leases
    from subscribers.delivery.dispatcher import Dispatcher
    from subscribers.models import Delivery, State, Subscriber
    from subscribers.states import Channel

    call_command("migrate", verbosity=0)
    leases.PER_HOST[Channel.WEBHOOK] = AT_ONCE  # the sink is one host; so is the reference's
    leases.PER_CHAT_HOST = AT_ONCE
    now, rows = timezone.now(), []
    for n in range(number):
        subscriber = Subscriber(channel=Channel.WEBHOOK, state=State.ACTIVE, created_at=now, key=f"key-{n}")
        subscriber.point_to(f"{url}hook/{n}")
        subscriber.signing = encryption.seal(json.dumps([[webhook_signature.new_secret(), None]]))
        rows.append(subscriber)
    Subscriber.objects.bulk_create(rows, batch_size=500)
    chat = Component.objects.create(name="Chat", status="operational")
    incident = Incident.objects.open(
        "Chat refuses new connections", WORDS, now=now, components=[chat], statuses={chat: "partial_outage"}
    )
    postman = Dispatcher(channels.senders(), egress=Egress(("127.0.0.0/8",), ca_file=ca_file))
    _warm_up(postman)
    results: dict[str, Any] = {}
    for name in ("first", "second"):
        start = time.monotonic()
        fan_out.sort(timezone.now())
        began, used = time.monotonic(), time.process_time()
        _until_sent(postman)
        now = time.monotonic()
        results[name] = {"all_s": now - start, "wall_s": now - began, "cpu_s": time.process_time() - used}
        incident.post(Post(WORDS, phase="identified"), now=timezone.now())
    results["sent"] = Delivery.objects.filter(state="sent").count()
    postman.drain(5)
    return results


def _warm_up(postman: Any) -> None:
    """Send one update first, so that all code is loaded, as in a running worker."""
    from django.utils import timezone

    from subscribers.models import Purpose, Subscriber

    first = Subscriber.objects.order_by("pk").first()
    assert first is not None
    first.owe(Purpose.TEST, timezone.now())
    _until_sent(postman)


def _until_sent(postman: Any) -> None:
    from django.utils import timezone

    from subscribers.models import Subscriber

    postman.wake()
    while Subscriber.objects.filter(next_at__lte=timezone.now()).exists():
        time.sleep(0.05)


def bare(url: str, number: int, ca_file: str) -> dict[str, Any]:
    """Nothing but posts of the same bytes over fresh connections."""
    import aiohttp

    body = json.dumps(
        {"meta": {"unsubscribe": url * 2}, "incident": {"words": WORDS, "rest": "x" * 1500}}
    ).encode()
    context = ssl.create_default_context(cafile=ca_file)

    async def run() -> dict[str, Any]:
        sent, places = 0, asyncio.Semaphore(AT_ONCE)
        connector = aiohttp.TCPConnector(limit=AT_ONCE, force_close=True, ssl=context)
        async with aiohttp.ClientSession(connector=connector) as session:

            async def post(n: int) -> None:
                nonlocal sent
                async with (
                    places,
                    session.post(
                        f"{url}hook/{n}", data=body, headers={"content-type": "application/json"}
                    ) as answer,
                ):
                    sent += answer.status == 204

            began, used = time.monotonic(), time.process_time()
            await asyncio.gather(*(post(n) for n in range(number)))
            return {"wall_s": time.monotonic() - began, "cpu_s": time.process_time() - used, "sent": sent}

    return asyncio.run(run())


if __name__ == "__main__":
    which, *arguments = sys.argv[1:]
    print(json.dumps({"ours": ours, "bare": bare}[which](arguments[0], int(arguments[1]), arguments[2])))
