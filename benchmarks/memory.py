"""(m) Memory, processes and start of the whole program on one machine, idle with 50 probes."""

import os
import sys
import time
from pathlib import Path

import psutil

from benchmarks.tools import ROOT, Row, Stage, family, say
from statuspage.ops.supervisor import answers, free_port

PROBES = 50
MAX_MIB = 160
MAX_PROCESSES = 5
MAX_START_S, MAX_FIRST_START_S = 1.0, 3.0
IDLE_S, QUICK_IDLE_S = 60, 15  # after the last probe was added: each has been checked by then
PATIENCE_S = 60
ADD = """
from components.models import Component, Probe
for number in range({probes}):
    component = Component.objects.create(name=f"Service {{number}}", position=number)
    Probe.objects.create(component=component, name=f"probe {{number}}", kind="http", target="{url}",
                         interval_s=30, timeout_s=5)
"""
BARE = """
import os
from celery import Celery
from django.conf import settings
if not settings.configured:
    settings.configure(
        SECRET_KEY="x", USE_TZ=True, ALLOWED_HOSTS=["*"], ROOT_URLCONF="bare", STATIC_URL="static/",
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "bare.sqlite3"}},
        INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions"],
    )
import django
django.setup()
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import path
app = Celery("bare", broker=os.environ["REDIS_URL"])
@app.task
def nothing():
    pass
urlpatterns = [path("", lambda request: HttpResponse("Hello"))]
application = get_wsgi_application()
"""


def run(*, quick: bool) -> list[Row]:
    """Ours beside Django's smallest site, a Celery worker of two processes, beat and Valkey."""
    idle_s = QUICK_IDLE_S if quick else IDLE_S
    reference_mib, reference_number = bare(idle_s)
    with Stage() as stage:
        first_s = start_s(stage, "up")
        add_probes(stage)
        stop(stage)
        again_s = start_s(stage, "up")
        say(f"idle for {idle_s} s")
        time.sleep(idle_s)
        members = family(psutil.Process(stage.processes[-1].pid))
        mib = report(members)
    return [
        _most(f"(m) memory (PSS), idle with {PROBES} probes", mib, reference_mib, MAX_MIB, "MiB"),
        _most("(m) processes, Valkey included", len(members), reference_number, MAX_PROCESSES, ""),
        _most("(m) start to first page, with data", again_s, None, MAX_START_S, "s"),
        _most("(m) first start to first page", first_s, None, MAX_FIRST_START_S, "s"),
    ]


def _most(what: str, ours: float, reference: float | None, most: float, unit: str) -> Row:
    digits = 1 if unit == "s" else 0
    beside = "" if reference is None else f"{reference:,.{digits}f} {unit}"
    share = None if reference is None else ours / reference
    return Row(what, f"{ours:,.{digits}f} {unit}", beside, share, f"≤ {most:g} {unit}", ours <= most)


def start_s(stage: Stage, *arguments: str) -> float:
    """Seconds from the command to the first page that is answered."""
    began = time.monotonic()
    stage.start(sys.executable, str(ROOT / "manage.py"), *arguments)
    while not answers("127.0.0.1", stage.port, "/"):
        if time.monotonic() - began > PATIENCE_S:
            raise TimeoutError("no page was served")
        time.sleep(0.01)
    return time.monotonic() - began


def add_probes(stage: Stage) -> None:
    """Add probes of a target that answers: our own page."""
    stage.manage("shell", "-v0", "-c", ADD.format(probes=PROBES, url=f"{stage.url}/livez"))


def stop(stage: Stage) -> None:
    """Stop what was started last, in order."""
    process = stage.processes.pop()
    process.terminate()
    process.wait(PATIENCE_S)


def bare(idle_s: float) -> tuple[float, int]:
    """MiB and processes of the same parts with nothing of ours in them."""
    from statuspage.ops.supervisor import valkey_program

    with Stage() as stage:
        (stage.folder / "bare.py").write_text(BARE)
        port = free_port()
        env = {"REDIS_URL": f"redis://127.0.0.1:{port}/0", "PYTHONPATH": str(stage.folder)}
        options = ("--port", str(port), "--save", "", "--dir", str(stage.folder))
        celery = (sys.executable, "-m", "celery", "-q", "-A", "bare")
        parts = (
            stage.start(str(valkey_program()), *options),
            stage.start(sys.executable, "-m", "granian", "--interface", "wsgi", "--port", str(stage.port),
                        "bare:application", env=env),
            stage.start(*celery, "worker", "--concurrency=2", env=env),
            stage.start(*celery, "beat", "-s", str(stage.folder / "beat"), env=env),
        )  # fmt: skip
        time.sleep(max(5.0, idle_s / 4))
        members = [member for part in parts for member in family(part)]
        say("the reference:")
        return report(members), len(members)


def report(members: list[psutil.Process]) -> float:
    """MiB (PSS) of these processes together; says each one's part."""
    total = 0.0
    for member in members:
        mib = pss_mib(member.pid)
        total += mib
        say(f"{mib:6.1f} MiB  {' '.join(member.cmdline()).strip()[-70:]}")
    say(
        f"{total:6.1f} MiB in {len(members)} processes; {alone_mib(members):.1f} if nothing else used their files"
    )
    return total


def pss_mib(pid: int) -> float:
    """The proportional set size of a process: shared pages count by their share."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return next(int(line.split()[1]) / 1024 for line in text.splitlines() if line.startswith("Pss:"))


def alone_mib(members: list[psutil.Process]) -> float:
    """What they would take on a machine of their own.

    PSS shares the pages of libraries with whatever else runs Python on this machine. Here a file counts
    as often as the process that has most of it in memory; memory of no file counts as in PSS.
    """
    files: dict[tuple[str, str], int] = {}
    anonymous = 0
    for member in members:
        for line in Path(f"/proc/{member.pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss_Anon:"):
                anonymous += int(line.split()[1])
        for key, size in _pages_of_files(member.pid):
            files[key] = max(files.get(key, 0), size)
    return (anonymous + sum(files.values())) / 1024


def _pages_of_files(pid: int) -> list[tuple[tuple[str, str], int]]:
    """((file, offset), kB of it in memory that are the file's own) for each mapping."""
    pages: list[tuple[tuple[str, str], int]] = []
    key, resident = ("", ""), 0
    for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
        parts = line.split()
        if "-" in parts[0] and not parts[0].endswith(":"):
            key = (" ".join(parts[5:]), parts[2])
        elif parts[0] == "Rss:":
            resident = int(parts[1])
        elif parts[0] == "Anonymous:" and key[0].startswith(os.sep):
            pages.append((key, resident - int(parts[1])))
    return pages
