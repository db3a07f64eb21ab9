"""ICMP echo: the socket, and the bytes of a request and its reply.

A datagram socket needs no privilege where `net.ipv4.ping_group_range` covers the process; a raw one
needs CAP_NET_RAW. The addresses are judged by `egress` before anything is sent.
"""

import asyncio
import contextlib
import ipaddress
import secrets
import socket
import struct
import time
from dataclasses import dataclass, field

from components.networks import Address

REQUEST = {4: 8, 6: 128}
REPLY = {4: 0, 6: 129}
PAYLOAD = 16  # random bytes that make a reply ours
MAX_PACKET = 2048
NOT_ALLOWED = (
    "This machine may not send ICMP echo requests: an operator can allow it with CAP_NET_RAW, or with"
    " net.ipv4.ping_group_range."
)


class NotAllowedError(Exception):
    """This process may open neither kind of socket."""


@dataclass(slots=True)
class Echo:
    """A socket for echo requests to one address. Close it."""

    address: Address
    line: socket.socket
    is_raw: bool
    mark: bytes = field(default_factory=lambda: secrets.token_bytes(PAYLOAD - 4))
    number: int = field(default_factory=lambda: secrets.randbelow(65_536))

    def send(self, sequence: int) -> None:
        """One request. Raises OSError."""
        payload = self.mark + struct.pack("!I", sequence)
        head = struct.pack("!BBHHH", REQUEST[self.address.version], 0, 0, self.number, sequence & 0xFFFF)
        packet = head + payload
        if self.address.version == 4:  # for IPv6 the kernel fills it in
            packet = packet[:2] + struct.pack("!H", checksum(packet)) + packet[4:]
        self.line.sendto(packet, (str(self.address), 0))

    def reply(self) -> int | None:
        """The sequence of a reply that was received; None for any other packet. Raises OSError."""
        packet, source = self.line.recvfrom(MAX_PACKET)
        if self.is_raw and self.address.version == 4:  # raw sockets of IPv4 hand on the IP header
            packet = packet[(packet[0] & 15) * 4 :] if packet else b""
        is_ours = packet[8:-4] == self.mark and len(packet) == 8 + PAYLOAD
        if not is_ours or packet[0] != REPLY[self.address.version] or source[0] != str(self.address):
            return None
        return int(struct.unpack("!I", packet[-4:])[0])

    def close(self) -> None:
        """Close the socket."""
        self.line.close()


def open_echo(address: Address) -> Echo:
    """A socket for this address. Raises NotAllowedError, OSError."""
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    protocol = socket.IPPROTO_ICMPV6 if address.version == 6 else socket.IPPROTO_ICMP
    for kind in (socket.SOCK_DGRAM, socket.SOCK_RAW):
        try:
            line = socket.socket(family, kind, protocol)
        except PermissionError:
            continue
        except OSError:
            if kind == socket.SOCK_RAW:
                raise
            continue
        line.setblocking(False)
        return Echo(address, line, is_raw=kind == socket.SOCK_RAW)
    raise NotAllowedError


def is_allowed() -> bool:
    """Whether this process may send echo requests at all."""
    try:
        open_echo(ipaddress.ip_address("127.0.0.1")).close()
    except (NotAllowedError, OSError):
        return False
    return True


async def ask(echo: Echo, *, count: int, interval_s: float, wait_s: float) -> list[float | None]:
    """Round-trip times (ms) of `count` requests, None for each that got no reply. Raises OSError.

    Ends `wait_s` after the last request, or as soon as all replies are there.
    """
    loop = asyncio.get_running_loop()
    sent: dict[int, float] = {}
    times: dict[int, float] = {}
    is_complete = asyncio.Event()

    def take() -> None:
        try:
            sequence = echo.reply()
        except OSError:  # an ICMP error about an earlier request: it has no reply
            return
        if sequence in sent and sequence not in times:
            times[sequence] = (time.perf_counter() - sent[sequence]) * 1000
            if len(times) == count:
                is_complete.set()

    loop.add_reader(echo.line.fileno(), take)
    try:
        for sequence in range(count):
            sent[sequence] = time.perf_counter()
            echo.send(sequence)
            await asyncio.sleep(interval_s if sequence + 1 < count else 0)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await is_complete.wait()
    finally:
        loop.remove_reader(echo.line.fileno())
    return [times.get(sequence) for sequence in range(count)]


def checksum(packet: bytes) -> int:
    """The internet checksum (RFC 1071)."""
    data = packet + b"\0" * (len(packet) % 2)
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return 0xFFFF - total
