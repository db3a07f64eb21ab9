"""Results on the disk of a remote region: in order, private, bounded, and whole after a kill."""

import os
import signal
import stat
import subprocess
import sys
import textwrap

import pytest

from components.regions import spool as spools
from components.regions.spool import Spool, SpoolError
from tests.whole import ROOT

MB = 1024 * 1024


def line(number, size=10) -> bytes:
    return b'{"number": %d, "text": "%s"}' % (number, b"x" * size)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "spool"


def drain(spool, most=3, max_bytes=MB):
    lines = []
    while batch := spool.next(most, max_bytes)[0]:
        lines += batch
        spool.taken(len(batch), spool.next(most, max_bytes)[1])
    return lines


def test_results_come_out_in_order_and_leave_no_file(folder):
    spool = Spool(folder, MB)
    wanted = [line(number) for number in range(10)]
    for batch in (wanted[:4], wanted[4:5], wanted[5:]):
        spool.append(batch)
    assert spool.waiting == 10
    assert drain(spool) == wanted
    assert spool.waiting == 0
    assert list(folder.glob("*.jsonl")) == []


def test_what_was_not_taken_is_there_after_a_restart_and_before_what_is_new(folder):
    spool = Spool(folder, MB)
    spool.append([line(1), line(2)])
    spool.close()
    again = Spool(folder, MB)
    again.append([line(3)])
    assert drain(again) == [line(1), line(2), line(3)]


def test_its_files_are_private(folder):
    spool = Spool(folder, MB)
    spool.append([line(1)])
    modes = {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert modes == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_the_oldest_are_dropped_and_counted_when_it_is_full(folder, monkeypatch):
    monkeypatch.setattr(spools, "FILE_BYTES", 1000)
    spool = Spool(folder, 5000)
    for number in range(200):
        spool.append([line(number, 60)])
    assert sum(path.stat().st_size for path in folder.glob("*.jsonl")) <= 5000
    kept = drain(spool)
    assert spool.lost + len(kept) == 200
    assert spool.lost > 0
    assert kept == [line(number, 60) for number in range(200 - len(kept), 200)]


def test_a_batch_is_cut_to_what_a_request_may_hold(folder):
    spool = Spool(folder, MB)
    spool.append([line(number, 400) for number in range(10)])
    assert len(spool.next(100, 1000)[0]) == 2
    assert len(spool.next(3, MB)[0]) == 3
    assert len(spool.next(3, 1)[0]) == 1  # one always goes


def test_a_torn_line_is_left_out_and_the_rest_kept(folder):
    spool = Spool(folder, MB)
    spool.append([line(1), line(2)])
    path = next(folder.glob("*.jsonl"))
    spool.close()
    path.write_bytes(path.read_bytes() + b'{"number": 3, "te')
    assert drain(Spool(folder, MB)) == [line(1), line(2)]


def test_two_agents_do_not_share_a_folder(folder):
    first = Spool(folder, MB)
    with pytest.raises(SpoolError, match="Another agent"):
        Spool(folder, MB)
    first.close()
    Spool(folder, MB)


def test_a_disk_that_takes_nothing_loses_nothing_while_the_agent_lives(folder, monkeypatch):
    spool = Spool(folder, MB)
    spool.append([line(1)])

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(spools.os, "fsync", full)
    spool.append([line(2)])
    monkeypatch.undo()
    spool.append([line(3)])
    assert spool.waiting == 3
    assert sorted(drain(spool)) == [line(1), line(2), line(3)]


def test_a_full_disk_is_not_littered_with_empty_files(folder, monkeypatch):
    spool = Spool(folder, MB)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(spools.os, "write", full)
    for number in range(5):
        spool.append([line(number)])
    assert len(list(folder.glob("*.jsonl"))) <= 1
    monkeypatch.undo()
    spool.append([line(5)])
    assert sorted(drain(spool)) == [line(number) for number in range(6)]


def test_a_disk_that_became_read_only_stops_nothing(folder, monkeypatch):
    """Its file cannot be deleted once it was sent: it is not sent again before a restart."""
    spool = Spool(folder, MB)
    spool.append([line(1)])

    def read_only(*_, **__):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(spools.Path, "unlink", read_only)
    assert drain(spool) == [line(1)]
    spool.append([line(2)])
    assert drain(spool) == [line(2)]


def test_a_file_that_cannot_be_read_at_the_start_is_said(folder):
    folder.mkdir()
    (folder / "000000000001.jsonl").mkdir()
    with pytest.raises(SpoolError, match="cannot be used"):
        Spool(folder, MB)


def test_memory_is_bounded_as_well(folder, monkeypatch):
    spool = Spool(folder, 1000)
    monkeypatch.setattr(spools.os, "open", lambda *_: (_ for _ in ()).throw(OSError(5, "broken")))
    for number in range(100):
        spool.append([line(number, 60)])
    assert sum(map(len, spool.in_memory)) <= 1000
    assert spool.lost + spool.waiting == 100


def test_a_kill_at_any_moment_loses_nothing_that_was_kept(folder):
    """Each number is printed once `append` has returned: all that were printed must be there."""
    script = textwrap.dedent(
        """
        import os, sys
        from pathlib import Path
        from components.regions.spool import Spool
        spool = Spool(Path(sys.argv[1]), 1 << 24)
        number = int(sys.argv[2])
        while True:
            spool.append([b'{"number": %d}' % number])
            os.write(1, b"%d\\n" % number)
            number += 1
        """
    )
    printed: list[int] = []
    for _ in range(5):
        child = subprocess.Popen(
            [sys.executable, "-c", script, str(folder), str(len(printed))],
            cwd=ROOT, stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        for _ in range(40):
            child.stdout.readline()
        child.send_signal(signal.SIGKILL)
        rest = child.stdout.read()
        child.stdout.close()
        child.wait()
        spool = Spool(folder, 1 << 24)
        kept = drain(spool, most=1000)
        spool.close()
        last = int(rest.split(b"\n")[-2]) if rest.count(b"\n") else len(printed) + 39
        assert b'{"number": %d}' % last in kept
        numbers = list(range(len(printed), len(printed) + len(kept)))
        assert kept == [b'{"number": %d}' % number for number in numbers]
        printed += numbers
