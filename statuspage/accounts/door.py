"""Requests to the identity provider, dialled through the egress door.

allauth speaks with `requests`; what it may reach is decided where every other address is.
"""

import asyncio
from typing import Any

import requests  # noqa: TID251 - allauth's own client, its sockets opened below
from allauth.socialaccount import app_settings
from requests.adapters import HTTPAdapter  # noqa: TID251
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import NewConnectionError
from urllib3.util.connection import create_connection

from components import egress


class _Judged:
    """A connection that looks its host up once and dials only what the door allows."""

    host: str
    port: int
    timeout: Any
    socket_options: Any

    def _new_conn(self) -> Any:
        try:
            way = egress.through(egress.Door.SIGN_ON)
            found = asyncio.run(way.addresses(self.host, self.port))
        except egress.EgressError as error:
            raise NewConnectionError(self, error.sentence) from error  # type: ignore[arg-type]
        failure: OSError | None = None
        for address in found:
            try:
                return create_connection(
                    (str(address), self.port), self.timeout, socket_options=self.socket_options
                )
            except OSError as error:
                failure = error
        raise NewConnectionError(self, f"It cannot be reached: {failure}.") from failure  # type: ignore[arg-type]


class _Http(_Judged, HTTPConnection):
    """Plain."""


class _Https(_Judged, HTTPSConnection):
    """With TLS; the name is still checked against the certificate."""


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = _Http


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = _Https


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}


class Session(requests.Session):
    """Each hop of a redirect is judged anew; no proxy from the environment, no netrc."""

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False
        self.mount("http://", _Adapter())
        self.mount("https://", _Adapter())

    def request(self, *args: Any, **kwargs: Any) -> requests.Response:
        """With a time limit, which requests does not have."""
        kwargs.setdefault("timeout", app_settings.REQUESTS_TIMEOUT)
        return super().request(*args, **kwargs)
