"""Checks of the settings before the start, each with a hint."""

import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core import checks

from components import canaries
from components.networks import allowed
from statuspage.models import Role

TAG = "settings"  # what an operator can change; the rest of Django's checks looks at our code
MIN_SECRET_LENGTH = 32
MAX_NAME_LENGTH = 80
SECURITY_CONTACT = re.compile(r"mailto:[^\s@]+@[^\s@]+|https://\S+")  # RFC 9116, section 2.5.3


@checks.register(TAG)
def settings_are_sound(**_: Any) -> list[checks.CheckMessage]:
    """An error for every setting that cannot work."""
    return [message for look in LOOKS for message in look()]


def _page() -> Iterator[checks.CheckMessage]:
    if not 0 < len(settings.PAGE_NAME.strip()) <= MAX_NAME_LENGTH:
        yield _error("E010", "PAGE_NAME is empty or too long.", f"Use 1 to {MAX_NAME_LENGTH} characters.")
    try:
        ZoneInfo(settings.PAGE_TIME_ZONE)
    except (KeyError, ValueError, OSError):
        yield _error(
            "E011",
            f"PAGE_TIME_ZONE “{settings.PAGE_TIME_ZONE}” is not a time zone.",
            "Use a name from the IANA database, such as Europe/Berlin.",
        )
    for name in ("PUBLIC_URL", "SUPPORT_URL", "HEARTBEAT_URL", "HEARTBEAT_FAIL_URL"):
        value = getattr(settings, name)
        schemes = ("http", "https", "mailto") if name == "SUPPORT_URL" else ("http", "https")
        if value and not _is_url(value, schemes):
            yield _error(
                "E012",
                f"{name} “{value}” is not an address.",
                "Write the full address, such as https://status.example.org.",
            )
    contact = settings.SECURITY_CONTACT
    if contact and not SECURITY_CONTACT.fullmatch(contact):
        yield _error(
            "E014",
            f"SECURITY_CONTACT “{contact}” is not an address.",
            "Write mailto:security@example.org or https://….",
        )
    if settings.IS_HTTPS is False and urlsplit(settings.PUBLIC_URL).hostname not in (
        "localhost",
        "127.0.0.1",
        "::1",
    ):
        yield checks.Warning(
            "PUBLIC_URL is not https: logins and subscriptions can be read in transit.",
            hint="Put a proxy with TLS in front and set PUBLIC_URL to its https address.",
            id="statuspage.W013",
        )


def _secret() -> Iterator[checks.CheckMessage]:
    if len(settings.SECRET_KEY) < MIN_SECRET_LENGTH:
        yield _error(
            "E020",
            f"SECRET_KEY is shorter than {MIN_SECRET_LENGTH} characters.",
            "Leave it out to have one generated, or generate one yourself: openssl rand -base64 48.",
        )


def _numbers() -> Iterator[checks.CheckMessage]:
    for name, (least, most) in RANGES.items():
        value = getattr(settings, name)
        if not least <= value <= most:
            yield _error("E030", f"{name} is {value}.", f"Use a number from {least} to {most}.")


def _egress() -> Iterator[checks.CheckMessage]:
    for name in ("EGRESS_ALLOW", "SUBSCRIBER_EGRESS_ALLOW"):
        yield from _networks(name)
    if sentence := canaries.refused(settings.CANARIES):
        yield _error(
            "E042",
            f"CANARIES cannot be checked: {sentence}",
            "Write host:port or http:// and https:// addresses, separated by commas.",
        )


def _networks(name: str) -> Iterator[checks.CheckMessage]:
    for text in getattr(settings, name):
        try:
            (entry,) = allowed([text])
        except ValueError:
            yield _error(
                "E040",
                f"{name} contains “{text}”, which is not a network.",
                "Write networks as 10.1.0.0/16, one port as 10.1.0.7:443, or either for one name only, as"
                " db.example.org=10.1.0.0/16, separated by commas.",
            )
            continue
        if entry.network.prefixlen == 0:
            yield checks.Warning(
                f"{name} allows every address, metadata services included.",
                hint="List only the networks you want to check.",
                id="statuspage.W041",
            )


def _servers() -> Iterator[checks.CheckMessage]:
    if urlsplit(settings.REDIS_URL).scheme not in ("redis", "rediss", "unix"):
        yield _error("E050", "REDIS_URL is not a Redis address.", "Write it as redis://host:6379/0.")


def _people() -> Iterator[checks.CheckMessage]:
    if settings.OIDC_ISSUER and not _is_url(settings.OIDC_ISSUER, ("http", "https")):
        yield _error(
            "E060",
            f"OIDC_ISSUER “{settings.OIDC_ISSUER}” is not an address.",
            "Write the full address, such as https://login.example.org.",
        )
    if settings.OIDC_ISSUER and not (settings.OIDC_CLIENT_ID and settings.OIDC_CLIENT_SECRET):
        yield _error(
            "E061",
            "OIDC_ISSUER is set without OIDC_CLIENT_ID and OIDC_CLIENT_SECRET.",
            "Register this page with the issuer, and set the id and secret you get.",
        )
    roles = [role.name.lower() for role in Role]
    if settings.OIDC_ROLE and settings.OIDC_ROLE not in roles:
        yield _error(
            "E062",
            f"OIDC_ROLE “{settings.OIDC_ROLE}” is not a role.",
            f"Use one of {', '.join(roles)}, or leave it empty: then people must be invited.",
        )
    if settings.EMAIL_URL and not (
        urlsplit(settings.EMAIL_URL).scheme in ("smtp", "smtps") and settings.EMAIL_HOST
    ):
        yield _error(
            "E063",
            "EMAIL_URL is not a mail server address.",
            "Write it as smtp://user:password@host:587/?tls=true.",
        )


def _apprise() -> Iterator[checks.CheckMessage]:
    """Only when it is set: Apprise takes 0.2 s to import."""
    if not settings.APPRISE_URLS:
        return
    from apprise import Apprise

    for place, url in enumerate(settings.APPRISE_URLS, 1):
        if Apprise.instantiate(url, suppress_exceptions=True) is None:  # the address itself holds keys
            yield _error(
                "E090",
                f"APPRISE_URLS: Apprise cannot read address {place} of {len(settings.APPRISE_URLS)}.",
                "Write addresses as on github.com/caronc/apprise/wiki, with spaces between them.",
            )


RANGES = {
    "PORT": (1, 65_535),
    "TRUSTED_PROXIES": (0, 10),
    "STREAMS_MAX": (0, 1_000_000),
    "STREAMS_PER_ADDRESS": (0, 1_000_000),
    "CHECK_RETENTION_DAYS": (1, 3_650),
    "PUBLISH_DELAY_S": (0, 86_400),
    "UNDO_S": (0, 600),
    "TELL_AFTER_S": (0, 120),
    "SUBSCRIBE_PROOF_BITS": (0, 24),
    "HOUR_RETENTION_DAYS": (1, 36_500),
    "SIGNAL_RETENTION_DAYS": (1, 3_650),
    "SIGNALS_PER_MINUTE": (1, 100_000),
    "SPOOL_MAX_MB": (1, 1_000_000),
    "WORKER_CONCURRENCY": (1, 64),
    "WORKER_SILENCE_S": (10, 3_600),
    "JOIN_WINDOW_S": (0, 86_400),
    "SETTLE_S": (0, 86_400),
    "HOOKS_BRAKE_CALLS": (1, 1_000),
    "HOOKS_BRAKE_S": (60, 86_400),
    "HOOKS_DEPLOY_QUIET_S": (0, 86_400),
    "HOOKS_ACT_RETENTION_DAYS": (8, 3_650),  # a budget looks back a week at most
}
LOOKS: tuple[Callable[[], Iterator[checks.CheckMessage]], ...] = (
    _page,
    _secret,
    _numbers,
    _egress,
    _servers,
    _people,
    _apprise,
)


def _is_url(text: str, schemes: tuple[str, ...]) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in schemes and bool(parts.netloc or parts.scheme == "mailto")


def _error(number: str, sentence: str, hint: str) -> checks.Error:
    return checks.Error(sentence, hint=hint, id=f"statuspage.{number}")
