"""Requests to the identity provider, through the egress door.

allauth expects a session of `requests`, and uses little of it: `get` and `request`, and of an
answer its status, headers, text and JSON. That much is here, over httpx.
"""

import asyncio
import json
from collections.abc import Mapping
from typing import Any, Protocol, Self

from allauth.socialaccount.providers.oauth2.client import OAuth2Error

from components import egress, transport

DEADLINE_S = 10.0  # for each request, redirects included; a person waits, and a thread too
MAX_BYTES = 1_000_000  # keys of a large provider are some tens of kilobytes


class ProviderError(OAuth2Error, OSError):  # type: ignore[misc]
    """The provider did not answer, or not as it should. allauth shows its page for the first kind."""


class Missing(ProviderError, KeyError):
    """The answer lacks a required field."""


class ProviderObject(dict[str, Any]):
    """A JSON object of an answer. A missing key that allauth reads raises Missing."""

    def __missing__(self, name: str) -> Any:
        raise Missing(f"The provider's response is missing “{name}”.")


class BasicLogin(Protocol):
    """As `requests.auth.HTTPBasicAuth`, which allauth hands over."""

    username: str
    password: str


class Answer:
    """The part of a response that allauth reads."""

    def __init__(self, status_code: int, headers: Mapping[str, str], content: bytes, text: str) -> None:
        self.status_code, self.content, self.text = status_code, content, text
        self.headers = {"content-type": "", **{name.lower(): value for name, value in headers.items()}}

    def json(self) -> Any:
        """The body as a JSON object, as OpenID Connect requires. Raises ProviderError."""
        try:
            body = json.loads(self.content)
        except (ValueError, RecursionError) as error:
            raise ProviderError("The provider's response is not JSON.") from error
        if not isinstance(body, dict):
            raise ProviderError("The provider's response is not a JSON object.")
        return ProviderObject(body)

    def raise_for_status(self) -> None:
        """Raises ProviderError for anything but a 2xx or 3xx."""
        if self.status_code >= 400:
            raise ProviderError(f"The provider responded with {self.status_code}.")


class Session:
    """Requests through the egress door; each hop of a redirect is checked again."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is kept between requests."""

    def get(self, url: str, **options: Any) -> Answer:
        """Send a GET request. Raises ProviderError."""
        return self.request("GET", url, **options)

    def request(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        data: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: BasicLogin | None = None,
    ) -> Answer:
        """Send a request and read the whole answer. Raises ProviderError."""
        login = (auth.username, auth.password) if auth is not None else None
        options = {"params": params, "data": data, "headers": headers, "auth": login}
        try:
            return asyncio.run(
                _ask(method, str(url), {name: value for name, value in options.items() if value})
            )
        except transport.ERRORS as error:
            raise ProviderError(str(error)) from error


async def _ask(method: str, url: str, options: Mapping[str, Any]) -> Answer:
    door = egress.through(egress.Door.SIGN_ON)
    async with transport.client(
        door, deadline_s=DEADLINE_S, most_bytes=MAX_BYTES, follow_redirects=True
    ) as client:
        came = await client.request(method, url, **options)
        return Answer(came.status_code, came.headers, came.content, came.text)
