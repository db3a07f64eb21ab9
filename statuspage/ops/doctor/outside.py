"""What others reach: PUBLIC_URL and the proxies in front of it, and the single sign-on provider."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import DatabaseError

from components import transport
from components.egress import Door, Egress, through
from components.models import Page
from statuspage.ops.doctor.findings import Finding, fail, first_line, ok, skip, warn

NAME, LIVE, PROXIES, SIGN_ON = "PUBLIC_URL", "/live", "TRUSTED_PROXIES", "single sign-on"
DEADLINE_S = 6.0
FIRST_BYTES_S = 4.0
MAX_BYTES = 5_000_000
OUR_SERVER = "statuspage"
OF_PROXIES = ("via", "x-cache", "cf-ray", "x-served-by", "x-varnish", "x-amz-cf-id", "fly-request-id")


def public_page() -> Iterator[Finding]:
    """Whether our own page answers there, told by its id."""
    try:
        answer = asyncio.run(_get(through(Door.OWN_PAGE), f"{settings.PUBLIC_URL}/api/v2/summary.json"))
    except transport.ERRORS as error:
        yield fail(
            NAME, f"{settings.PUBLIC_URL} cannot be reached from here ({first_line(error)}): {_mend()}"
        )
        return
    if answer.is_redirect:
        place = answer.headers.get("location", "")
        yield fail(NAME, f"It redirects to {place}: set PUBLIC_URL to the address that readers end at.")
        return
    if answer.status_code != 200:
        yield fail(NAME, f"It answers {answer.status_code}: {_mend()}")
        return
    yield _whose(answer)
    yield from _proxies(answer)


def _mend() -> str:
    return "start the program, and check PUBLIC_URL, its DNS entry, its certificate and the proxy."


def _whose(answer: Any) -> Finding:
    try:
        page_id = str(json.loads(answer.content)["page"]["id"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return fail(NAME, "What answers there is not this program: check PUBLIC_URL and the proxy.")
    try:
        ours = Page.objects.values_list("public_id", flat=True).filter(pk=1).first()
    except DatabaseError:
        return ok(
            NAME, "A status page answers there; without the database we can't check whether it is ours."
        )
    if page_id != str(ours):
        return fail(NAME, "Another status page answers there, with another database: check PUBLIC_URL.")
    return ok(NAME, "Our own page answers there.")


def _proxies(answer: Any) -> Iterator[Finding]:
    """What the answer says about proxies; how many there are cannot be seen from outside."""
    is_behind = settings.IS_HTTPS or OUR_SERVER not in answer.headers.get("server", OUR_SERVER).lower()
    is_behind = is_behind or any(name in answer.headers for name in OF_PROXIES)
    number = settings.TRUSTED_PROXIES
    if is_behind and not number:
        yield warn(
            PROXIES,
            "There is a proxy in front, and it is 0, which is too low: all readers share the proxy's address"
            " in limits and the audit log. Set it to the number of your proxies.",
        )
    elif number and _is_direct() and not is_behind:
        yield fail(
            PROXIES,
            f"PUBLIC_URL is our own port, and it is {number}, which is too high: clients can choose their"
            " address. Set it to 0.",
        )
    else:
        yield ok(PROXIES, f"{number} fits what can be seen from here.")


def _is_direct() -> bool:
    parts = urlsplit(settings.PUBLIC_URL)
    return not settings.IS_HTTPS and (parts.port or 80) == settings.PORT


def live_stream() -> Iterator[Finding]:
    """Whether the first bytes of the live stream come at once, as no proxy keeps or removes it."""
    try:
        finding = asyncio.run(_first_bytes())
    except transport.ERRORS as error:
        finding = fail(LIVE, f"The live stream cannot be opened ({first_line(error)}): {_mend()}")
    yield finding


async def _first_bytes() -> Finding:
    url = f"{settings.PUBLIC_URL}/live"
    door = through(Door.OWN_PAGE)
    async with transport.client(door, deadline_s=DEADLINE_S, most_bytes=MAX_BYTES) as client:
        try:
            async with (
                asyncio.timeout(FIRST_BYTES_S),
                client.stream("GET", url, headers={"Accept": "text/event-stream"}) as answer,
            ):
                kind = answer.headers.get("content-type", "")
                if answer.status_code != 200 or not kind.startswith("text/event-stream"):
                    return fail(
                        LIVE,
                        f"It answers {answer.status_code} {kind or 'without a type'} instead of the live"
                        " stream: let the proxy pass /live on as it is.",
                    )
                async for piece in answer.aiter_bytes():
                    if piece:
                        return ok(LIVE, "The live stream's first bytes come at once.")
        except TimeoutError:
            return fail(
                LIVE,
                f"No byte within {FIRST_BYTES_S:g} s: a proxy buffers it, so pages are not updated live."
                " Switch buffering off for /live (nginx: proxy_buffering off).",
            )
    return fail(LIVE, "The live stream ended at once: let the proxy keep /live open.")


def sign_on() -> Iterator[Finding]:
    """Whether the OpenID Connect provider can be reached and is the one that is named."""
    if not settings.OIDC_ISSUER:
        yield skip(SIGN_ON, "OIDC_ISSUER is not set.")
        return
    url = f"{settings.OIDC_ISSUER}/.well-known/openid-configuration"
    try:
        answer = asyncio.run(_get(through(Door.SIGN_ON), url))
        document = json.loads(answer.content) if answer.status_code == 200 else None
    except transport.ERRORS as error:
        yield fail(SIGN_ON, f"The provider cannot be reached ({first_line(error)}): check OIDC_ISSUER.")
        return
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        words = f"{url} answers {answer.status_code} and no JSON object"
        yield fail(SIGN_ON, f"{words}: check OIDC_ISSUER.")
    elif str(document.get("issuer", "")).rstrip("/") != settings.OIDC_ISSUER:
        words = f"The provider calls itself {document.get('issuer')}"
        yield fail(SIGN_ON, f"{words}: set OIDC_ISSUER to exactly that.")
    elif missing := [name for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")
                     if not document.get(name)]:  # fmt: skip
        yield fail(SIGN_ON, f"The provider's document lacks {', '.join(missing)}: check OIDC_ISSUER.")
    else:
        yield ok(SIGN_ON, "The provider answers. Whether it accepts our secret is seen at a login.")


async def _get(door: Egress, url: str) -> Any:
    async with transport.client(door, deadline_s=DEADLINE_S, most_bytes=MAX_BYTES) as client:
        return await client.get(url)
