"""What was seen beside the answer: trend, deploys, maintenance, neighbours, what it asks clients to do."""

from collections.abc import Iterator

from components.diagnosis.maker import Maker
from components.diagnosis.signs import Sign, several
from components.diagnosis.view import View

BUSY = (429, 502, 503, 504)
STRAINED = ("timeout_first_byte", "timeout_transfer", "timeout_connect", "timeout_tls", "reset", "")
BY_DEPLOY = ("refused", "reset", "timeout_first_byte", "timeout_connect", "assertion", "protocol", "status")
SOON_S = 120.0
RECENT_S = 900.0
FRESH = 0.72  # a deploy so near explains more than what it looks like
LONG_RETRY_S = 600
LONG_WAIT_S = 5


def around(view: View, maker: Maker) -> Iterator[Sign]:
    """Weak signs mostly: alone they name nothing, beside an answer they decide."""
    yield from _trend(view)
    yield from _retry_after(view, maker)
    yield from _allowance(view)
    yield from _pause(view, maker)
    yield from _deploys(view)
    if view.facts.failing_needs:
        names = ", ".join(view.facts.failing_needs[:3])
        yield Sign("dependency", 0.72, f"It needs {names}, which fails as well.")
    if view.is_mixed and view.status in (502, 500):
        yield Sign("crash", 0.3, "Checks pass in between: some workers, or servers, break off.")


def _trend(view: View) -> Iterator[Sign]:
    facts = view.facts
    is_strained = view.status in BUSY or (not view.status and facts.failure in STRAINED)
    if not facts.rose or not is_strained:
        return
    rise = f"from {facts.median_ms or 0:,.0f} to {facts.last_ms or 0:,.0f} ms"
    yield Sign("overload", 0.48, f"Responses slowed down just before: {rise}.")
    if facts.failure == "refused":
        return
    yield Sign("stuck", 0.15)


def _retry_after(view: View, maker: Maker) -> Iterator[Sign]:
    """Proxies and maintenance pages send it always: it counts when an application sent it."""
    value = view.header("retry_after")
    if not value or view.status not in (429, 503) or (maker.is_own and not maker.is_application):
        return
    weight = 0.5 if maker.is_application else 0.25
    seconds = value.strip()[:9]
    if seconds.isascii() and seconds.isdigit() and int(seconds) >= LONG_RETRY_S:
        weight = 0.2
    yield Sign("overload", weight, f"The application asks clients to retry later: Retry-After {value[:40]}.")


def _allowance(view: View) -> Iterator[Sign]:
    """`RateLimit-Remaining: 0`, also with X- before it: the answer counts its client's requests."""
    left = view.header("ratelimit_remaining") or view.header("x_ratelimit_remaining")
    if view.status in (403, 429, 503) and left.strip() in ("0", "0.0", "-1"):
        yield Sign(
            "overload", 0.62, "It says that no more requests are allowed for now (RateLimit-Remaining)."
        )


def _pause(view: View, maker: Maker) -> Iterator[Sign]:
    """An application's own failure at a round time: something within it waited, and gave up."""
    limit = view.limit_s or 0
    if view.status in (500, 503) and limit >= LONG_WAIT_S and not maker.is_own:
        because = f"It failed after {view.took}, a round time: something in it waited for that long."
        yield from several(because, stuck=0.45, dependency=0.3)


def _deploys(view: View) -> Iterator[Sign]:
    facts = view.facts
    if facts.is_maintained:
        yield Sign("deploy", 0.74, "Planned maintenance of this component is under way.")
    can_be = facts.failure in BY_DEPLOY and (facts.failure != "status" or view.status >= 500)
    if not can_be:
        return
    if facts.deployed_s is not None and -30 <= facts.deployed_s <= RECENT_S:
        what = f" ({facts.deploy[:60]})" if facts.deploy else ""
        weight = FRESH if facts.deployed_s <= SOON_S else 0.5
        if not facts.deploy_is_sure:
            weight /= 2
        yield Sign(
            "deploy", weight, f"A deploy{what} was marked {facts.deployed_s:,.0f} s before the first failure."
        )
    new = view.header("app_version")
    if facts.last_version and new and new != facts.last_version:
        because = (
            f"The failing response names version {new[:40]}; the last good one was {facts.last_version[:40]}."
        )
        yield from several(because, deploy=0.6)
