"""The wheel: all of the program is in it, and it runs where no checkout is."""

import os
import re
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import httpx
import pytest

from components.places import ROOT
from statuspage.ops.supervisor import free_port
from tests.whole import wait_for

pytestmark = pytest.mark.stack
APPS = ("components", "incidents", "statuspage", "subscribers")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel of this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (file,) = folder.glob("*.whl")
    return file


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """Where pip puts it."""
    folder = tmp_path_factory.mktemp("installed")
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "-q",
        "--no-deps",
        "--no-index",
        "--target",
        str(folder),
        str(wheel),
    ]
    subprocess.run(command, check=True)
    return folder


def test_all_of_the_program_is_in_it_and_nothing_else(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    ours = {name for name in tracked.splitlines() if name.startswith(tuple(f"{app}/" for app in APPS))}
    ours |= {f"statuspage/{name}" for name in tracked.splitlines() if name.startswith("templates/")}
    packed = {name for name in names if ".dist-info/" not in name}
    assert packed - ours == set()
    assert {name for name in ours if (ROOT / name).exists()} - packed == set()


def test_it_runs_away_from_a_checkout(installed, tmp_path):
    home, port = tmp_path / "home", free_port()
    home.mkdir()
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "PIP_INDEX_URL")}
    env = kept | {
        "HOME": str(home),
        "PORT": str(port),
        "PYTHONPATH": str(installed),
        "PUBLIC_URL": f"http://localhost:{port}",
        "DATABASE_URL": "",
        "REDIS_URL": "",
    }
    if os.geteuid() == 0:
        env["VAR_DIR"] = str(home / ".local" / "share" / "statuspage")
    process = subprocess.Popen(
        [sys.executable, "-m", "statuspage", "up"], cwd=home, env=env, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip
    lines: list[str] = []
    reader = threading.Thread(target=lambda: lines.extend(process.stdout), daemon=True)
    reader.start()
    try:
        wait_for(lambda: any("is live" in line for line in lines), 90)
        page = httpx.get(f"http://127.0.0.1:{port}/")
        assert page.status_code == 200
        style = re.search(r'href="(/static/[^"]+\.css)"', page.text).group(1)
        assert httpx.get(f"http://127.0.0.1:{port}{style}").status_code == 200
        login = httpx.get(f"http://localhost:{port}/accounts/login/")
        assert login.status_code == 200
        assert "Log in" in login.text
        assert any("statuspage probe https://example.org" in line for line in lines)
        assert (home / ".local" / "share" / "statuspage" / "statuspage.sqlite3").exists()
    finally:
        process.terminate()
        process.wait(30)
        reader.join(10)
        process.stdout.close()
    assert not [line for line in lines if "Traceback" in line], "".join(lines)


@pytest.mark.parametrize(
    ("root", "home", "xdg", "folder"),
    [
        (True, "/root", "", "/var/lib/statuspage"),
        (False, "/var/lib/statuspage", "", "/var/lib/statuspage"),
        (False, "/home/ada", "", "/home/ada/.local/share/statuspage"),
        (False, "/home/ada", "/data/ada", "/data/ada/statuspage"),
        (False, "/home/ada", "not/absolute", "/home/ada/.local/share/statuspage"),
    ],
)
def test_data_is_kept_where_people_look_for_it(monkeypatch, root, home, xdg, folder):
    from components import places

    monkeypatch.setattr(places, "IS_CHECKOUT", False)
    monkeypatch.setattr(os, "geteuid", lambda: 0 if root else 1000)
    monkeypatch.setenv("HOME", home)
    monkeypatch.setenv("XDG_DATA_HOME", xdg)
    assert places.data_folder() == Path(folder)
