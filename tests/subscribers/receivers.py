"""Receivers of webhooks that misbehave on order: a real server on a real socket."""

import json
import socket
import struct
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Got:
    """One request that came."""

    path: str
    headers: dict
    body: bytes
    at: float = field(default_factory=time.monotonic)

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def id(self):
        return self.headers["webhook-id"]


class Sink:
    """Answers by path: `answers["/a"]` is a status, (status, headers), or "rst", "hang", "drip"."""

    def __init__(self, host="127.0.0.1", usual=200):
        self.usual = usual
        self.answers, self.got, self.lock = {}, [], threading.Lock()
        self.server = _Server((host, 0), _Handler)
        self.server.sink = self
        self.port = self.server.server_port
        self.url = f"http://{host}:{self.server.server_port}"
        self.ending = threading.Event()
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.ending.set()
        self.server.shutdown()
        self.server.server_close()

    def of(self, path):
        return [one for one in self.got if one.path == path]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 1024

    def handle_error(self, request, client_address):
        pass


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        sink = self.server.sink
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        with sink.lock:
            sink.got.append(Got(self.path, {k.lower(): v for k, v in self.headers.items()}, body))
        answer = sink.answers.get(self.path, sink.usual)
        if callable(answer):
            answer = answer()
        if answer == "rst":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            return
        if answer == "hang":
            sink.ending.wait(60)
            return
        if answer == "drip":
            for letter in b"HTTP/1.1 200 OK\r\nX: " + b"y" * 600:
                self.wfile.write(bytes([letter]))
                if sink.ending.wait(0.4):
                    return
            return
        status, headers, text = answer if isinstance(answer, tuple) else (answer, {}, b"")
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass
