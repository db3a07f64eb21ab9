"""The addresses that remote regions ask: work to do, and results to take.

A request is proved by its signature (`components/region_signature.py`), which covers method, path, time,
id and body; each id is accepted once. Answers to a region that proved itself are signed as well.
"""

import json
import logging
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from components import region_signature
from components.access_marks import public
from components.checking import Finding
from components.clock import database_now
from components.encryption import DecryptionError
from components.models import RemoteRegion
from components.models.remote_region import Hello
from components.networks import literal_address
from components.region_signature import MAX_SKEW_S, REGION_HEADER, SignatureError, Signed
from components.regions.messages import MAX_FINDINGS, MAX_ORDERS, MessageError, finding_of, read_json
from incidents import remote_regions
from statuspage.requests import limits
from statuspage.requests.rates import Rate

log = logging.getLogger(__name__)

UNKNOWN = "This is not signed with the key of a region: check REGION, REGION_KEY and the clock."
UNREADABLE = "The region’s key cannot be decrypted because SECRET_KEY has changed: rotate it."
REPEATED = "This request was received before: it was not accepted again."
OFTEN = "Too many requests: a region asks once a second. Wait a while."
INSECURE = "Regions are served over https only: set PUBLIC_URL to an https address, behind a proxy with TLS."
AWAY = "The database is not responding. Try again in a few seconds."
RUN = re.compile("[A-Za-z0-9_-]{1,64}")
FAILURES = Rate(burst=30, per_s=0.5)  # by address: what nobody we know has signed
# Late results by region: what a cut leaves behind is what was running, at most MAX_CONCURRENT for each agent
LATE = Rate(burst=10_000, per_s=10)
REQUESTS = Rate(burst=60, per_s=20)  # by region: results after a long cut come in a row

Act = Callable[["Caller", dict[str, Any]], dict[str, Any]]


class RegionRefusedError(Exception):
    """The request is refused: a status code and a sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status, self.sentence = status, sentence


@dataclass(frozen=True, slots=True)
class Caller:
    """A region that proved itself, with its keys and the request's id. `now`: by the database's clock."""

    region: RemoteRegion
    keys: list[str]
    signed: Signed
    now: datetime

    @property
    def skew_s(self) -> float:
        """How far its clock is ahead of ours."""
        return self.signed.timestamp - self.now.timestamp()


@csrf_exempt  # no cookie and no form: the signature is the proof
@public
@require_POST
def work(request: HttpRequest) -> HttpResponse:
    """Due checks of the region that asks, leased to it."""
    return _answered(request, _work)


@csrf_exempt  # as above
@public
@require_POST
def results(request: HttpRequest) -> HttpResponse:
    """Findings of the region. The same may come again: it counts once."""
    return _answered(request, _results)


def _work(caller: Caller, given: dict[str, Any]) -> dict[str, Any]:
    room, run = given.get("room", MAX_ORDERS), given.get("run", "")
    if type(room) is not int or not isinstance(run, str) or not RUN.fullmatch(run):
        raise RegionRefusedError(
            400, "“room” is a whole number, and “run” a text of up to 64 letters, digits, “-” and “_”."
        )
    sent_at = given.get("sent_at")  # finer than the signed whole seconds
    skew_s = caller.skew_s
    if isinstance(sent_at, float) and abs(sent_at - caller.signed.timestamp) <= 1:
        skew_s = sent_at - caller.now.timestamp()
    hello = Hello(skew_s, run, _count(given.get("lost")), _count(given.get("waiting")))
    remote_regions.note_seen(caller.region, hello, caller.now, is_blind=given.get("is_blind") is True)
    orders = remote_regions.work_for(caller.region, room, caller.now)
    return {"orders": orders, "more": len(orders) >= MAX_ORDERS}


def _results(caller: Caller, given: dict[str, Any]) -> dict[str, Any]:
    rows = given.get("results")
    if not isinstance(rows, list) or len(rows) > MAX_FINDINGS:
        raise RegionRefusedError(400, f"“results” is a list of at most {MAX_FINDINGS} results.")
    findings: list[Finding] = []
    reason = ""
    for row in rows:
        try:
            findings.append(finding_of(row, caller.region.name, caller.now))
        except MessageError as error:  # the others are not held up by it
            reason = str(error)
    if reason:
        log.warning("region.result_refused region=%s reason=%s", caller.region.name, reason)
    name, clock = caller.region.name, time.monotonic()
    taken = remote_regions.take(caller.region, findings, caller.now, may_keep=lambda: LATE.take(name, clock))
    return {
        "settled": taken.settled,
        "kept": taken.kept,
        "dropped": taken.dropped + len(rows) - len(findings),
        "reason": reason,
    }


def _answered(request: HttpRequest, act: Act) -> HttpResponse:
    """What this act says, signed; or why it was refused, signed too once the region has proved itself."""
    caller = None
    try:
        try:
            caller = _caller(request)
            _refuse_repeats(caller)
            return _signed(request, caller, 200, act(caller, read_json(request.body)))
        except MessageError as error:
            raise RegionRefusedError(400, str(error)) from error
        except DatabaseError as error:
            log.warning("region.not_answered reason=%s", str(error).strip().split("\n")[0])
            raise RegionRefusedError(503, AWAY) from error
    except RegionRefusedError as refused:
        said = {"error": refused.sentence}
        if caller is None:
            return _response(refused.status, json.dumps(said).encode(), {})
        return _signed(request, caller, refused.status, said)


def _caller(request: HttpRequest) -> Caller:
    """Who asks. Raises RegionRefusedError; all that is wrong with a proof has one sentence."""
    if not request.is_secure() and not _is_own_machine(request):
        raise RegionRefusedError(403, INSECURE)
    address = _address(request)
    clock = time.monotonic()
    if address and FAILURES.is_over(address, clock):
        raise RegionRefusedError(429, OFTEN)
    now = database_now()
    region = RemoteRegion.objects.filter(name=request.headers.get(REGION_HEADER, ""), is_active=True).first()
    try:
        keys = region.keys(now) if region is not None else []
        signed = region_signature.verified(request.headers, f"POST {request.path}", request.body, keys)
    except DecryptionError:
        raise RegionRefusedError(401, UNREADABLE) from None
    except SignatureError:
        FAILURES.take(address, clock)
        raise RegionRefusedError(401, UNKNOWN) from None
    assert region is not None
    return Caller(region, keys, signed, now)


def _refuse_repeats(caller: Caller) -> None:
    """Raises RegionRefusedError for old, future and repeated requests, and for too many of them."""
    skew_s = caller.skew_s
    if abs(skew_s) > MAX_SKEW_S:
        where = "ahead of" if skew_s > 0 else "behind"
        raise RegionRefusedError(
            401,
            f"The region’s clock is {abs(skew_s):.0f} s {where} ours: at most {MAX_SKEW_S} s are allowed.",
        )
    if not REQUESTS.take(caller.region.name, time.monotonic()):
        raise RegionRefusedError(429, OFTEN)
    if not caller.region.take_once(caller.signed.message_id, caller.now):
        raise RegionRefusedError(409, REPEATED)


def _signed(request: HttpRequest, caller: Caller, status: int, told: dict[str, Any]) -> HttpResponse:
    body = json.dumps({"now": round(caller.now.timestamp(), 3), **told}).encode()
    subject = f"{status} {request.path}"
    message_id, at = caller.signed.message_id, int(caller.now.timestamp())
    return _response(status, body, region_signature.sign(message_id, at, subject, body, caller.keys))


def _response(status: int, body: bytes, headers: Mapping[str, str]) -> HttpResponse:
    response = HttpResponse(body, status=status, content_type="application/json", headers=dict(headers))
    response["Cache-Control"] = "no-store"
    if status in (429, 503):
        response["Retry-After"] = "5"
    return response


def _address(request: HttpRequest) -> str:
    """The address whose failures are counted; empty for private ones, as behind an unknown proxy."""
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "").encode("latin-1", "replace")
    headers = [(b"x-forwarded-for", forwarded)] if forwarded else []
    return limits.shared_address({"headers": headers, "client": (request.META.get("REMOTE_ADDR", ""), 0)})


def _is_own_machine(request: HttpRequest) -> bool:
    """Whether it came over loopback, and not through a proxy that says so."""
    address = literal_address(str(request.META.get("REMOTE_ADDR", "")))
    is_loopback = address is not None and address.is_loopback
    return is_loopback and "HTTP_X_FORWARDED_FOR" not in request.META


def _count(value: Any) -> int:
    """A number that fits its column; 0 for what is none."""
    return min(max(value, 0), 2**31 - 1) if type(value) is int else 0
