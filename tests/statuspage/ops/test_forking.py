"""Forks of the supervisor: they share its memory, say how they ended, and leave nothing behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from statuspage.ops.children import Child, read_all
from tests.whole import wait_for

# a process of its own: pytest has threads, and a parent that forks must have none
PARENT = """
import os, sys, time
from statuspage.ops import forking
from statuspage.ops.children import Child, read_all
{body}
"""


def run(body, **options):
    """The output of a parent that does this."""
    command = [sys.executable, "-c", PARENT.replace("{body}", body)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False, **options)
    return done.stdout + done.stderr


@pytest.mark.parametrize(
    ("work", "code"),
    [("return None", 0), ("return 3", 3), ("sys.exit(4)", 4), ("sys.exit('no')", 1), ("raise OSError", 1),
     ("os.kill(os.getpid(), 9)", -9)],
)  # fmt: skip
def test_how_it_ended(work, code):
    body = f"def work():\n    {work}\nprint('code', forking.Forked(work, title='x').wait(20))"
    assert f"code {code}" in run(body).splitlines()


def test_an_error_is_in_its_output_and_the_parents_code_runs_once():
    text = run(
        "def work():\n    raise ValueError('mine')\nforking.Forked(work, title='x').wait()\nprint('after')"
    )
    assert "ValueError: mine" in text
    assert text.count("after") == 1


def test_it_has_a_name_of_its_own_in_the_list_of_processes_and_its_environment_is_whole():
    body = (
        "def work():\n"
        "    print(open('/proc/self/cmdline').read().rstrip('\\0'), '|', os.environ['HOME'])\n"
        "    os.system('echo $HOME')\n"
        "forking.Forked(work, title='statuspage worker').wait()\n"
        "print(open('/proc/self/cmdline').read().count('python') > 0)"
    )
    lines = run(body, env={**os.environ, "HOME": "/somewhere"}).splitlines()
    assert lines == ["statuspage worker | /somewhere", "/somewhere", "True"]


def test_it_ends_with_a_parent_that_is_killed():
    body = (
        "def work():\n    time.sleep(60)\n"
        "print(forking.Forked(work, title='x').pid, flush=True)\ntime.sleep(60)"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT.replace("{body}", body)], stdout=subprocess.PIPE, text=True
    )
    child = psutil.Process(int(parent.stdout.readline()))
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    wait_for(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE, 10)


def test_what_is_the_parents_alone_is_closed_in_it(tmp_path):
    body = (
        f"file = open({str(tmp_path / 'lock')!r}, 'w')\n"
        "forking.ours_alone.add(file.fileno())\n"
        "def files():\n    numbers = [n for n in range(50) if os.path.lexists(f'/proc/self/fd/{n}')]\n"
        "    return [os.readlink(f'/proc/self/fd/{n}') for n in numbers]\n"
        "def work():\n    print(sum('/lock' in name for name in files()))\n"
        "forking.Forked(work, title='x').wait()\nprint(sum('/lock' in name for name in files()))"
    )
    assert run(body).splitlines() == ["0", "1"]


def test_a_fork_may_fork_although_it_has_closed_what_is_its_parents(tmp_path):
    body = (
        f"file = open({str(tmp_path / 'lock')!r}, 'w')\n"
        "forking.ours_alone.add(file.fileno())\n"
        "def work():\n    print('code', forking.Forked(lambda: 3, title='y').wait(20))\n"
        "forking.Forked(work, title='x').wait()"
    )
    assert "code 3" in run(body).splitlines()


def test_a_fork_that_waits_does_its_work_once_it_is_told_and_none_if_its_parent_lets_go():
    body = (
        "for told in (b'1', b''):\n"
        "    fork, tells = forking.waiting(lambda: print('done', flush=True), title='x')\n"
        "    time.sleep(0.1)\n    os.write(tells, told)\n    os.close(tells)\n"
        "    print('code', fork.wait(20), flush=True)"
    )
    assert run(body).splitlines() == ["done", "code 0", "code 0"]


def test_a_child_is_the_same_one_after_its_parent_has_replaced_itself(tmp_path):
    """It says how it ended, and what it prints and reports arrives, also from its second start."""
    work = (
        "import os, time; time.sleep(0.5); print('printed', flush=True);"
        "os.write(int(os.environ['REPORTS_TO']), b'reported\\n'); os._exit(7)"
    )
    after = (
        "import sys, json, time\nsys.path[:] = json.loads(sys.argv[2])\n"
        "from statuspage.ops.children import Child, read_all\n"
        "child = Child.taken_over(json.loads(sys.argv[1]))\n"
        "for start in (1, 2):\n"
        "    while child.is_running:\n        read_all([child], 0.1)\n"
        "    print(child.reason(), child.process.returncode, child.take_reports(), flush=True)\n"
        "    if start == 1: child.start()\n"
    )
    body = (
        "import json\n"
        f"work = {work!r}\n"
        "child = Child('web', {}, [sys.executable, '-c', work], lambda: exec(work), reports=True)\n"
        "child.start()\n"
        f"after = {after!r}\n"
        "arguments = [json.dumps(child.kept()), json.dumps(sys.path)]\n"
        "os.execv(sys.executable, [sys.executable, '-S', '-c', after, *arguments])"
    )
    assert run(body).splitlines().count("printed 7 ['reported']") == 2


def test_a_signal_that_comes_while_the_parent_replaces_itself_waits_and_its_child_gets_it_at_once():
    after = (
        "import signal, sys; signal.signal(15, lambda *_: print('stopped'));"
        "signal.pthread_sigmask(signal.SIG_UNBLOCK, [15])"
    )
    body = (
        "import signal\nforking.block()\n"
        "child = forking.Forked(lambda: time.sleep(60), title='x')\ntime.sleep(0.3)\nchild.terminate()\n"
        "print(child.wait(20), flush=True)\n"
        "os.kill(os.getpid(), signal.SIGTERM)\n"
        f"os.execv(sys.executable, [sys.executable, '-S', '-c', {after!r}])"
    )
    assert run(body).splitlines() == ["-15", "stopped"]


def test_long_lines_halves_and_what_is_not_text_pass_on(capsys):
    code = (
        "import sys, time; w = sys.stdout.buffer; w.write(b'begin'); w.flush(); time.sleep(.3);"
        "w.write(b'ning\\n' + b'\\xff\\xfe\\n' + b'x' * 200000 + b'\\nthe last line without an end')"
    )
    child = Child("web", {}, [sys.executable, "-c", code])
    child.start()
    end = time.monotonic() + 20
    while child.output is not None and time.monotonic() < end:
        read_all([child], 0.1)
    child.end(5)
    text = capsys.readouterr().out
    assert "web     | beginning\n" in text
    assert "��" in text
    assert "web     | the last line without an end\n" in text


def test_a_child_that_floods_its_output_and_hangs_is_ended():
    code = "import signal, sys\nsignal.signal(15, signal.SIG_IGN)\nwhile True: print('x' * 1000)"
    child = Child("web", {}, [sys.executable, "-c", code])
    child.relay.write = lambda role, line: None
    child.start()
    time.sleep(0.5)
    child.terminate()
    began = time.monotonic()
    child.end(1.0)
    assert time.monotonic() - began < 10
    assert child.process.returncode == -signal.SIGKILL


def test_a_program_that_is_missing_leaves_no_open_file():
    before = len(list(Path("/proc/self/fd").iterdir()))
    child = Child("valkey", {}, ["/nowhere/valkey"])
    for _ in range(5):
        with pytest.raises(OSError, match="nowhere"):
            child.start()
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_stop_just_after_the_preparation_ended_well_is_a_stop():
    body = (
        "import django, signal; django.setup()\n"
        "from statuspage.ops import layout\n"
        "ready = layout.in_a_fork(lambda: layout.Prepared(None, 1.0, 0))\n"
        "time.sleep(1)\n"
        "os.kill(os.getpid(), signal.SIGTERM)\n"
        "print('went on', ready())"
    )
    lines = run(body, env={**os.environ, "DJANGO_SETTINGS_MODULE": "statuspage.settings"}).splitlines()
    assert lines == ["Stopped before the start."]


def test_what_only_the_start_needed_is_given_back():
    body = (
        "import gc, re\n"
        "def mib():\n"
        "    return int(re.search(r'VmRSS:\\s+(\\d+)', open('/proc/self/status').read())[1]) >> 10\n"
        "before = mib()\n"
        "gc.disable()\n"
        "for number in range(60_000):\n"
        "    ring = [bytes(1000)]\n"
        "    ring.append(ring)\n"
        "del ring\n"
        "full = mib()\n"
        "forking.tidy()\n"
        "print('given back', full - before > 50, mib() - before < 15)"
    )
    assert "given back True True" in run(body).splitlines()
