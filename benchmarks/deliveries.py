"""(g) Webhooks per CPU second of one worker, compared with a bare aiohttp loop posting to the same sink."""

import json
import subprocess
import sys

from benchmarks.tools import LOAD_CORE, ROOT, SERVER_CORE, Row, Stage, free_port, ratio, say, wait_for_port

ROUNDS = 3


def run(*, quick: bool) -> list[Row]:
    """With claims, packing, signing and database states; and how long until 10,000 are notified."""
    from tests.certificates import make

    number = 4_000 if quick else 10_000
    rows: list[Row] = []
    with Stage() as stage:
        key, certificate = make(stage.folder, "127.0.0.1")
        plain, secure = free_port(), free_port()
        stage.nginx(
            f"listen 127.0.0.1:{plain} backlog=4096; listen 127.0.0.1:{secure} ssl backlog=4096; "
            f"ssl_certificate {certificate}; ssl_certificate_key {key}; ssl_session_tickets off; "
            "ssl_session_cache off; location / { return 204; } location = / { return 200; }",
            core=LOAD_CORE,
            top="user root;",
        )
        wait_for_port(plain)
        for name, url in (("HTTP", f"http://127.0.0.1:{plain}/"), ("HTTPS", f"https://127.0.0.1:{secure}/")):
            pairs = []
            for round_ in range(1 if quick else ROUNDS):
                say(f"{name}, round {round_ + 1}: {number:,} webhooks, twice")
                stage.forget()
                own = _deliver(stage, "ours", url, number, str(certificate))
                reference = _deliver(stage, "bare", url, number, str(certificate))
                assert own["sent"] == 2 * number + 1
                assert reference["sent"] == number
                pairs.append((own, reference))
            own, reference = sorted(pairs, key=lambda pair: pair[1]["cpu_s"] / pair[0]["second"]["cpu_s"])[
                len(pairs) // 2
            ]
            for turn in ("first", "second"):
                own_rate, reference_rate = number / own[turn]["cpu_s"], number / reference["cpu_s"]
                what = f"(g) webhooks, {name}, {turn} update, bare aiohttp"
                rows.append(ratio(what, own_rate, reference_rate, 0.8, "/CPU s"))
            wall = own["first"]["all_s"]
            label = f"(g) webhooks, {name}: until {number:,} are told"
            rows.append(
                Row(label, f"{wall:.1f} s", f"{reference['wall_s']:.1f} s", None, "≤ 120 s", wall <= 120)
            )
    return rows


def _deliver(stage: Stage, which: str, url: str, number: int, ca_file: str) -> dict[str, dict[str, float]]:
    command = ["taskset", "-c", str(SERVER_CORE), sys.executable, "-m", "benchmarks.delivering"]
    arguments = [which, url, str(number), ca_file]
    done = subprocess.run(
        [*command, *arguments], env=stage.env, cwd=ROOT, capture_output=True, text=True, check=True
    )
    result: dict[str, dict[str, float]] = json.loads(done.stdout)
    return result
