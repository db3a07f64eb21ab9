"""Refuses forms sent from other sites. Public pages are the same bytes for everyone, so they hold no token.

A forged sign-up would gain nothing that a plain request would not, as no one is
logged in here; but other people's browsers must not be made to ask for us.
"""

from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest


def is_foreign(request: HttpRequest) -> bool:
    """Whether a page of another site sent this form. Programs, which send no such headers, may."""
    site = request.headers.get("Sec-Fetch-Site", "")
    if site:
        return site != "same-origin"
    origin = request.headers.get("Origin", "")
    if origin in ("", "null"):
        # pages that tell no referrer send "null"; without https browsers say nothing better
        return origin == "null" and settings.IS_HTTPS
    ours = {settings.PUBLIC_URL, f"{request.scheme}://{request.get_host()}"}
    return _spelled(origin) not in {_spelled(one) for one in ours}


def _spelled(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme.lower(), parts.netloc.lower()
