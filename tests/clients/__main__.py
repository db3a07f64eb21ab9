"""Read a live page with other people's programs: what each saw, one line each; 1 when one saw something else.

They are installed into var/clients, in the versions that stand beside this file. Newsboat and Node are
Debian's: where they are missing and this is not root, their programs are named and fail.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
HOME = ROOT / "var" / "clients"
PYTHON = HOME / "venv" / "bin" / "python"
BY_PYTHON, BY_NODE = HERE / "by_python.py", HERE / "by_node.cjs"
PACKAGES = {"newsboat": "newsboat", "node": "nodejs", "npm": "npm"}
CLIENTS = {
    # name: what it is, what runs it
    "whadup": ("api", "python"),
    "discordstatus": ("api", "python"),
    "exporter": ("exporter", "python"),
    "statuspage.io": ("api", "node"),
    "feedparser": ("feed", "python"),
    "newsboat": ("kept", "python"),
    "rss-parser": ("feed", "node"),
    "icalendar": ("calendar", "python"),
    "ics": ("calendar", "python"),
    "ical.js": ("calendar", "node"),
    "node-ical": ("calendar", "node"),
}
PATIENCE_S = 30


def main() -> int:
    began = time.monotonic()
    _install()
    from tests.clients import judge

    with tempfile.TemporaryDirectory() as folder:
        seen, complaints = _read_twice(Path(folder))
    print(f"\n{len(CLIENTS)} programs read the page twice, in {time.monotonic() - began:.0f} s:")
    for name, (kind, _) in CLIENTS.items():
        first, second = seen[name]
        if first is not None and second is not None:
            complaints[name] += judge.stable(kind, first, second)
        print(f"  {'FAIL' if complaints[name] else 'ok  '} {name}: {_summary(kind, first)}")
        for complaint in complaints[name]:
            print(f"    - {complaint}")
    return int(any(complaints.values()))


def _summary(kind, seen):
    if seen is None:
        return "saw nothing"
    if kind in ("feed", "kept"):
        return ", ".join(f"{len(entries)} entries of {form}" for form, entries in seen.items())
    if kind == "calendar":
        return f"{len(seen)} events"
    if kind == "exporter":
        return (
            f"{len(seen['component_metadata'])} components, {len(seen['incident_metadata'])} open incidents"
        )
    components, incidents = seen["components"]["components"], seen["incidents"]["incidents"]
    return f"{len(components)} components, {len(incidents)} incidents"


def _read_twice(folder):
    """What each program saw of each act, and what was wrong with it."""
    from tests.clients import judge
    from tests.whole import Whole

    seen, complaints = {name: [] for name in CLIENTS}, {name: [] for name in CLIENTS}
    whole = Whole(folder)
    try:
        whole.start(PAGE_NAME="Widgetify")
        for act in ("first", "second"):
            told = _act(whole, folder / "told.json")
            for name, (kind, _) in CLIENTS.items():
                try:
                    saw = see(name, whole.url, folder)
                except CannotRead as error:
                    seen[name].append(None)
                    complaints[name].append(f"{act} reading: {error}")
                    continue
                seen[name].append(saw)
                complaints[name] += [f"{act} reading: {one}" for one in judge.JUDGES[kind](saw, told)]
    finally:
        whole.close()
    return seen, complaints


def _act(whole, file):
    """Play the next act, and wait until the page shows it."""
    from tests.whole import wait_for

    whole.manage("shell", "-v0", "-c", f"from tests.clients import truth; truth.write({str(file)!r})")
    told = json.loads(file.read_text())
    wait_for(lambda: f'data-version="{told["version"]}"' in whole.web.get("/").text, PATIENCE_S)
    return told


class CannotRead(Exception):
    """The program ended with an error; the text is what it said."""


def see(name, url, folder, python=PYTHON):
    """What a program sees at this address. Raises CannotRead."""
    if CLIENTS[name][1] == "node":
        command = ["node", str(BY_NODE), name, url]
    else:
        command = [str(python), str(BY_PYTHON), name, url, str(folder)]
    env = os.environ | {"NODE_PATH": str(HOME / "node_modules"), "PYTHONWARNINGS": "ignore"}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=PATIENCE_S, env=env, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CannotRead(str(error)) from error
    if done.returncode:
        raise CannotRead(done.stderr.strip()[-400:] or f"ended with {done.returncode}")
    return json.loads(done.stdout)


def _install():
    """What they need, once."""
    HOME.mkdir(parents=True, exist_ok=True)
    for program, package in PACKAGES.items():
        if shutil.which(program) is None:
            _install_debian(program, package)
    wanted = (HERE / "requirements.txt").read_text()
    if not _is_there(HOME / "venv.stamp", wanted):
        print("Installing the clients of PyPI (once) ...", flush=True)
        _run(sys.executable, "-m", "venv", str(HOME / "venv"))
        pip = ("-m", "pip", "install", "-qq", "--disable-pip-version-check", "--require-hashes")
        _run(str(PYTHON), *pip, "-r", str(HERE / "requirements.txt"))
        (HOME / "venv.stamp").write_text(wanted)
    wanted = (HERE / "package-lock.json").read_text()
    if shutil.which("npm") and not _is_there(HOME / "node.stamp", wanted):
        print("Installing the clients of npm (once) ...", flush=True)
        for name in ("package.json", "package-lock.json", ".npmrc"):
            shutil.copy(HERE / name, HOME / name)
        _run("npm", "ci", "--silent", cwd=HOME)
        (HOME / "node.stamp").write_text(wanted)


def _is_there(stamp, wanted):
    return stamp.exists() and stamp.read_text() == wanted


def _install_debian(program, package):
    if os.geteuid() or shutil.which("apt-get") is None:
        print(f"{program} is missing: install Debian's package {package}.", file=sys.stderr)
        return
    print(f"Installing Debian's package {package} (once) ...", flush=True)
    _run("apt-get", "update", "-qq")
    env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    _run("apt-get", "install", "-y", "-qq", "--no-install-recommends", package, env=env)


def _run(*command, **more):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, **more)


if __name__ == "__main__":
    sys.exit(main())
