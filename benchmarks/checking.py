"""Runs our check engine at full speed for a while; prints the number of checks and its CPU seconds."""

import json
import sys
import threading
import time

import django


def main(target: str, seconds: float, at_once: int, certificate: str) -> None:
    """Keep `at_once` checks of one target running for `seconds`, and print the counts as JSON."""
    django.setup()
    from components.checking import Checker, CheckRequest, Finding
    from components.egress import Egress
    from components.models import Claim
    from components.probers import PROBERS

    count, failed, guard, over = 0, 0, threading.Lock(), threading.Event()
    order = PROBERS["http"].parse(target, {})

    def orders(number: int) -> list[CheckRequest]:
        slot = int(time.time())
        return [CheckRequest(Claim(n, slot, 1, "local"), "http", order, 5.0) for n in range(number)]

    def on_found(batch: list[Finding]) -> None:
        nonlocal count, failed
        with guard:
            count += len(batch)
            failed += sum(finding.reading.failure is not None for finding in batch)

    checker = Checker(on_found, egress=Egress(["127.0.0.0/8"], ca_file=certificate))
    began, used = time.monotonic(), time.process_time()
    while time.monotonic() - began < seconds:
        if checker.in_hand < at_once:
            checker.submit(orders(at_once))
        time.sleep(0.002)
    checker.drain(10)
    over.set()
    spent = time.process_time() - used
    json.dump(
        {"checks": count, "failed": failed, "cpu_s": spent, "took_s": time.monotonic() - began}, sys.stdout
    )


if __name__ == "__main__":
    import os

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "statuspage.settings")
    main(sys.argv[1], float(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
