"""A chat with a fixed number of connections, for the demo: WebSockets, posts beside them, and its numbers.

    python -m statuspage.ops.demo.chat_server PORT

Connections that people leave behind stay open until the safeguard (`safeguard.py`) has them closed. When
all places are taken, new ones are refused with 503; posts go on.
"""

import asyncio
import contextlib
import json
import sys
import time
from http import HTTPStatus
from typing import Any

from websockets.asyncio.server import ServerConnection, serve  # noqa: TID251 - it listens, and dials nobody
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

PLACES = 40
IDLE_S = 3.0


class Chat:
    """Who is connected, and when each last said something."""

    def __init__(self) -> None:
        self.heard: dict[ServerConnection, float] = {}
        self.restarts = 0

    async def talk(self, connection: ServerConnection) -> None:
        """Send back what is said."""
        self.heard[connection] = time.monotonic()
        with contextlib.suppress(ConnectionClosed):
            async for message in connection:
                self.heard[connection] = time.monotonic()
                await connection.send(message)
        self.heard.pop(connection, None)

    async def answer(self, connection: ServerConnection, request: Request) -> Response | None:
        """Plain HTTP beside the chat; None lets a WebSocket open."""
        path = request.path.partition("?")[0]
        if path == "/chat":
            if len(self.heard) < PLACES:
                return None
            return _response({"error": "all chat connections are in use"}, HTTPStatus.SERVICE_UNAVAILABLE)
        if path == "/metrics":
            text = f"chat_connections_used {len(self.heard)}\nchat_connections_max {PLACES}\n"
            return _response(text)
        if path == "/close-idle":
            return _response({"closed": self._close(IDLE_S)})
        if path == "/restart":
            self.restarts += 1
            return _response({"closed": self._close(0.0), "restarts": self.restarts})
        return _response({"posts": ["Good morning"]})

    def _close(self, idle_s: float) -> int:
        """Close those that have said nothing for so long; how many these were."""
        now = time.monotonic()
        idle = [connection for connection, at in self.heard.items() if now - at >= idle_s]
        for connection in idle:
            self.heard.pop(connection, None)
            asyncio.get_running_loop().create_task(connection.close(1001, "idle"))
        return len(idle)


def _response(body: Any, status: HTTPStatus = HTTPStatus.OK) -> Response:
    is_text = isinstance(body, str)
    data = (body if is_text else json.dumps(body)).encode()
    kind = "text/plain; version=0.0.4" if is_text else "application/json"
    headers = Headers({"Content-Type": kind, "Content-Length": str(len(data)), "Connection": "close"})
    return Response(status.value, status.phrase, headers, data)


async def main(port: int) -> None:
    """Serve on loopback until terminated."""
    chat = Chat()
    async with serve(
        chat.talk, "127.0.0.1", port, process_request=chat.answer, ping_interval=None, close_timeout=1
    ):
        await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
