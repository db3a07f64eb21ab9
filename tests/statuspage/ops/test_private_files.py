"""Nobody else on the machine reads what the program writes, nor what an older version left open."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from statuspage.ops import private_files
from tests.whole import wait_for

NOBODY = 65534
# Tries to read and to list everything below a folder, and says what it could
READER = """
import os, sys
os.setgroups([]); os.setgid(65534); os.setuid(65534)
for line in sys.stdin:
    path = line.rstrip("\\n")
    try:
        os.listdir(path) if os.path.isdir(path) else open(path, "rb").read(1)
    except OSError:
        continue
    print(path)
"""


def everything(folder):
    found = [folder]
    for where, folders, files in os.walk(folder):
        found += [Path(where) / name for name in (*folders, *files)]
    return [str(path) for path in found if not path.is_symlink()]


def read_by_somebody_else(paths):
    """What a person without any rights here can read."""
    done = subprocess.run(
        [sys.executable, "-c", READER],
        input="\n".join(paths),
        capture_output=True,
        text=True,
        check=True,
        cwd="/",
    )
    return done.stdout.splitlines()


def modes(paths):
    """Those that somebody else may touch, by their modes."""
    return {path: oct(mode) for path in paths if (mode := stat.S_IMODE(os.lstat(path).st_mode)) & 0o077}


def test_the_whole_program_keeps_its_files_to_itself(whole):
    """Started with the usual umask, in a folder that an older version left open to all."""
    whole.folder.chmod(0o755)
    for name in (
        "snapshots/ab.page",
        "mail/1.eml",
        "backups/old.sqlite3",
        "statuspage.sqlite3-wal.old",
        "beat",
    ):
        file = whole.var / name
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
        file.write_text("old")
        file.chmod(0o644)
    whole.var.chmod(0o755)
    before = os.umask(0o022)
    try:
        whole.start()
        if not whole.database:
            whole.manage("backup", str(whole.var / "new.sqlite3"))
        wait_for(lambda: any((whole.var / "snapshots").glob("*")), 20)
        whole.web.get("/")
        paths = everything(whole.var)
        assert modes(paths) == {}
        assert str(whole.var / "secret_key") in paths
        if os.geteuid() == 0:
            # even where the way in stands open
            whole.var.chmod(0o755)
            inside = [path for path in everything(whole.var) if path != str(whole.var)]
            assert read_by_somebody_else(inside) == []
    finally:
        os.umask(before)


@pytest.mark.parametrize("where", ["backup", "elsewhere"])
def test_a_single_file_beside_is_closed_too(tmp_path, where):
    folder = tmp_path / "var"
    folder.mkdir()
    file = tmp_path / where
    file.write_text("x")
    file.chmod(0o644)
    private_files.keep(folder, [file, tmp_path / "is not there"])
    assert modes([*everything(folder), str(file)]) == {}


def test_links_and_folders_for_many_are_left_alone(tmp_path):
    outside = tmp_path / "outside"
    outside.write_text("somebody's")
    outside.chmod(0o644)
    ours = tmp_path / "var"
    ours.mkdir()
    (ours / "link").symlink_to(outside)
    private_files.keep(ours)
    many = tmp_path / "many"
    many.mkdir()
    (many / "theirs").write_text("x")
    (many / "theirs").chmod(0o644)
    many.chmod(0o1777)
    private_files.keep(many)
    assert oct(stat.S_IMODE(outside.stat().st_mode)) == "0o644"
    assert oct(stat.S_IMODE((many / "theirs").stat().st_mode)) == "0o644"
