"""(b) Checks per CPU second, compared with Debian's prometheus-blackbox-exporter on the same target."""

import json
import subprocess
import sys
from urllib.parse import quote

from benchmarks.tools import (
    LOAD_CORE,
    ROOT,
    SERVER_CORE,
    Row,
    Stage,
    cpu_s,
    free_port,
    ratio,
    say,
    wait_for_port,
    wrk,
)

ROUNDS = 3
CONNECTIONS = 50


def run(*, quick: bool) -> list[Row]:
    """Checks per CPU second: fresh connections, phase times, the guard; HTTP and HTTPS."""
    from tests.certificates import make

    seconds = 2 if quick else 6
    rows = []
    with Stage() as stage:
        key, certificate = make(stage.folder, "127.0.0.1")
        plain, secure, exporter = free_port(), free_port(), free_port()
        stage.nginx(
            f"listen 127.0.0.1:{plain} backlog=4096; listen 127.0.0.1:{secure} ssl backlog=4096; "
            f"ssl_certificate {certificate}; ssl_certificate_key {key}; ssl_session_tickets off; "
            'ssl_session_cache off; location / { return 200 "well\\n"; }',
            core=LOAD_CORE,
            top="user root;",
        )
        wait_for_port(plain)
        config = stage.folder / "blackbox.yml"
        config.write_text(
            "modules:\n  well:\n    prober: http\n    timeout: 5s\n    http:\n      preferred_ip_protocol: ip4\n"
            f"      tls_config:\n        ca_file: {certificate}\n"
        )
        reference = stage.start(
            "prometheus-blackbox-exporter",
            f"--config.file={config}",
            f"--web.listen-address=127.0.0.1:{exporter}",
            "--log.level=error",
            core=SERVER_CORE,
            env={"GOMAXPROCS": "1"},
        )
        wait_for_port(exporter)
        for name, target in (
            ("HTTP", f"http://127.0.0.1:{plain}/"),
            ("HTTPS", f"https://127.0.0.1:{secure}/"),
        ):
            pairs = []
            for round_ in range(ROUNDS):
                say(f"{name}, round {round_ + 1} of {ROUNDS}")
                own = _ours(stage, target, seconds, str(certificate))
                before = cpu_s(reference)
                asked, bad = wrk(
                    f"http://127.0.0.1:{exporter}/probe?module=well&target={quote(target, safe='')}",
                    seconds=seconds,
                    connections=CONNECTIONS,
                )
                assert bad == 0
                pairs.append((own, asked / (cpu_s(reference) - before)))
            own_rate, reference_rate = sorted(pairs, key=lambda pair: pair[0] / pair[1])[ROUNDS // 2]
            rows.append(
                ratio(f"(b) checks, {name}, blackbox_exporter", own_rate, reference_rate, 1.0, "/CPU s")
            )
    return rows


def _ours(stage: Stage, target: str, seconds: int, certificate: str) -> float:
    command = ["taskset", "-c", str(SERVER_CORE), sys.executable, "-m", "benchmarks.checking"]
    done = subprocess.run(
        [*command, target, str(seconds), str(CONNECTIONS), certificate],
        env=stage.env,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    result = json.loads(done.stdout)
    assert result["failed"] == 0, result
    return float(result["checks"] / result["cpu_s"])
