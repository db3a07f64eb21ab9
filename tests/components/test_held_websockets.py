"""Many WebSockets held at once: how many opened, which were lost, how and when."""

import asyncio
import resource
import time

import pytest
import uvloop
from django.core.exceptions import ValidationError
from dnslib import QTYPE

from components.egress import Egress
from components.models import Probe
from components.outcomes import Expectation, Failure, Outcome, classify
from components.probers import PROBERS
from components.probers.held import places
from components.probers.held.target import MAX_MESSAGE_BYTES, MIN_MESSAGE_BYTES, fitted
from tests import ws_targets as ws
from tests.components.test_egress import Names
from tests.components.test_probers import OWN, look
from tests.targets import Raw


def hold(server, options, *, deadline_s=8.0):
    target = f"ws://127.0.0.1:{server.port}/"
    return look("websocket", target, options, deadline_s=deadline_s, run=uvloop.run)


def test_all_open_over_the_ramp_and_are_held():
    with ws.Served(ws.echo) as server:
        options = {"connections": 20, "ramp_s": 1, "hold_s": 1, "ping_s": 1, "echo": "e {id}"}
        began = time.monotonic()
        reading = hold(server, options)
        took_s = time.monotonic() - began
        assert server.opened == 20
    assert (reading.failure, reading.degraded) == (None, "")
    assert 2.0 <= took_s < 6
    assert reading.total_ms < 1500  # of the slowest connection, without ramp and hold
    assert reading.facts["opened"] == "20 of 20"
    first, median, last = (
        int(reading.facts[f"open_{name}"].removesuffix(" ms").replace(",", ""))
        for name in ("first", "median", "last")
    )
    assert first < median < last
    assert 900 <= last < 4000
    assert reading.facts["note"].startswith("20 of 20 opened, the slowest in ")
    assert reading.facts["note"].endswith("held for 1.0 s.")


def test_a_connection_limit_is_told_by_number_and_status():
    with Raw(ws.accepts_only(5)) as server:
        reading = hold(server, {"connections": 8, "hold_s": 1})
    assert (reading.failure, reading.status_code) == (Failure.RESET, None)
    assert reading.detail == "5 of 8 connections opened; 3 refused (3 × 503)."
    assert (reading.facts["opened"], reading.facts["refused"]) == ("5 of 8", "3 (3 × 503)")
    assert reading.excerpt == "full"


def test_as_many_as_may_be_lost_are_degraded_and_one_more_is_down():
    with Raw(ws.accepts_only(5)) as server:
        few = hold(server, {"connections": 8, "max_lost": 3})
        time.sleep(0.3)
        many = hold(server, {"connections": 8, "max_lost": 2})
    assert few.failure is None
    assert classify(few, Expectation()) == (
        Outcome.DEGRADED, "5 of 8 connections opened; 3 refused (3 × 503).",
    )  # fmt: skip
    assert few.facts["open_enough"].endswith("(5 of them)")
    assert many.failure is Failure.RESET


def test_none_opened_is_what_each_of_them_met(free_port):
    reading = look("websocket", f"ws://127.0.0.1:{free_port}/", {"connections": 4})
    assert reading.failure is Failure.REFUSED
    assert reading.detail.startswith(
        "0 of 4 connections opened; 4 refused (4 × connection refused). Nothing is"
    )
    with Raw(ws.answers("HTTP/1.1 503 Busy", "Content-Length: 4", body=b"busy")) as server:
        reading = hold(server, {"connections": 4})
    assert (reading.failure, reading.status_code, reading.excerpt) == (Failure.STATUS, 503, "busy")


def test_all_cut_by_reset_is_noticed_at_once():
    with ws.Served(ws.stay) as server:
        asyncio.run_coroutine_threadsafe(_later(1.0, server.cut_all), server.loop)
        began = time.monotonic()
        reading = hold(server, {"connections": 10, "hold_s": 10, "ping_s": 0}, deadline_s=14)
        took_s = time.monotonic() - began
    assert reading.failure is Failure.RESET
    assert took_s < 4
    assert reading.detail.startswith(
        "10 of 10 connections opened; 10 dropped (10 × 1006 (cut without a close)), all at once, "
    )
    # the server was still there: a new connection opens
    assert "A new connection opened after " in reading.detail
    assert reading.facts["close_codes"] == "1006 × 10"
    assert reading.facts["reconnect"].endswith(" ms")


async def _later(wait_s, act):
    await asyncio.sleep(wait_s)
    act()


@pytest.mark.parametrize(("code", "word"), [(1001, "going away"), (1012, "service restart"), (1013, "try")])
def test_closes_are_counted_by_code(code, word):
    async def handle(connection):
        await asyncio.sleep(0.5)
        await connection.close(code, "bye")

    with ws.Served(handle) as server:
        reading = hold(server, {"connections": 3, "hold_s": 3})
    assert reading.failure is Failure.RESET
    assert f"3 dropped (3 × {code} ({word}" in reading.detail
    assert reading.facts["close_codes"] == f"{code} × 3"


def test_a_few_that_are_dropped_leave_the_rest_held_and_degraded():
    async def handle(connection):
        if server.opened <= 2:
            await asyncio.sleep(0.4)
            await connection.close(1011)
        else:
            await ws.echo(connection)

    with ws.Served(handle) as server:
        reading = hold(server, {"connections": 6, "hold_s": 1, "max_lost": 2, "echo": "x"})
    assert reading.failure is None
    assert reading.degraded.startswith("6 of 6 connections opened; 2 dropped (2 × 1011 (internal error))")
    assert reading.facts["dropped"] == "2 (2 × 1011 (internal error))"


def test_a_limit_on_idle_connections_is_a_finding_of_its_own():
    async def handle(connection):
        await asyncio.sleep(2.3)
        connection.transport.abort()

    with ws.Served(handle) as server:
        options = {"connections": 4, "ramp_s": 1, "hold_s": 5, "ping_s": 0, "max_lost": 3}
        reading = hold(server, options, deadline_s=9)
        assert "4 dropped (4 × 1006 (cut without a close)), after 2.3 s without traffic" in reading.detail
        one = hold(server, {"hold_s": 5, "ping_s": 0}, deadline_s=9)
    assert "It had been without traffic for 2.3 s." in one.detail
    assert one.facts["idle_before"] == "2.3 s"


def test_pings_keep_a_connection_open_that_idles_otherwise():
    async def handle(reader, writer):
        await ws.upgrade(reader, writer)
        async with asyncio.timeout(1.6) as idle:
            while data := await reader.read(1000):
                idle.reschedule(asyncio.get_running_loop().time() + 1.6)
                if data[0] & 15 == ws.PING:
                    mask, size = data[2:6], data[1] & 127
                    plain = bytes(byte ^ mask[n % 4] for n, byte in enumerate(data[6 : 6 + size]))
                    writer.write(ws.frame(ws.PONG, plain))

    with Raw(handle) as server:
        assert hold(server, {"hold_s": 3, "ping_s": 1}).failure is None
        assert hold(server, {"hold_s": 3, "ping_s": 0}).failure is Failure.RESET


def test_a_process_that_stood_still_blames_no_server_for_hanging_up():
    async def handle(reader, writer):
        await ws.upgrade(reader, writer)
        async with asyncio.timeout(1.5) as idle:
            while data := await reader.read(1000):
                idle.reschedule(asyncio.get_running_loop().time() + 1.5)
                writer.write(
                    ws.frame(ws.PONG, bytes(byte ^ data[2 + n % 4] for n, byte in enumerate(data[6:14])))
                )

    async def go(port):
        from components import probers

        options = {"hold_s": 5, "connections": 2, "ping_s": 1}
        order = PROBERS["websocket"].parse(f"ws://127.0.0.1:{port}/", options)
        asyncio.get_running_loop().call_later(1.2, time.sleep, 3)
        return await probers.check("websocket", order, deadline_s=8, egress=Egress(OWN))

    with Raw(handle) as server:
        reading = uvloop.run(go(server.port))
    assert reading.failure is Failure.OWN_FAULT, reading.detail


def test_silence_after_a_while_is_seen_by_the_next_ping():
    async def falls_silent(reader, writer):
        await ws.upgrade(reader, writer)
        data = await reader.read(1000)
        plain = bytes(byte ^ data[2 + n % 4] for n, byte in enumerate(data[6:14]))
        writer.write(ws.frame(ws.PONG, plain))
        await asyncio.sleep(30)

    with Raw(falls_silent) as server:
        reading = hold(server, {"connections": 3, "hold_s": 5, "ping_s": 1})
    assert reading.failure is Failure.TIMEOUT_TRANSFER
    assert reading.detail == "3 of 3 connections opened; 3 failed while open (3 × no pong)."


def test_a_line_that_is_dead_without_a_word_is_seen_at_the_end():
    async def echoes_once(connection):
        await connection.send(await connection.recv())
        await connection.wait_closed()

    with ws.Served(echoes_once) as server:
        reading = hold(server, {"connections": 2, "hold_s": 1, "ping_s": 0, "echo": "{id}"}, deadline_s=3)
    assert reading.failure is Failure.TIMEOUT_TRANSFER
    assert "2 failed while open (2 × no echo)" in reading.detail


def test_an_echo_meant_for_another_connection_is_none():
    told = []

    async def to_all_but_the_sender(connection):
        told.append(connection)
        async for message in connection:
            for other in told:
                if other is not connection:
                    await other.send(message)

    with ws.Served(to_all_but_the_sender) as server:
        reading = hold(server, {"connections": 3, "ping_s": 0, "echo": "{id}"}, deadline_s=2)
        assert reading.failure is Failure.TIMEOUT_TRANSFER


def test_garbage_from_all_is_a_protocol_failure():
    with Raw(ws.sends(b"\xff" * 100)) as server:
        reading = hold(server, {"connections": 3, "hold_s": 1})
    assert reading.failure is Failure.PROTOCOL
    assert "3 failed while open (3 × broken protocol)" in reading.detail


def test_those_that_never_open_are_counted_when_the_time_is_up():
    hung = []

    async def every_second_hangs(reader, writer):
        hung.append(1)
        if len(hung) % 2:
            await reader.readuntil(b"\r\n\r\n")
            await asyncio.sleep(30)
        await ws.sends()(reader, writer)

    with Raw(every_second_hangs) as server:
        began = time.monotonic()
        reading = hold(server, {"connections": 6, "ping_s": 0, "max_lost": 4}, deadline_s=2)
    assert time.monotonic() - began < 3
    assert reading.degraded == "3 of 6 connections opened; 3 refused (3 × no response)."


def test_a_name_is_looked_up_once_for_all_connections():
    from dnslib.server import DNSServer

    class Counting(Names):
        asked = 0

        def resolve(self, request, handler):
            type(self).asked += 1
            return super().resolve(request, handler)

    names = DNSServer(Counting({"chat.example": ["127.0.0.1"]}), address="127.0.0.1", port=0)
    names.start_thread()
    try:
        with ws.Served(ws.echo) as server:
            egress = Egress(OWN, nameservers=[("127.0.0.1", names.server.server_address[1])])
            target = f"ws://chat.example:{server.port}/"
            reading = look("websocket", target, {"connections": 30}, egress=egress)
            assert (reading.failure, server.opened) == (None, 30)
            assert Counting.asked <= 2  # A and AAAA
            Counting.asked = 0
            assert (
                look("websocket", "ws://no.example/", {"connections": 9}, egress=egress).failure
                is Failure.DNS
            )
            assert Counting.asked <= 2
            assert egress.lookup.__class__.__name__ == "Lookup"
    finally:
        names.stop()
        names.server.server_close()


def test_addresses_that_come_later_are_for_all_connections():
    from dnslib.server import DNSServer

    class Slow(Names):
        def resolve(self, request, handler):
            if request.q.qtype == QTYPE.A:
                time.sleep(0.3)
            return super().resolve(request, handler)

    names = DNSServer(Slow({"chat.example": ["::1", "127.0.0.1"]}), address="127.0.0.1", port=0)
    names.start_thread()
    try:
        with ws.Served(ws.echo) as server:  # on 127.0.0.1 alone
            egress = Egress(OWN, nameservers=[("127.0.0.1", names.server.server_address[1])])
            target = f"ws://chat.example:{server.port}/"
            reading = look("websocket", target, {"connections": 5}, egress=egress)
            assert (reading.failure, reading.detail, server.opened) == (None, "", 5)
    finally:
        names.stop()
        names.server.server_close()


def test_a_process_without_room_says_so_and_calls_nobody_down(monkeypatch):
    monkeypatch.setattr(places, "MAX_HELD", 10)
    with ws.Served(ws.echo) as server:
        reading = hold(server, {"connections": 11})
        assert (reading.failure, server.opened) == (Failure.OWN_FAULT, 0)
        assert "holds 0 of at most 10 connections" in reading.detail
        assert hold(server, {"connections": 10}).failure is None
        assert hold(server, {"connections": 10}).failure is None


def test_no_file_left_is_our_own_fault(monkeypatch):
    monkeypatch.setattr(places, "_most", lambda: 1000)
    with ws.Elsewhere() as server:
        target = f"ws://127.0.0.1:{server.port}/"
        order = PROBERS["websocket"].parse(target, {"connections": 300, "ping_s": 0})
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)

        async def go():
            from components import probers

            resource.setrlimit(resource.RLIMIT_NOFILE, (200, limits[1]))
            try:
                return await probers.check("websocket", order, deadline_s=3, egress=Egress(OWN))
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, limits)

        reading = uvloop.run(go())
    assert reading.failure is Failure.OWN_FAULT
    assert classify(reading, Expectation())[0] is Outcome.UNKNOWN


@pytest.mark.parametrize("is_busy", [True, False])
def test_a_timeout_of_a_process_that_is_too_busy_says_nothing_of_the_target(is_busy):
    async def go(port):
        from components import probers

        async def hog():
            while is_busy:
                time.sleep(0.15)  # noqa: ASYNC251 - on purpose: the loop is held up
                await asyncio.sleep(0.001)

        hogging = asyncio.create_task(hog())
        order = PROBERS["websocket"].parse(f"ws://127.0.0.1:{port}/", {"connections": 60})
        try:
            return await probers.check("websocket", order, deadline_s=3, egress=Egress(OWN))
        finally:
            hogging.cancel()

    with Raw(ws.sends()) as server:
        reading = uvloop.run(go(server.port))
    assert reading.failure is (Failure.OWN_FAULT if is_busy else Failure.TIMEOUT_TRANSFER), reading.detail


@pytest.mark.parametrize(
    ("options", "timeout_s", "fits"),
    [
        ({"connections": 5, "ramp_s": 10, "hold_s": 19}, 30, True),
        ({"connections": 5, "ramp_s": 10, "hold_s": 20}, 30, False),
        ({"hold_s": 10}, 10, False),
        ({"hold_s": 9}, 10, True),
        ({"connections": 1000, "hold_s": 9}, 11, False),
        ({"connections": 1000, "hold_s": 9}, 12, True),
    ],
)
def test_a_hold_that_does_not_fit_the_timeout_is_refused_at_save(options, timeout_s, fits):
    probe = Probe(kind="websocket", target="ws://example.org/", options=options, timeout_s=timeout_s)
    if fits:
        probe.clean()
        return
    with pytest.raises(ValidationError) as refused:
        probe.clean()
    (sentence,) = refused.value.message_dict["timeout_s"]
    assert "use a timeout of at least" in sentence


def test_with_less_time_than_ordered_it_is_held_for_less_and_says_so():
    with ws.Served(ws.echo) as server:
        began = time.monotonic()
        reading = hold(server, {"connections": 3, "ramp_s": 1, "hold_s": 50}, deadline_s=3)
        assert time.monotonic() - began < 3.5
    assert reading.failure is None
    assert "Held for 1.4 s only, as this check had no more time." in reading.facts["note"]


@pytest.mark.parametrize("connections", [1, 2, 1000])
@pytest.mark.parametrize(("ramp_s", "hold_s"), [(0, 0), (5, 20), (0, 59), (60, 60)])
@pytest.mark.parametrize("deadline_s", [0.5, 1, 15, 60])
def test_every_plan_ends_before_its_deadline(connections, ramp_s, hold_s, deadline_s):
    options = {"connections": connections, "ramp_s": ramp_s if connections > 1 else 0, "hold_s": hold_s}
    order = PROBERS["websocket"].parse("ws://example.org/", options)
    plan = fitted(order, deadline_s)
    assert plan.ramp_s + plan.hold_s <= plan.end_s < deadline_s
    assert plan.patience_s > 0
    assert MIN_MESSAGE_BYTES <= order.max_message_bytes <= MAX_MESSAGE_BYTES
