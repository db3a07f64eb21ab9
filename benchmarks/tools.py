"""What the benchmarks share: a private environment, processes on chosen cores, the reference programs."""

import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from statuspage.ops.supervisor import free_port

ROOT = Path(__file__).resolve().parent.parent
SERVER_CORE, LOAD_CORE = 0, 1
PACKAGES = {
    "nginx": "nginx",
    "wrk": "wrk",
    "prometheus-blackbox-exporter": "prometheus-blackbox-exporter",
}
NCHAN = Path("/usr/lib/nginx/modules/ngx_nchan_module.so")


@dataclass(frozen=True)
class Row:
    """One figure: ours, the reference's, and the target for their ratio (or for ours alone)."""

    what: str
    ours: str
    reference: str
    ratio: float | None
    wanted: str
    holds: bool


def ratio(what: str, ours: float, reference: float, least: float, unit: str) -> Row:
    """Our figure as a share of the reference's, with `least` as the target."""
    share = ours / reference if reference else float("nan")
    return Row(
        what, f"{ours:,.0f} {unit}", f"{reference:,.0f} {unit}", share, f"≥ {least:.2f}", share >= least
    )


def say(words: str) -> None:
    """Print progress to standard error."""
    print(f"  … {words}", file=sys.stderr, flush=True)


def have_references() -> None:
    """Install Debian's packages that are missing, or say which to install."""
    missing = [package for name, package in PACKAGES.items() if not shutil.which(name)]
    if not NCHAN.exists():
        missing.append("libnginx-mod-nchan")
    if not missing:
        return
    if os.geteuid() or not shutil.which("apt-get"):
        sys.exit(f"The references are missing: install Debian's packages {' '.join(missing)}.")
    say(f"installing {' '.join(missing)}")
    subprocess.run(["apt-get", "update", "-qq"], check=True)
    command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing]
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    subprocess.run(command, check=True, env=env, stdout=subprocess.DEVNULL)


class Stage:
    """The folder and processes of one measurement, removed at its end."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="statuspage-bench-"))
        self.folder.chmod(0o755)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.processes: list[subprocess.Popen[bytes]] = []
        self.database = ""  # the address of one, instead of a file of SQLite
        self.more: dict[str, str] = {}  # of the environment

    def __enter__(self) -> "Stage":
        return self

    def __exit__(self, *_: object) -> None:
        for process in reversed(self.processes):
            process.send_signal(signal.SIGTERM)
        for process in reversed(self.processes):
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def forget(self) -> None:
        """Make an empty database again."""
        shutil.rmtree(self.folder / "var", ignore_errors=True)

    @property
    def env(self) -> dict[str, str]:
        """The program's environment for this measurement."""
        outer = (
            "DJANGO_SETTINGS_MODULE",
            "DATABASE_URL",
            "REDIS_URL",
            "SECRET_KEY",
            "PYTHONDONTWRITEBYTECODE",
        )
        return {k: v for k, v in os.environ.items() if k not in outer} | {
            "VAR_DIR": str(self.folder / "var"),
            "PORT": str(self.port),
            "HOST": "127.0.0.1",
            "PUBLIC_URL": self.url,
            "EGRESS_ALLOW": "127.0.0.0/8",
            "LOG_LEVEL": "WARNING",
            "PYTHONPATH": str(ROOT),
            **({"DATABASE_URL": self.database} if self.database else {}),
            **self.more,
        }

    def manage(self, *arguments: str, text: str | None = None) -> str:
        """Run a management command and return its output; `text` is its standard input."""
        command = [sys.executable, str(ROOT / "manage.py"), *arguments]
        done = subprocess.run(command, env=self.env, input=text, text=True, capture_output=True, check=True)
        return done.stdout

    def fill(self, components: int) -> None:
        """Make a database with this many components and 90 days of history."""
        self.manage("migrate", "-v0")
        self.manage("collectstatic", "--no-input", "-v0")
        code = f"from benchmarks.filling import fill; fill({components})"
        self.manage("shell", "-v0", "-c", code)

    def start(
        self, *command: str, core: int | None = None, env: dict[str, str] | None = None, log: str = ""
    ) -> psutil.Process:
        """Start a process, pinned to a core if one is given. `log`: the file that has what it prints."""

        def pin() -> None:
            hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            if core is not None:
                os.sched_setaffinity(0, {core})

        with (self.folder / log if log else Path(os.devnull)).open("ab") as output:
            process = subprocess.Popen(
                command,
                env={**self.env, **(env or {})},
                cwd=ROOT,
                stdout=output,
                stderr=output,
                preexec_fn=pin,
                start_new_session=True,
            )
        self.processes.append(process)
        return psutil.Process(process.pid)

    def last_lines(self, log: str, count: int = 20) -> str:
        """The end of what a process has printed."""
        lines = (self.folder / log).read_text(errors="replace").splitlines()
        return "\n".join(lines[-count:])

    def web(self, core: int | None = SERVER_CORE) -> psutil.Process:
        """Start our web process and wait until it is ready."""
        process = self.start(sys.executable, str(ROOT / "manage.py"), "web", core=core)
        wait_for_port(self.port, "/readyz")
        return process

    def nginx(self, server: str, *, core: int | None, top: str = "", http: str = "") -> psutil.Process:
        """Start Debian's nginx with this server block and one worker."""
        number = len(self.processes)
        file = self.folder / f"nginx-{number}.conf"
        file.write_text(
            f"{top}\nworker_processes 1; worker_rlimit_nofile 60000; daemon off; "
            f"pid {self.folder}/nginx-{number}.pid; error_log {self.folder}/nginx-{number}.log;\n"
            f"events {{ worker_connections 50000; }}\n"
            f"http {{ access_log off; keepalive_requests 1000000; {http}\n server {{ {server} }} }}\n"
        )
        return self.start("nginx", "-c", str(file), "-p", str(self.folder), core=core)


def wait_for_port(port: int, path: str = "/", patience_s: float = 30, *, host: str = "127.0.0.1") -> None:
    """Wait until the port answers 200."""
    from statuspage.ops.supervisor import answers

    end = time.monotonic() + patience_s
    while not answers(host, port, path):
        if time.monotonic() > end:
            raise TimeoutError(f"nobody answers on port {port}{path}")
        time.sleep(0.1)


def family(process: psutil.Process) -> list[psutil.Process]:
    """The process and all it started."""
    return [process, *process.children(recursive=True)]


def cpu_s(process: psutil.Process) -> float:
    """CPU seconds of the family so far."""
    times = [member.cpu_times() for member in family(process)]
    return float(sum(spent.user + spent.system for spent in times))


def memory(process: psutil.Process) -> int:
    """Private bytes of the family now."""
    return int(sum(member.memory_full_info().uss for member in family(process)))


def wrk(url: str, *headers: str, seconds: int, connections: int = 64, threads: int = 1) -> tuple[int, int]:
    """(requests answered, answers that were neither 2xx nor 3xx, or broke off) from the load's core."""
    return wrk_with_p99(url, *headers, seconds=seconds, connections=connections, threads=threads)[:2]


def wrk_with_p99(
    url: str, *headers: str, seconds: int, connections: int = 64, threads: int = 1, script: Path | None = None
) -> tuple[int, int, float]:
    """The same, and the time within which 99 % of the answers came (ms). `script`: makes each request."""
    command = [
        "taskset",
        "-c",
        str(LOAD_CORE),
        "wrk",
        f"-t{threads}",
        f"-c{connections}",
        f"-d{seconds}s",
        "--latency",
    ]
    if script is not None:
        command += ["-s", str(script)]
    for header in headers:
        command += ["-H", header]
    output = subprocess.run([*command, url], capture_output=True, text=True, check=True).stdout
    asked = int(output.split(" requests in")[0].split()[-1])
    bad, p99_ms = 0, float("nan")
    for line in output.splitlines():
        if "Non-2xx" in line:
            bad += int(line.split()[-1])
        if "Socket errors" in line:
            bad += sum(int(part) for part in line.replace(",", "").split() if part.isdigit())
        if line.split()[:1] == ["99%"]:
            p99_ms = _ms(line.split()[1])
    return asked, bad, p99_ms


def _ms(text: str) -> float:
    """wrk's times, such as 1.5ms, in ms."""
    for unit, factor in (("us", 0.001), ("ms", 1.0), ("s", 1000.0)):
        if text.endswith(unit):
            return float(text.removesuffix(unit)) * factor
    raise ValueError(text)
