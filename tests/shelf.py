"""The web server of `manage.py web` around a small application, and nginx on the same bytes."""

import asyncio
import contextlib
import os
import socket
import subprocess
import threading
import time

import uvloop

from statuspage.ops.supervisor import free_port
from statuspage.serving import door
from statuspage.serving.disk_copies import Document, Variant
from statuspage.serving.event_stream import HEADERS, Streams
from statuspage.serving.http1.server import Server

PAGE = b"<!doctype html><title>All systems are operational</title>" + b"<p>API: operational</p>" * 200
LARGE = b"0123456789abcdef" * 512 * 1024  # 8 MiB
DOCUMENTS = {"/": PAGE, "/a b": PAGE, "/large": LARGE}


class Shelf:
    """Documents at hand; other addresses answer with what they were sent, late, in pieces, or badly."""

    stream_headers = HEADERS

    def __init__(self):
        self.security = [(b"x-content-type-options", b"nosniff")]
        self.answers = {}
        for path, body in DOCUMENTS.items():
            variant = Variant.of(0.0, body)
            document = Document(path, "text/html; charset=utf-8", 1, time.time(), 0.0, (variant,), None, "")
            self.answers[path] = {
                encoding: door.make_answer(document, variant, encoding, [])
                for encoding in (b"", b"gzip", b"br")
            }
        self.streams = Streams(1_000)
        self.gate = asyncio.Event()
        self.scopes = []

    async def start(self):
        self.streams.start()

    async def stop(self):
        pass

    def close_streams(self):
        self.streams.close()

    def question(self, asked):
        headers = [(b"accept-encoding", asked.accepts), (b"if-none-match", asked.condition)]
        return door.question(asked.method, asked.path, headers) if asked.method in ("GET", "HEAD") else None

    def at_hand(self, asked, now):
        answer = self.answers.get(asked.path)
        return answer[asked.encoding].to(asked) if answer else None

    def join(self, listener, scope):
        hello = self.streams.join(listener)
        return None if hello is None else (self.streams, hello)

    async def __call__(self, scope, receive, send):
        self.scopes.append(scope)
        status, pieces, headers = 200, [], []
        if scope["path"] in DOCUMENTS:  # a GET with a body
            await self.body(receive)
            pieces = [DOCUMENTS[scope["path"]]]
        elif scope["path"] == "/echo":
            pieces = [await self.body(receive)]
        elif scope["path"] == "/pieces":
            pieces = [b"one", b"", b"two", b"three"]
        elif scope["path"] == "/late":
            await self.gate.wait()
            pieces = [b"late"]
        elif scope["path"] == "/raises":
            raise ValueError("on purpose")
        elif scope["path"] == "/split":
            pieces, headers = [b"x"], [(b"location", b"/a\r\nset-cookie: b=c")]
        elif scope["path"] == "/zero":
            pieces, headers = [b"x"], [(b"location", b"/a\0")]
        elif scope["path"] in ("/204", "/304"):
            status, pieces, headers = int(scope["path"][1:]), [b""], [(b"content-length", b"0")]
        elif scope["path"] == "/short":
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"9")]})
            await send({"type": "http.response.body", "body": b"four"})
            return
        else:
            status, pieces = 404, [b"There is no such page."]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        for number, piece in enumerate(pieces):
            await send({"type": "http.response.body", "body": piece, "more_body": number < len(pieces) - 1})

    async def body(self, receive):
        arrived = b""
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return b"(broken off)" + arrived
            arrived += message["body"]
            if not message["more_body"]:
                return arrived


class Serving:
    """One running server, in a thread of its own; around another application than a shelf if one is given."""

    def __init__(self, application=None):
        self.shelf = application or Shelf()
        started = threading.Event()
        self.thread = threading.Thread(target=self._run, args=(started,), daemon=True)
        self.thread.start()
        assert started.wait(10)

    def _run(self, started):
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(self._serve(started))

    async def _serve(self, started):
        self.loop, self.stop = asyncio.get_running_loop(), asyncio.Event()
        self.server = Server(self.shelf, "127.0.0.1", 0)
        listening = self.server.listen()
        self.port = listening.getsockname()[1]
        started.set()
        await self.server.serve(listening, self.stop)

    def call(self, what, *more):
        """In the server's own thread, where it is safe."""
        done, result = threading.Event(), []

        def run():
            result.append(what(*more))
            done.set()

        self.loop.call_soon_threadsafe(run)
        assert done.wait(10)
        return result[0]

    def close(self):
        """Stop, and wait for the end."""
        with contextlib.suppress(RuntimeError):
            self.loop.call_soon_threadsafe(self.stop.set)
        self.thread.join(20)
        assert not self.thread.is_alive()


class Nginx:
    """Debian's nginx with these documents as files."""

    def __init__(self, folder):
        www = folder / "www"
        www.mkdir(parents=True)
        (www / "index.html").write_bytes(PAGE)
        (www / "a b").write_bytes(PAGE)
        (www / "large").write_bytes(LARGE)
        for part in (folder.parent, folder, www):
            part.chmod(0o755)
        self.port = free_port()
        file = folder / "nginx.conf"
        user = "" if os.geteuid() else "user root;"
        file.write_text(
            f"{user} worker_processes 1; daemon off; pid {folder}/pid; error_log {folder}/errors;\n"
            f"events {{ worker_connections 200; }}\n"
            f"http {{ access_log off; default_type text/html; gzip on; gzip_types *; gzip_min_length 1; "
            f"gzip_http_version 1.0; client_body_temp_path {folder}/body; gzip_vary on;\n"
            f"server {{ listen 127.0.0.1:{self.port}; root {www}; }} }}\n"
        )
        self.process = subprocess.Popen(
            ["nginx", "-c", str(file), "-p", str(folder), "-e", f"{folder}/errors"]
        )
        end = time.monotonic() + 20
        while time.monotonic() < end:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            time.sleep(0.05)
        raise AssertionError("nginx does not answer")

    def close(self):
        self.process.terminate()
        self.process.wait(10)
