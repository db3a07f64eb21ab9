"""(a) The page served from memory, compared with nginx serving the same bytes from a file; one core each."""

import brotli
import httpx
import psutil

from benchmarks.tools import (
    ROOT,
    SERVER_CORE,
    Row,
    Stage,
    cpu_s,
    free_port,
    ratio,
    say,
    wait_for_port,
    wrk_with_p99,
)

COMPONENTS = 10
ROUNDS = 3
NAMES = ("content-security-policy", "cache-control", "permissions-policy", "referrer-policy",
         "x-content-type-options", "x-frame-options", "cross-origin-opener-policy")  # fmt: skip
CACHE = "open_file_cache max=1000 inactive=60s; open_file_cache_valid 60s;"
EACH_DIFFERENT = ROOT / "benchmarks" / "each_different.lua"
KINDS = {"200": "200 br", "304": "304", "each": "each request different"}
LEAST = {("200", "nginx"): 0.85, ("304", "nginx"): 0.75, ("200", "cached"): 0.65, ("each", "nginx"): 0.85}
MAX_P99_RATIO = 1.5

Figures = dict[tuple[str, str], list[tuple[float, float]]]  # (requests per CPU second, p99 in ms), by round


class Server:
    """One that serves the page."""

    def __init__(self, process: psutil.Process, url: str) -> None:
        self.process = process
        self.url = url
        self.etag = httpx.get(url, headers={"accept-encoding": "br"}).headers["etag"]

    def measure(self, kind: str, seconds: int) -> tuple[float, float]:
        """(requests per CPU second, p99 in ms) for a kind of requests."""
        more = [f"If-None-Match: {self.etag}"] if kind == "304" else []
        script = EACH_DIFFERENT if kind == "each" else None
        before = cpu_s(self.process)
        asked, bad, p99_ms = wrk_with_p99(
            self.url, "Accept-Encoding: br", *more, seconds=seconds, script=script
        )
        assert bad == 0, f"{bad} of {asked} answers of {self.url} were bad"
        return asked / (cpu_s(self.process) - before), p99_ms


def _nginx(stage: Stage, answer: httpx.Response, *, http: str) -> Server:
    """Debian's nginx with the same bytes and headers."""
    port = free_port()
    headers = "".join(f'add_header {name} "{answer.headers[name]}"; ' for name in NAMES)
    process = stage.nginx(
        f"listen 127.0.0.1:{port} backlog=4096; root {stage.folder}/www; etag on; charset utf-8; "
        f"add_header Content-Encoding br; add_header Vary Accept-Encoding; {headers}",
        core=SERVER_CORE,
        top="user root;",
        http=f"sendfile on; tcp_nopush on; {http}",  # as Debian ships it
    )
    wait_for_port(port)
    return Server(process, f"http://127.0.0.1:{port}/")


def run(*, quick: bool) -> list[Row]:
    """Requests per CPU second of the server, for each kind of requests; the middle of three rounds."""
    figures: Figures = {}
    with Stage() as stage:
        stage.fill(COMPONENTS)
        web = stage.web()
        answer = httpx.get(f"{stage.url}/", headers={"accept-encoding": "br"})
        body = brotli.compress(answer.content, quality=5)
        www = stage.folder / "www"
        www.mkdir(mode=0o755)
        (www / "index.html").write_bytes(body)
        servers = {
            "ours": Server(web, f"{stage.url}/"),
            "nginx": _nginx(stage, answer, http=""),
            "cached": _nginx(stage, answer, http=CACHE),
        }
        say(f"the page is {len(answer.content):,} bytes, {len(body):,} in br")
        for round_ in range(ROUNDS):
            say(f"round {round_ + 1} of {ROUNDS}")
            for kind in KINDS:
                for name, server in servers.items():
                    figures.setdefault((kind, name), []).append(server.measure(kind, 2 if quick else 6))
    return [*(_rate(figures, kind, name, least) for (kind, name), least in LEAST.items()), _p99(figures)]


def _rate(figures: Figures, kind: str, name: str, least: float) -> Row:
    pairs = zip(figures[kind, "ours"], figures[kind, name], strict=True)
    own, reference = sorted(pairs, key=lambda pair: pair[0][0] / pair[1][0])[ROUNDS // 2]
    beside = "nginx" if name == "nginx" else "nginx with open_file_cache"
    what = f"(a) page, {KINDS[kind]}, {beside}"
    return ratio(what, own[0], reference[0], least, "/CPU s")


def _p99(figures: Figures) -> Row:
    pairs = zip(figures["200", "ours"], figures["200", "nginx"], strict=True)
    own, reference = sorted(((pair[0][1], pair[1][1]) for pair in pairs), key=lambda pair: pair[0] / pair[1])[
        ROUNDS // 2
    ]
    share = own / reference
    return Row(
        "(a) 64 connections that never pause: p99, nginx", f"{own:.1f} ms", f"{reference:.1f} ms", share,
        f"≤ {MAX_P99_RATIO:.2f}", share <= MAX_P99_RATIO,
    )  # fmt: skip
