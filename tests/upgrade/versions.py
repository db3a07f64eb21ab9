"""Earlier versions of the program, out of the history, run in the present environment."""

import io
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from tests.once import OURS, ROOT, once
from tests.whole import Whole

# nothing has a tag yet: these are the first that were complete
FIRST = "14b157306e5e"  # page, incidents, checks
# console, maintenance, subscribers; the oldest whose workers run with the packages that are required today
WITH_SUBSCRIBERS = "5787b6ea36aa"
FILLING = Path(__file__).with_name("filling.py")


def git(*arguments: str) -> bytes | None:
    """What git prints; None where it fails or there is no history, as in a source package."""
    command = ["git", "-c", f"safe.directory={ROOT}", "-C", str(ROOT), *arguments]
    if not shutil.which("git") or not (ROOT / ".git").exists():
        return None
    done = subprocess.run(command, capture_output=True, check=False)
    return done.stdout if done.returncode == 0 else None


def checkout(commit: str) -> Path:
    """The files of that version, unpacked once for a run. Skips where the history is not there."""
    folder = Path(os.environ[OURS]) / f"version-{commit}"

    def unpack() -> bool:
        packed = git("archive", "--format=tar", commit)
        if packed is None:
            return False
        with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
            archive.extractall(folder, filter="data")
        return True

    if not once(f"version-{commit}", unpack):
        pytest.skip(f"Version {commit} is not in the history here: clone with all of it, not with --depth.")
    return folder


class Earlier(Whole):
    """An earlier version with a database that it made itself."""

    def __init__(self, folder: Path, commit: str) -> None:
        super().__init__(folder, is_new=True)
        self.root = checkout(commit)
        self.var.mkdir(parents=True)

    def fill(self) -> None:
        """Its tables, and something in each of them that people see."""
        self.given = {}
        self.manage("migrate", "-v0")
        self.run(FILLING)

    def run(self, script: Path, *arguments: str) -> str:
        """A script with this version's code; what it prints."""
        env = {"PYTHONPATH": str(self.root), "DJANGO_SETTINGS_MODULE": "statuspage.settings"}
        done = subprocess.run(
            [sys.executable, str(script), *arguments], env=self.env | env, cwd=self.root, capture_output=True,
            text=True, timeout=300, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout


class Later(Whole):
    """This version on the folder and the database of an earlier one, not migrated yet."""

    def __init__(self, earlier: Earlier) -> None:
        super().__init__(earlier.folder, is_new=True)
        self.database = earlier.database
