"""The mail server: connected to, with TLS and login; nothing is sent."""

import asyncio
from collections.abc import Iterator

import aiosmtplib
from django.conf import settings

from components.egress import Door, EgressError, through
from statuspage.ops.doctor.findings import Finding, fail, first_line, ok, warn

NAME = "mail server"
DEADLINE_S = 8.0


def look() -> Iterator[Finding]:
    """Say hello, start TLS, log in, and leave."""
    if not settings.EMAIL_URL:
        text = "EMAIL_URL is not set: mails are written to VAR_DIR/mail, and no one gets them."
        yield warn(NAME, f"{text} Set it to your mail server.")
        return
    place = f"{settings.EMAIL_HOST}:{settings.EMAIL_PORT}"
    try:
        yield asyncio.run(_greet(place))
    except TimeoutError:
        yield fail(NAME, f"{place} did not finish within {DEADLINE_S:g} s: check EMAIL_URL and the firewall.")
    except EgressError as error:
        yield fail(NAME, f"{place} cannot be reached. {error.sentence} Check EMAIL_URL.")
    except aiosmtplib.SMTPAuthenticationError as error:
        words = f"{place} rejects our login ({error.code})"
        yield fail(NAME, f"{words}: check user and password in EMAIL_URL (special characters as %40).")
    except (aiosmtplib.SMTPException, OSError, ValueError) as error:
        yield fail(NAME, f"{place}: {first_line(error)}. Check EMAIL_URL.")


async def _greet(place: str) -> Finding:
    door = through(Door.SUBSCRIBERS)
    async with asyncio.timeout(DEADLINE_S):
        client = aiosmtplib.SMTP(
            hostname=settings.EMAIL_HOST,
            username=settings.EMAIL_HOST_USER or None,
            password=settings.EMAIL_HOST_PASSWORD or None,
            local_hostname=settings.PUBLIC_HOST,
            use_tls=settings.EMAIL_USE_SSL,
            start_tls=settings.EMAIL_USE_TLS,
            tls_context=door.tls,
            timeout=DEADLINE_S,
            sock=await door.dial_own(settings.EMAIL_HOST, settings.EMAIL_PORT),
        )
        try:
            await client.connect()
        finally:
            client.close()
    is_open = not (settings.EMAIL_USE_SSL or settings.EMAIL_USE_TLS)
    if is_open and settings.EMAIL_HOST_USER:
        return warn(
            NAME, f"{place} answers, but the password travels unencrypted: add ?tls=true to EMAIL_URL."
        )
    words = "with login" if settings.EMAIL_HOST_USER else "without login"
    return ok(NAME, f"{place} answers, {'without' if is_open else 'with'} TLS, {words}. Nothing was sent.")
