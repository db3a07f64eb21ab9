"""Applications on loopback that are broken in one way each, for a proxy to stand before."""

import asyncio
import json
import socket
import struct
from collections.abc import Callable
from typing import Any

from tests.recordings.processes import closed_port
from tests.targets import FullBacklog, Raw

NEVER_S = 3600


def says(status: str, body: str | bytes, content_type: str = "text/plain", *headers: str, wait_s: float = 0):
    """A behaviour: this answer to whatever is asked."""
    data = body if isinstance(body, bytes) else body.encode()
    head = [f"HTTP/1.1 {status}", f"Content-Type: {content_type}", f"Content-Length: {len(data)}", *headers]

    async def behave(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(wait_s)
        writer.write("\r\n".join([*head, "Connection: close", "", ""]).encode() + data)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    return behave


async def silent(reader, writer):
    await asyncio.sleep(NEVER_S)


async def dies(reader, writer):
    await reader.readuntil(b"\r\n\r\n")


async def dies_late(reader, writer):
    await reader.readuntil(b"\r\n\r\n")
    await asyncio.sleep(0.6)


async def resets(reader, writer):
    await reader.readuntil(b"\r\n\r\n")
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


async def garbage(reader, writer):
    writer.write(b"SSH-2.0-OpenSSH_9.2\r\n\x00\x01\x02 not a web server\r\n")
    await writer.drain()
    await reader.read(10_000)
    await asyncio.sleep(0.1)


async def dies_in_head(reader, writer):
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Ty")
    await writer.drain()
    await asyncio.sleep(0.05)


async def dies_in_body(reader, writer):
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\nhalf")
    await writer.drain()
    await asyncio.sleep(0.05)


async def healthy_only_for_people(reader, writer):
    """Answers, but fails its health check at /health."""
    head = await reader.readuntil(b"\r\n\r\n")
    bad = b"GET /health" in head or b"OPTIONS" in head
    status, body = ("500 Internal Server Error", b"sick") if bad else ("200 OK", b"ok")
    writer.write(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
    await writer.drain()


REDIS_DOWN = json.dumps({"status": "fail", "checks": {"redis": {"status": "down"}, "disk": {"status": "ok"}}})
SPRING = json.dumps(
    {
        "status": "DOWN",
        "components": {
            "db": {
                "status": "DOWN",
                "details": {"error": "org.postgresql.util.PSQLException: Connection refused"},
            },
            "ping": {"status": "UP"},
        },
    }
)
HEALTH_JSON = json.dumps(
    {
        "status": "fail",
        "checks": {
            "rabbitmq:connections": [{"status": "fail", "output": "timed out"}],
            "cpu:utilization": [{"status": "pass", "observedValue": 12}],
        },
    }
)
TERMINUS = json.dumps(
    {
        "status": "error",
        "info": {"disk": {"status": "up"}},
        "error": {"mongodb": {"status": "down"}},
        "details": {"disk": {"status": "up"}, "mongodb": {"status": "down"}},
    }
)
KUBERNETES = "[+]ping ok\n[+]log ok\n[-]etcd failed: reason withheld\nreadyz check failed\n"
DJANGO = json.dumps({"Cache(alias='default')": "OK", "Mail()": "unavailable: connection refused"})
MICROPROFILE = json.dumps(
    {"status": "DOWN", "checks": [{"name": "kafka", "status": "DOWN"}, {"name": "disk", "status": "UP"}]}
)
ASP_NET = json.dumps(
    {
        "status": "Unhealthy",
        "totalDuration": "00:00:00.1",
        "entries": {"blob-storage": {"status": "Unhealthy"}, "self": {"status": "Healthy"}},
    }
)
POOL = "sqlalchemy.exc.TimeoutError: QueuePool limit of size 5 overflow 10 reached, connection timed out"
HIKARI = json.dumps(
    {
        "error": "Could not open JPA EntityManager: HikariPool-1 - Connection is not available, "
        "request timed out after 30000ms."
    }
)
MYSQL = "OperationalError: (1040, 'Too many connections')"
CHALLENGE = (
    "<!DOCTYPE html><html><head><title>Just a moment...</title></head><body><noscript>Enable JavaScript "
    'and cookies to continue</noscript><script src="/cdn-cgi/challenge-platform/h/b/orchestrate"></script>'
    "</body></html>"
)
WAF = (
    "<HTML><HEAD><TITLE>Access Denied</TITLE></HEAD><BODY><H1>Access Denied</H1>You don't have permission to "
    'access "http://shop.example/" on this server.<P>Reference #18.7e9a1cb8.1700000000.1a2b3c4d</BODY></HTML>'
)
CAPTCHA = "<html><body><h1>Verify you are human</h1><div class='h-captcha'></div></body></html>"
MAINTENANCE = (
    "<html><head><title>Maintenance</title></head><body><h1>We'll be right back</h1>"
    "<p>The shop is down for scheduled maintenance.</p></body></html>"
)
RETRY = "Retry-After: 20"
PROBLEM = "application/problem+json"
SICK = "503 Service Unavailable"

BEHAVIOURS: dict[str, Callable[..., Any]] = {
    "ok": says("200 OK", "ok"),
    "silent": silent,
    "dies": dies,
    "dies_late": dies_late,
    "resets": resets,
    "garbage": garbage,
    "dies_in_head": dies_in_head,
    "dies_in_body": dies_in_body,
    "sick": healthy_only_for_people,
    "slow": says("200 OK", "ok", wait_s=3),
    "bare_503": says(SICK, "Service Unavailable"),
    "busy_503": says(SICK, "try again later", "text/plain", RETRY, "Server: gunicorn"),
    "redis_down": says(SICK, REDIS_DOWN, "application/json"),
    "spring": says(SICK, SPRING, "application/vnd.spring-boot.actuator.v3+json"),
    "health_json": says(SICK, HEALTH_JSON, "application/health+json"),
    "terminus": says(SICK, TERMINUS, "application/json; charset=utf-8"),
    "kubernetes": says("500 Internal Server Error", KUBERNETES),
    "django": says("500 Internal Server Error", DJANGO, "application/json"),
    "microprofile": says(SICK, MICROPROFILE, "application/json"),
    "asp_net": says(SICK, ASP_NET, "application/json"),
    "pool": says("500 Internal Server Error", POOL),
    "hikari": says(SICK, HIKARI, "application/json"),
    "mysql": says("500 Internal Server Error", MYSQL),
    "challenge": says("403 Forbidden", CHALLENGE, "text/html", "Server: cloudflare", "CF-RAY: 8c1f-FRA",
                      "cf-mitigated: challenge"),
    "challenge_503": says(SICK, CHALLENGE, "text/html"),
    "waf": says("403 Forbidden", WAF, "text/html", "Server: AkamaiGHost"),
    "captcha": says("403 Forbidden", CAPTCHA, "text/html"),
    "maintenance": says(SICK, MAINTENANCE, "text/html", "Retry-After: 3600"),
    "proxy_status": says("502 Bad Gateway", "bad gateway", "text/plain",
                         "Proxy-Status: edge.example; error=connection_refused"),
    "proxy_status_timeout": says("504 Gateway Timeout", "", "text/plain",
                                 'Proxy-Status: "cdn"; error=http_response_timeout; details="30 s"'),
    "proxy_status_dns": says("502 Bad Gateway", "", "text/plain", "Proxy-Status: cdn; error=dns_error"),
    "proxy_status_origin": says(SICK, "busy", "text/plain", "Proxy-Status: cdn; received-status=503"),
}  # fmt: skip


class Backends:
    """Every behaviour on a port of its own, and a port that refuses, and one whose queue is full."""

    def __init__(self) -> None:
        self.servers = {name: Raw(behave) for name, behave in BEHAVIOURS.items()}
        self.ports = {name: server.port for name, server in self.servers.items()}
        self.ports["refused"], self.held = closed_port()
        self.full = FullBacklog("127.0.0.1")
        self.ports["full"] = self.full.port

    def __getitem__(self, name: str) -> int:
        return self.ports[name]

    def __enter__(self) -> "Backends":
        return self

    def __exit__(self, *_: object) -> None:
        for server in self.servers.values():
            server.close()
        self.held.close()
        self.full.__exit__()
