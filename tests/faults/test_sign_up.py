"""Check 30 of docs/faults.md: who takes the time of an answer does not learn whose address we know."""

import itertools
import random
import statistics
import time

import httpx

from subscribers import limits
from subscribers.models import Subscriber
from tests.faults.faults import only_long, report
from tests.making import component
from tests.subscribers.making import mail

ADDRESSES = 300  # of each kind
TELLING = 0.1  # of the time itself: ten sign-ups an hour do not average away what a network adds
CHANCE = 0.1  # of the pairs, beside a half: four times what chance does with so many


@only_long
def test_30_a_known_address_takes_no_other_time(web):
    """A real web process is asked for known and unknown addresses in turns, twice: an hour has one letter."""
    draw, chat = random.Random(30), component("Chat")
    known, unknown = ([f"{kind}{n}@example.org" for n in range(ADDRESSES)] for kind in ("known", "other"))
    for n, address in enumerate(known):
        mail(address, components=[chat] if n % 3 else ())
    networks = (f"127.30.{n // 250}.{n % 250 + 1}" for n in itertools.count())
    times(web, [f"warm{n}@example.org" for n in range(50)], networks)
    for turn in ("first", "again"):
        asked = [*known, *unknown]
        draw.shuffle(asked)
        took = times(web, asked, networks)
        of_known, of_unknown = ([took[one] for one in kind] for kind in (known, unknown))
        of_one, of_other = statistics.median(of_known), statistics.median(of_unknown)
        share = longer(of_known, of_unknown)
        report(30, sign_up=turn, known_ms=round(of_one, 2), unknown_ms=round(of_other, 2),
               apart_ms=round(of_one - of_other, 2), known_longer=f"in {share:.0%} of pairs")  # fmt: skip
        assert abs(of_one - of_other) < TELLING * of_other or abs(share - 0.5) < CHANCE
    assert Subscriber.objects.count() == 2 * ADDRESSES + 50


def times(web, addresses, networks):
    """How long the answer took for each address (ms), from as many networks as the limits ask for."""
    took = {}
    for first in range(0, len(addresses), limits.SIGN_UPS):
        way = httpx.HTTPTransport(local_address=next(networks))
        with httpx.Client(base_url=web.url, transport=way) as client:
            client.get("/livez")  # the connection is made
            for address in addresses[first : first + limits.SIGN_UPS]:
                began = time.perf_counter()
                answer = client.post("/subscribe/email", data={"address": address})
                took[address] = (time.perf_counter() - began) * 1000
                assert answer.status_code == 302
    return took


def longer(some, others):
    """The share of pairs in which the first took longer (Mann and Whitney's U): a half tells nothing."""
    return sum((one > other) + (one == other) / 2 for one in some for other in others) / (
        len(some) * len(others)
    )
