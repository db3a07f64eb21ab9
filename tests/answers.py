"""Answers of HTTP/1.1 as they came over a socket, cut strictly."""

import contextlib
import re
import socket
from dataclasses import dataclass


@dataclass(frozen=True)
class Got:
    """One answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def connection(self):
        """What it says of the connection; keep-alive is the default of HTTP/1.1."""
        return self.headers.get("connection", "keep-alive").lower()


def cut(data, *, heads=()):
    """The answers in these bytes. `heads`: which of them answer HEAD."""
    answers = []
    while data:
        head, end, data = data.partition(b"\r\n\r\n")
        line, *lines = head.split(b"\r\n")
        assert end, head
        status = int(re.fullmatch(rb"HTTP/1\.1 ([0-9]{3}) .+", line)[1])
        headers = {}
        for one in lines:
            name, value = re.fullmatch(rb"([A-Za-z0-9-]+): (.*)", one).groups()
            assert name.lower() not in headers, name
            headers[name.decode().lower()] = value.decode()
        finals = sum(answer.status != 100 for answer in answers)
        if status in (100, 204, 304) or (finals in heads):
            body = b""
        elif headers.get("transfer-encoding") == "chunked":
            body, data = unchunked(data)
        elif "content-length" in headers:
            length = int(headers["content-length"])
            assert len(data) >= length, "it was cut"
            body, data = data[:length], data[length:]
        else:
            assert headers["connection"] == "close"
            body, data = data, b""
        answers.append(Got(status, headers, body))
    return answers


def unchunked(data):
    """(body, the rest)."""
    body = b""
    while True:
        size, _, data = data.partition(b"\r\n")
        number = int(size, 16)
        piece, data = data[:number], data[number:]
        assert data.startswith(b"\r\n"), "it was cut"
        data = data[2:]
        if not number:
            return body, data
        body += piece


def heard(line, timeout_s=30):
    """All that comes until the other side ends."""
    line.settimeout(timeout_s)
    said = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := line.recv(65536):
            said += piece
    return said


def ask(port, *pieces, heads=()):
    """The answers to these bytes, until the server ends the connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as line:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            for piece in pieces:
                line.sendall(piece)
        return cut(heard(line), heads=heads)
