"""A request id, in every line that is logged while the request is answered."""

import re
import secrets
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from components import event_log

GIVEN = re.compile(r"[A-Za-z0-9._-]{8,64}")  # by a proxy, so that its log and ours can be read together


class LogContextMiddleware:
    """Takes `X-Request-ID` from a proxy in front, or makes an id, and gives it back in the answer."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-ID", "")
        request_id = given if GIVEN.fullmatch(given) else secrets.token_hex(6)
        with event_log.within(request=request_id):
            response = self.get_response(request)
        response["X-Request-ID"] = request_id
        return response
