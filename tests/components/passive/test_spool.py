"""Reports that wait on disk: nothing that was acknowledged is lost, whatever happens to the process."""

import json
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from components.passive.spool import Spool, SpoolFullError

MEGABYTE = 1024 * 1024


def spool(folder: Path, most: int = MEGABYTE) -> Spool:
    return Spool(folder, max_bytes=most)


def drain(one: Spool) -> list[int]:
    numbers = []
    while (found := one.next_batch()) is not None:
        file, batch = found
        numbers += [row["n"] for row in batch.rows]
        file.stored = batch.end
    return numbers


def test_what_is_written_is_read_in_order(tmp_path):
    one = spool(tmp_path)
    for number in range(1_200):
        one.append([{"n": number}])
    assert drain(one) == list(range(1_200))
    assert drain(one) == []
    one.append([{"n": 7}])
    assert drain(one) == [7]


def test_files_are_for_their_owner_only(tmp_path):
    one = spool(tmp_path / "spool")
    one.append([{"n": 1}])
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "spool", one.own.path)]
    assert modes == [0o700, 0o600]


def test_a_file_of_a_living_process_is_left_alone_and_one_of_a_dead_one_is_taken_over(tmp_path):
    first, second = spool(tmp_path), spool(tmp_path)
    first.append([{"n": 1}])
    second.tidy()
    assert drain(second) == []
    first.close()  # its lock is gone, as when it is killed
    second.tidy()
    assert drain(second) == [1]
    second.tidy()
    assert list(tmp_path.iterdir()) == []


def test_a_process_that_is_killed_while_it_writes_loses_nothing_it_has_acknowledged(tmp_path):
    code = (
        "import sys; from pathlib import Path; from components.passive.spool import Spool\n"
        "one = Spool(Path(sys.argv[1]), max_bytes=10**9)\n"
        "for n in range(10**9):\n"
        "    one.append([{'n': n, 'text': 'x' * 9000}]); print(n, flush=True)\n"
    )
    child = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    for line in child.stdout:
        if int(line) >= 50:
            child.send_signal(signal.SIGKILL)
            break
    acknowledged = [50, *(int(line) for line in child.stdout if line.endswith("\n"))][-1]
    child.wait(10)
    child.stdout.close()
    after = spool(tmp_path)
    after.tidy()
    numbers = drain(after)
    assert numbers == list(range(len(numbers)))
    assert acknowledged <= numbers[-1] <= acknowledged + 1


def test_a_torn_end_is_left_out(tmp_path):
    one = spool(tmp_path)
    one.append([{"n": 1}])
    one.close()
    path = next(tmp_path.iterdir())
    path.write_bytes(path.read_bytes() + b'{"n": 2, "te')
    after = spool(tmp_path)
    after.tidy()
    assert drain(after) == [1]
    after.tidy()
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_line_costs_itself_alone(tmp_path, caplog):
    one = spool(tmp_path)
    one.append([{"n": 1}, {"n": 2}, {"n": 3}])
    one.close()
    path = next(tmp_path.iterdir())
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + b"\0" * (len(lines[1]) - 1) + b"\n" + lines[2])
    after = spool(tmp_path)
    after.tidy()
    assert drain(after) == [1, 3]
    assert "spool.unreadable" in caplog.text


@pytest.mark.parametrize("damage", [b"\0", b"\r", b"[", b"x"], ids=["nul", "cr", "deep", "text"])
@pytest.mark.parametrize("size", [600_000, 3 * MEGABYTE])
def test_a_long_damaged_line_costs_itself_alone_too(tmp_path, caplog, damage, size):
    """Two lines that lost the newline between them, or a block of the disk that reads as something else."""
    one = spool(tmp_path)
    one.append([{"n": 1}])
    one.append([{"n": 2}, {"n": 3}])
    one.close()
    path = next(tmp_path.iterdir())
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + damage * size + b"\n" + lines[1] + lines[2])
    after = spool(tmp_path)
    after.tidy()
    assert drain(after) == [1, 2, 3]
    assert f"spool.unreadable bytes={size + 1}" in caplog.text
    after.tidy()
    assert list(tmp_path.iterdir()) == []


def test_it_takes_no_more_room_than_it_may(tmp_path):
    one = spool(tmp_path, 1_000)
    one.append([{"n": 1, "text": "x" * 800}])
    with pytest.raises(SpoolFullError):
        one.append([{"n": 2, "text": "x" * 800}])
    assert drain(one) == [1]
    one.append([{"n": 3, "text": "x" * 800}])  # what was stored makes room
    assert drain(one) == [3]


def test_a_full_disk_leaves_no_half_of_a_report(tmp_path):
    """/dev/full takes nothing; a limit on the size of files stops in the middle."""
    code = (
        "import resource, signal, sys; from pathlib import Path; from components.passive.spool import Spool\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))\n"
        "one = Spool(Path(sys.argv[1]), max_bytes=10**9)\n"
        "for n in range(5):\n"
        "    try:\n        one.append([{'n': n, 'text': 'x' * 600}])\n"
        "    except OSError as error:\n        print('refused', n)\n"
        "one.append([{'n': 9}]); print('kept')\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout.split("\n")
    assert said[:3] == ["refused 3", "refused 4", "kept"]
    after = spool(tmp_path)
    after.tidy()
    assert drain(after) == [0, 1, 2, 9]


def test_a_stored_file_is_replaced_when_it_has_grown(tmp_path):
    one = spool(tmp_path, 10 * MEGABYTE)
    for number in range(120):
        one.append([{"n": number, "text": "x" * 10_000}])
    first = one.own.name
    assert one.tidy() == []  # not stored yet
    drain(one)
    assert one.tidy() == [first]
    one.append([{"n": 1}])
    assert one.own.name != first
    assert len(list(tmp_path.iterdir())) == 1
    assert json.loads(one.own.path.read_text()) == {"n": 1}
