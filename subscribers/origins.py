"""Refuses forms sent from other sites. Public pages are the same bytes for everyone, so they have no token.

A forged sign-up would gain nothing that a plain request would not, as no one is
logged in here; but other sites must not make visitors' browsers send it.
"""

from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest


def is_foreign(request: HttpRequest) -> bool:
    """Whether another site's page sent this form. False for programs, which send no such headers."""
    site = request.headers.get("Sec-Fetch-Site", "")
    if site:
        return site != "same-origin"
    origin = request.headers.get("Origin", "")
    if origin in ("", "null"):
        # pages with a no-referrer policy send "null"; without https browsers send nothing better
        return origin == "null" and settings.IS_HTTPS
    own_urls = {settings.PUBLIC_URL, f"{request.scheme}://{request.get_host()}"}
    return _spelled(origin) not in {_spelled(url) for url in own_urls}


def _spelled(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme.lower(), parts.netloc.lower()
