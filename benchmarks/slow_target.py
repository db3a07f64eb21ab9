"""A target of thousands of checks: answers after 300 ms, fails at /fails, never answers at /hangs.

How often each address has asked is in asked.json beside its certificate, once a second.
"""

import asyncio
import json
import ssl
import sys
from collections import Counter
from pathlib import Path

import uvloop

ANSWER_S = 0.3
GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nwell\n"
BAD = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbad\n"
asked: Counter[str] = Counter()


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One request."""
    asked[writer.get_extra_info("peername")[0]] += 1
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        if b" /hangs " in head:
            await reader.read()
        elif b" /works " in head or b" /fails " in head:
            await asyncio.sleep(ANSWER_S)
        writer.write(BAD if b" /fails " in head else GOOD)
        await writer.drain()
    except (OSError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()


async def main(host: str, plain: int, secure: int, certificate: str, key: str) -> None:
    """Serve until the process ends."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    await asyncio.start_server(answer, host, plain, backlog=4096)
    await asyncio.start_server(answer, host, secure, ssl=tls, backlog=4096)
    file = Path(certificate).with_name("asked.json")
    while True:
        await asyncio.sleep(1)
        await asyncio.to_thread(_write, file)


def _write(file: Path) -> None:
    new = file.with_suffix(".new")
    new.write_text(json.dumps(asked))
    new.replace(file)


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], sys.argv[5]))
