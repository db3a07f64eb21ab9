"""gRPC probes: grpclib's server with the standard health service, and servers that speak something else."""

import asyncio
import ssl
import struct
import threading

import h2.config
import h2.connection
import h2.events
import pytest
from grpclib.const import Cardinality, Handler, Status
from grpclib.exceptions import GRPCError
from grpclib.server import Server

from components.egress import Egress
from components.outcomes import Expectation, Failure, Outcome, classify
from components.probers import PROBERS, InvalidProbeError
from tests.certificates import make
from tests.components.test_probers import OWN, look
from tests.targets import Raw

PLAIN = {"tls": "off"}
SERVING, NOT_SERVING = b"\x08\x01", b"\x08\x02"


class Bytes:
    """Messages as they are on the wire."""

    __content_subtype__ = "proto"

    def encode(self, message, _):
        return message

    def decode(self, data, _):
        return data


class Health:
    """The health service: answers by name, as bytes or as an error; `asked` is what came."""

    def __init__(self):
        self.answers, self.asked, self.metadata = {b"": SERVING}, [], {}

    async def check(self, stream):
        message = await stream.recv_message()
        self.asked.append(message)
        self.metadata = dict(stream.metadata)
        answer = self.answers.get(message[2:], GRPCError(Status.NOT_FOUND, "no such thing"))
        if isinstance(answer, GRPCError):
            raise answer
        if answer is None:
            await asyncio.sleep(30)
        await stream.send_message(answer)

    def __mapping__(self):
        return {"/grpc.health.v1.Health/Check": Handler(self.check, Cardinality.UNARY_UNARY, bytes, bytes)}


class Running:
    def __init__(self, handlers, tls=None):
        self.loop = asyncio.new_event_loop()
        ready = threading.Event()

        async def serve():
            self.server = Server(handlers, codec=Bytes())
            await self.server.start("127.0.0.1", 0, ssl=tls)
            self.port = self.server._server.sockets[0].getsockname()[1]
            ready.set()

        def run():
            self.loop.run_until_complete(serve())
            self.loop.run_forever()

        self.thread = threading.Thread(target=run, daemon=True)
        self.thread.start()
        assert ready.wait(10)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        async def end():
            self.server.close()
            await self.server.wait_closed()

        asyncio.run_coroutine_threadsafe(end(), self.loop).result(10)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
        self.loop.close()


@pytest.fixture
def health():
    return Health()


@pytest.fixture
def server(health):
    with Running([health]) as made:
        yield made


def at(server, options=None, **more):
    return look("grpc", f"127.0.0.1:{server.port}", {**PLAIN, **(options or {})}, **more)


def test_a_serving_server_is_up(server, health):
    reading = at(server, {"metadata": "authorization: Bearer abc\nX-Team: web"})
    assert (reading.failure, reading.detail) == (None, "")
    assert reading.first_byte_ms is not None
    assert health.asked == [b""]
    assert (health.metadata["authorization"], health.metadata["x-team"]) == ("Bearer abc", "web")


def test_a_token_that_comes_back_without_its_scheme_is_not_stored(server, health):
    health.answers[b""] = GRPCError(Status.UNAUTHENTICATED, "the token abc-4711 has expired")
    reading = at(server, {"metadata": "authorization: Bearer abc-4711"})
    assert reading.excerpt == "the token ••• has expired"


def test_tls_is_verified_and_h2_agreed_on(health, tmp_path):
    key, certificate = make(tmp_path, "127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.set_alpn_protocols(["h2"])
    with Running([health], tls=context) as server:
        target = f"127.0.0.1:{server.port}"
        good = look("grpc", target, egress=Egress(OWN, ca_file=str(certificate)))
        bad = look("grpc", target)
    assert (good.failure, good.days_left) == (None, 30)
    assert bad.failure is Failure.TLS


@pytest.mark.parametrize(
    ("answer", "outcome", "words"),
    [
        (SERVING, Outcome.UP, ""),
        (b"\x12\x02hi\x19" + b"\0" * 8 + SERVING, Outcome.UP, ""),
        (NOT_SERVING, Outcome.DOWN, "“web.Shop” is reported as NOT_SERVING"),
        (b"", Outcome.UNKNOWN, "reported as UNKNOWN"),
        (b"\x08\x03", Outcome.UNKNOWN, "reported as SERVICE_UNKNOWN"),
        (b"\x08\xff\x01", Outcome.UNKNOWN, "reported as number 255"),
        (b"\x08", Outcome.DOWN, "not gRPC"),
        (b"\x0a\xff\xff\xff\xff\x0f", Outcome.DOWN, "not gRPC"),
        (b"\x08" + b"\xff" * 20, Outcome.DOWN, "not gRPC"),
        (b"x" * 70_000, Outcome.DOWN, "Too large"),
        (GRPCError(Status.NOT_FOUND, "no"), Outcome.UNKNOWN, "does not know the service “web.Shop”"),
        (GRPCError(Status.UNIMPLEMENTED, "no"), Outcome.UNKNOWN, "no health service"),
        (GRPCError(Status.UNAVAILABLE, "draining"), Outcome.DOWN, "failed with UNAVAILABLE"),
        (GRPCError(Status.RESOURCE_EXHAUSTED, "full"), Outcome.DOWN, "failed with RESOURCE_EXHAUSTED"),
        (GRPCError(Status.UNAUTHENTICATED, "who?"), Outcome.DOWN, "failed with UNAUTHENTICATED"),
    ],
)
def test_what_the_service_may_say(server, health, answer, outcome, words):
    health.answers[b"web.Shop"] = answer
    reading = at(server, {"service": "web.Shop"})
    found, why = classify(reading, Expectation())
    assert found is outcome
    assert words in why
    if isinstance(answer, GRPCError):
        assert answer.message in reading.excerpt


def test_a_server_without_a_health_service_is_unknown_with_a_sentence():
    with Running([]) as server:
        reading = at(server)
    assert classify(reading, Expectation()) == (
        Outcome.UNKNOWN,
        "The server has no health service (grpc.health.v1.Health).",
    )


def test_a_server_that_does_not_answer_is_late(server, health):
    health.answers[b""] = None
    assert at(server, deadline_s=0.5).failure is Failure.TIMEOUT_FIRST_BYTE


def http2_server(act):
    """A raw HTTP/2 server: `act(connection, stream)` when the request has come."""

    async def behave(reader, writer):
        connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        connection.initiate_connection()
        while data := await reader.read(65536):
            for event in connection.receive_data(data):
                if isinstance(event, h2.events.StreamEnded):
                    act(connection, event.stream_id)
            writer.write(connection.data_to_send())

    return Raw(behave)


def answers(status, body=b"", **headers):
    def act(connection, stream):
        connection.send_headers(stream, [(":status", status), *headers.items()], end_stream=not body)
        if body:
            connection.send_data(stream, body, end_stream=True)

    return act


@pytest.mark.parametrize(
    ("act", "failure", "words"),
    [
        (answers("503", b"<html>busy</html>"), Failure.STATUS, "Responded with 503, and not as gRPC"),
        (answers("200", b"<html>hello</html>"), Failure.PROTOCOL, "not gRPC"),
        (answers("200", **{"grpc-status": "99"}), Failure.STATUS, "failed with code 99"),
        (answers("200", **{"grpc-status": "²"}), Failure.PROTOCOL, "not gRPC"),
        (answers("200", struct.pack("!BI", 1, 2) + SERVING, **{"grpc-status": "0"}),
         Failure.PROTOCOL, "not gRPC"),
        (lambda connection, stream: connection.reset_stream(stream, 11), Failure.RESET, "ENHANCE_YOUR_CALM"),
        (lambda connection, stream: connection.close_connection(11), Failure.RESET, "ENHANCE_YOUR_CALM"),
    ],
)  # fmt: skip
def test_what_a_server_of_http_2_may_say_instead(act, failure, words):
    with http2_server(act) as server:
        reading = at(server)
    assert reading.failure is failure
    assert words in reading.detail


def test_a_server_of_http_1_is_not_grpc(target):
    reading = look("grpc", f"127.0.0.1:{target.port}", PLAIN)
    assert reading.failure in (Failure.PROTOCOL, Failure.RESET)


@pytest.mark.parametrize(
    ("target", "options", "field"),
    [
        ("api.example.org", {}, "target"),
        ("api.example.org:1", {"service": "x" * 300}, "service"),
        ("api.example.org:1", {"service": "a\nb"}, "service"),
        ("api.example.org:1", {"metadata": "grpc-timeout: 1S"}, "metadata"),
        ("api.example.org:1", {"metadata": "a b: 1"}, "metadata"),
        ("api.example.org:1", {"metadata": "a: é"}, "metadata"),
        ("api.example.org:1", {"metadata": "just a word"}, "metadata"),
    ],
)
def test_what_cannot_be_meant_is_refused(target, options, field):
    with pytest.raises(InvalidProbeError) as refused:
        PROBERS["grpc"].parse(target, options)
    assert refused.value.field == field
