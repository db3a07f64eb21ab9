"""A server that speaks HTTP/2 over TLS, well or ill, and certificates for it.

`Http2` answers every request; a misbehaving one is a `Raw` with a coroutine of its own
(`tests/hostile2.py`), which begins with `greet`.
"""

import asyncio
import ssl
from contextlib import contextmanager

import h2.config
import h2.connection
import h2.events

from components.egress import Egress
from tests.certificates import make
from tests.targets import Raw

CHUNK = 65536


def tls(folder, *, protocols=("h2", "http/1.1")):
    """(a server's context, the file that vouches for it)."""
    key, certificate = make(folder, "127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    if protocols:
        context.set_alpn_protocols(list(protocols))
    return context, str(certificate)


@contextmanager
def well(folder):
    """A server that behaves, with a `door` that reaches and trusts it."""
    context, vouches = tls(folder)
    with Http2(context) as server:
        server.door = Egress(["127.0.0.0/8"], ca_file=vouches)
        yield server


def spoken(writer):
    return writer.get_extra_info("ssl_object").selected_alpn_protocol()


class Peer:
    """One connection: frames in, frames out."""

    def __init__(self, reader, writer, **config):
        self.reader, self.writer = reader, writer
        given = h2.config.H2Configuration(client_side=False, header_encoding="utf-8", **config)
        self.frames = h2.connection.H2Connection(config=given)

    async def flush(self):
        self.writer.write(self.frames.data_to_send())
        await self.writer.drain()

    async def begin(self):
        self.frames.initiate_connection()
        await self.flush()

    async def events(self):
        """What the other side says, acknowledged as it comes."""
        while data := await self.reader.read(CHUNK):
            for event in self.frames.receive_data(data):
                if isinstance(event, h2.events.DataReceived):
                    self.frames.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                yield event
            await self.flush()

    async def asked(self):
        """The stream and the headers of the first request, and its body."""
        body, headers = b"", []
        async for event in self.events():
            if isinstance(event, h2.events.RequestReceived):
                headers = event.headers
            if isinstance(event, h2.events.DataReceived):
                body += event.data
            if isinstance(event, h2.events.StreamEnded):
                await self.flush()
                return event.stream_id, headers, body
        raise ConnectionResetError

    async def say(self, stream, headers, body=b"", *, is_end=True):
        """A head, and a body as far as the other side lets us send."""
        self.frames.send_headers(stream, headers, end_stream=is_end and not body)
        await self.flush()
        while body:
            room = min(self.frames.local_flow_control_window(stream), self.frames.max_outbound_frame_size)
            if not room:
                self.frames.receive_data(await self.heard())
                continue
            piece, body = body[:room], body[room:]
            self.frames.send_data(stream, piece, end_stream=is_end and not body)
            await self.flush()

    async def heard(self):
        data = await self.reader.read(CHUNK)
        if not data:
            raise ConnectionResetError
        return data


async def greet(reader, writer, **config):
    """A peer whose first request has come, and its stream."""
    peer = Peer(reader, writer, **config)
    await peer.begin()
    stream, headers, body = await peer.asked()
    return peer, stream, headers, body


class Http2(Raw):
    """Answers `status` with `says`, or what `paths` has for a path: (status, headers, body)."""

    def __init__(self, context):
        self.status, self.says, self.headers, self.paths, self.asked = 200, b"well", [], {}, []
        super().__init__(self._answer, tls=context)
        self.url = f"https://127.0.0.1:{self.port}/"

    async def _answer(self, reader, writer):
        if spoken(writer) != "h2":
            await reader.readuntil(b"\r\n\r\n")
            self.asked.append(("HTTP/1.1", {}, b""))
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nwell")
            return await writer.drain()
        peer, stream, headers, body = await greet(reader, writer)
        given = dict(headers)
        self.asked.append(("HTTP/2", given, body))
        status, more, text = self.paths.get(
            given[":path"].partition("?")[0], (self.status, self.headers, self.says)
        )
        if given[":method"] == "HEAD":
            text = b""
        await peer.say(stream, [(":status", str(status)), *more], text)
        await asyncio.sleep(1)
        return None
