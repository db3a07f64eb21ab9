"""Things to look at, on loopback, which are well or ill on order."""

import asyncio
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


class Target:
    """A web server. `answers` is the status of every path; `says` its body; `waits_s` comes before."""

    def __init__(self, port: int = 0, host: str = "127.0.0.1") -> None:
        self.answers, self.says, self.waits_s = 200, b"well", 0.0
        self.headers: dict[str, str] = {}
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []
        self.paths: dict[str, tuple[int, dict[str, str], bytes]] = {}
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def handle_one(self):
                length = int(self.headers.get("content-length") or 0)
                body = self.rfile.read(length)
                outer.asked.append((self.command, self.path, dict(self.headers), body))
                time.sleep(outer.waits_s)
                status, headers, text = outer.paths.get(
                    urlsplit(self.path).path, (outer.answers, outer.headers, outer.says)
                )
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(text)

            do_GET = do_POST = do_HEAD = do_PUT = handle_one

            def log_message(self, *_):
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 512

            def handle_error(self, *_):
                pass  # probes leave when they have seen enough

        self.server = Server((host, port), Handler)
        self.port = self.server.server_address[1]
        self.url = f"http://{host}:{self.port}/"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def json(self, value: object) -> None:
        self.says = json.dumps(value).encode()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Raw:
    """A server of one behaviour: `behave(reader, writer)` for every connection."""

    def __init__(self, behave: Callable, *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1"):
        self.behave, self.tls, self.host = behave, tls, host
        self.taken = 0
        self.loop = asyncio.new_event_loop()
        ready = threading.Event()

        def run():
            asyncio.set_event_loop(self.loop)
            self.server = self.loop.run_until_complete(
                asyncio.start_server(self._serve, host, 0, ssl=self.tls, backlog=512)
            )
            self.port = self.server.sockets[0].getsockname()[1]
            ready.set()
            self.loop.run_forever()

        self.thread = threading.Thread(target=run, daemon=True)
        self.thread.start()
        ready.wait(5)

    async def _serve(self, reader, writer):
        self.taken += 1
        try:
            await self.behave(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()

    def close(self):
        def end():
            self.server.close()
            for task in asyncio.all_tasks(self.loop):
                task.cancel()
            self.loop.call_later(0.05, self.loop.stop)

        self.loop.call_soon_threadsafe(end)
        self.thread.join(5)
        self.loop.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class FullBacklog:
    """A port that neither accepts nor refuses: its queue is full, so a dial just waits."""

    def __init__(self, host: str = "::1") -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.listener = socket.socket(family)
        self.listener.bind((host, 0))
        self.listener.listen(0)
        self.port = self.listener.getsockname()[1]
        self.fillers = []
        for _ in range(4):
            filler = socket.socket(family)
            filler.setblocking(False)
            filler.connect_ex((host, self.port))
            self.fillers.append(filler)
        time.sleep(0.1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for one in (*self.fillers, self.listener):
            one.close()


async def answer(writer: asyncio.StreamWriter, body: bytes = b"ok", head: str = "") -> None:
    """A well-formed answer."""
    writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n{head}\r\n".encode() + body)
    await writer.drain()
