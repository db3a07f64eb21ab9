"""(a) The page served from memory, compared with nginx serving the same bytes from a file; one core each."""

import brotli
import httpx

from benchmarks.tools import SERVER_CORE, Row, Stage, cpu_s, free_port, ratio, say, wait_for_port, wrk

COMPONENTS = 10
ROUNDS = 3


def run(*, quick: bool) -> list[Row]:
    """Requests per CPU second of the server, for a full answer and for 304; the middle of three rounds."""
    seconds = 2 if quick else 6
    with Stage() as stage:
        stage.fill(COMPONENTS)
        web = stage.web()
        answer = httpx.get(f"{stage.url}/", headers={"accept-encoding": "br"})
        body = brotli.compress(answer.content, quality=5)
        etag = answer.headers["etag"]
        www = stage.folder / "www"
        www.mkdir(mode=0o755)
        (www / "index.html").write_bytes(body)
        port = free_port()
        names = ("content-security-policy", "cache-control", "permissions-policy", "referrer-policy",
                 "x-content-type-options", "x-frame-options", "cross-origin-opener-policy")  # fmt: skip
        headers = "".join(f'add_header {name} "{answer.headers[name]}"; ' for name in names)
        nginx = stage.nginx(
            f"listen 127.0.0.1:{port} backlog=4096; root {www}; etag on; charset utf-8; "
            f"add_header Content-Encoding br; add_header Vary Accept-Encoding; {headers}",
            core=SERVER_CORE,
            top="user root;",
            http="sendfile on; tcp_nopush on;",  # as Debian ships it
        )
        wait_for_port(port)
        their_etag = httpx.get(f"http://127.0.0.1:{port}/", headers={"accept-encoding": "identity"}).headers[
            "etag"
        ]
        say(f"the page is {len(answer.content):,} bytes, {len(body):,} in br")

        def rate(process: object, url: str, *more: str) -> float:
            before = cpu_s(process)  # type: ignore[arg-type]
            asked, bad = wrk(url, "Accept-Encoding: br", *more, seconds=seconds)
            assert bad == 0, f"{bad} of {asked} answers of {url} were bad"
            return asked / (cpu_s(process) - before)  # type: ignore[arg-type]

        rates: dict[str, list[tuple[float, float]]] = {"200": [], "304": []}
        for round_ in range(ROUNDS):
            say(f"round {round_ + 1} of {ROUNDS}")
            reference_url = f"http://127.0.0.1:{port}/"
            rates["200"].append((rate(web, f"{stage.url}/"), rate(nginx, reference_url)))
            tags = (f"If-None-Match: {etag}", f"If-None-Match: {their_etag}")
            rates["304"].append((rate(web, f"{stage.url}/", tags[0]), rate(nginx, reference_url, tags[1])))
    rows = []
    for code, least in (("200", 0.60), ("304", 0.45)):
        own_rate, reference_rate = sorted(rates[code], key=lambda pair: pair[0] / pair[1])[ROUNDS // 2]
        what = f"(a) page, {code}{' br' if code == '200' else ''}, nginx"
        rows.append(ratio(what, own_rate, reference_rate, least, "/CPU s"))
    return rows
