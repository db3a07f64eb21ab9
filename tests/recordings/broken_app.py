"""An application, as WSGI and as ASGI, that is broken at some of its paths; servers import it by name."""

import asyncio
import functools
import os
import signal
import time


def _page(path):
    """Status and body of a path."""
    if path == "/error":
        raise RuntimeError("no such table: orders")
    if path == "/bare":
        return "503 Service Unavailable", b"Service Unavailable"
    if path == "/retry":
        return "503 Service Unavailable", b"busy"
    if path == "/database":
        return _ask_database()
    if path == "/pool":
        return _ask_pool()
    return "200 OK", b"ok"


def _ask_database():
    """The database, and its driver's own words when it does not answer."""
    import psycopg

    try:
        with psycopg.connect(os.environ["DATABASE"], connect_timeout=2) as connection:
            connection.execute("SELECT 1")
    except psycopg.OperationalError as error:
        return "500 Internal Server Error", f"{type(error).__module__}.OperationalError: {error}".encode()
    return "200 OK", b"ok"


@functools.cache
def _used_up_pool():
    """A pool of one connection that is never given back."""
    import sqlalchemy

    address = os.environ["DATABASE"].replace("postgresql://", "postgresql+psycopg://")
    engine = sqlalchemy.create_engine(address, pool_size=1, max_overflow=0, pool_timeout=0.5)
    return engine, engine.connect()


def _ask_pool():
    engine, _ = _used_up_pool()
    try:
        engine.connect()
    except Exception as error:
        return "503 Service Unavailable", str(error).encode()
    return "200 OK", b"ok"


def _kill():
    os.kill(os.getpid(), signal.SIGKILL)


def wsgi(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/slow":
        time.sleep(20)
    if path == "/kill":
        _kill()
    status, body = _page(path)
    headers = [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))]
    if path == "/retry":
        headers.append(("Retry-After", "5"))
    start_response(status, headers)
    return [body]


async def _websocket(path, receive, send):
    """Holds it until the other side leaves; refuses it at one path."""
    await receive()
    if path == "/refuses":
        await send({"type": "websocket.close", "code": 1008})
        return
    await send({"type": "websocket.accept"})
    while (await receive())["type"] != "websocket.disconnect":
        pass


async def asgi(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            event = await receive()
            await send({"type": f"{event['type']}.complete"})
            if event["type"] == "lifespan.shutdown":
                return
    path = scope["path"]
    if scope["type"] == "websocket":
        await _websocket(path, receive, send)
        return
    if path == "/slow":
        await asyncio.sleep(20)
    if path == "/block":
        time.sleep(20)  # noqa: ASYNC251 - it is broken on purpose
    if path == "/kill":
        _kill()
    status, body = await asyncio.to_thread(_page, path) if path in ("/database", "/pool") else _page(path)
    headers = [(b"content-type", b"text/plain"), (b"content-length", str(len(body)).encode())]
    if path == "/retry":
        headers.append((b"retry-after", b"5"))
    await send({"type": "http.response.start", "status": int(status[:3]), "headers": headers})
    await send({"type": "http.response.body", "body": body})
