#!/usr/bin/env python3
"""The steps of docs/install.md and of the Dockerfile in a bare Debian, as the users that they are for.

    .venv/bin/python -m tests.bare [offline] [package] [services] [image]

offline: the packages of requirements.txt from a folder, without any network, then the whole program.
package: pipx and the wheel, as somebody who is not root. services: the commands under systemd in
docs/install.md, then each unit's ExecStart as its user, in its environment and without capabilities, on
Debian's PostgreSQL and Redis. image: the Dockerfile's steps by hand, then its command on a read-only root.

Root and Linux. It runs in mount and process namespaces of its own: nothing is left mounted or running,
however it ends. What is tested is what is committed. The bare system is that of tests/fresh.sh (var/fresh).
"""

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests import image
from tests.bare_root import Root, StepError
from tests.bare_services import services

HOME = Path(__file__).resolve().parent.parent
FRESH = Path(os.environ.get("FRESH_DIR") or HOME / "var" / "fresh").resolve()
MARK = "BARE_NAMESPACES"
QUIET = {"PIP_DISABLE_PIP_VERSION_CHECK": "1"}
VISIT = ("tests/visit.py", "tests/newcomer.py")


class Bare:
    """What all steps share: the bare system, what is committed, its wheel, and a wheelhouse."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.base = folder, FRESH / "base"
        self.source = folder / "source"
        self.source.mkdir()
        packed = subprocess.run(["git", "archive", "HEAD"], cwd=HOME, check=True, capture_output=True).stdout
        subprocess.run(["tar", "-x", "-C", self.source], input=packed, check=True)
        build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder / "dist")]
        subprocess.run(build, cwd=self.source, check=True, stdout=subprocess.DEVNULL)

    def root(self, name: str) -> Root:
        """A fresh one, with our wheel, the lock and deploy/ in /srv/install."""
        root = Root(self.base, self.folder / name)
        for source in (self.folder / "dist", self.source / "requirements.txt", self.source / "deploy"):
            root.put(source, f"/srv/install/{source.name}")
        self.add_visit(root)
        return root

    def add_visit(self, root: Root) -> None:
        for name in VISIT:
            root.put(self.source / name, f"/srv/{Path(name).name}")


def offline(bare: Bare) -> None:
    """A wheelhouse from the lock, by the same Python; then an install and a start without a network."""
    root = bare.root("offline")
    fetch = "-m pip download -q --require-hashes -r requirements.txt -d wheelhouse"
    say(f"with a network, root$ python3 {fetch}")
    root.run(f"python3 -m venv /srv/fetch && /srv/fetch/bin/python {fetch}", cwd="/srv/install", env=QUIET)
    root.run("useradd --create-home ada")
    alone = ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
    env = QUIET | {"HOME": "/home/ada", "PIP_INDEX_URL": ""}
    steps = (
        "python3 -m venv page",
        "page/bin/pip install -q --no-index --find-links /srv/install/wheelhouse --require-hashes"
        " -r /srv/install/requirements.txt",
        "page/bin/pip install -q --no-index --no-deps /srv/install/dist/statuspage-*.whl",
        "page/bin/pip check",
        "python3 /srv/visit.py -- page/bin/statuspage up",
    )
    for step in steps:
        say(f"no network, ada$ {step}")
        sys.stdout.write(root.run(step, before=alone, user="ada", env=env, cwd="/home/ada"))
    lines = root.run("cat /proc/net/dev", before=alone).splitlines()[2:]
    if [line.partition(":")[0].strip() for line in lines] != ["lo"]:
        raise StepError(f"there was a network: {lines}")
    root.remove()


def package(bare: Bare) -> None:
    """pipx, as the README says it."""
    root = bare.root("package")
    root.run("apt-get update -qq && apt-get install -y -qq --no-install-recommends pipx >/dev/null")
    root.run("useradd --create-home ada")
    env = {"HOME": "/home/ada", "PATH": "/home/ada/.local/bin:/usr/local/bin:/usr/bin:/bin"}
    for step in (
        "pipx install /srv/install/dist/statuspage-*.whl",
        "statuspage --version",
        "python3 /srv/visit.py --also 'statuspage alive' -- statuspage up",
        "test -f ~/.local/share/statuspage/statuspage.sqlite3",
    ):
        say(f"ada$ {step}")
        sys.stdout.write(root.run(step, user="ada", env=env, cwd="/home/ada"))
    root.remove()


def container(bare: Bare) -> None:
    """The Dockerfile's steps, and what the image does when it is started."""
    context = bare.folder / "context"
    context.mkdir()
    text = (bare.source / ".dockerignore").read_text()
    for name in re.findall(r"^!(.+)$", text, re.MULTILINE):
        subprocess.run(["cp", "-a", bare.source / name, context / name], check=True)
    last = image.build(bare.base, bare.folder, context)
    bare.add_visit(last.root)
    say(f"user {last.user}, read-only, no capabilities: {last.said}")
    sys.stdout.write(last.visited())
    last.root.remove()


STEPS: dict[str, Callable[[Bare], None]] = {
    "offline": offline,
    "package": package,
    "services": lambda bare: services(bare.root("services"), bare.source, say),
    "image": container,
}


def say(text: str) -> None:
    print(f"bare: {text}", flush=True)


def main(names: list[str]) -> int:
    if unknown := set(names) - set(STEPS):
        sys.exit(f"There is no step {min(unknown)}: there are {', '.join(STEPS)}.")
    if os.geteuid():
        sys.exit("This needs root, for chroot and namespaces.")
    if MARK not in os.environ:
        return apart(names)
    bare = Bare(Path(os.environ[MARK]))
    for name in names or STEPS:
        began = time.monotonic()
        try:
            STEPS[name](bare)
        except StepError as error:
            say(f"{name}: {error}")
            return 1
        say(f"{name}: done in {time.monotonic() - began:.0f} s")
    return 0


def apart(names: list[str]) -> int:
    """The same in namespaces of its own, whose mounts are gone before its folder is removed."""
    make = ["bash", str(HOME / "tests" / "fresh.sh")]
    subprocess.run(make, check=True, env=os.environ | {"FRESH_ONLY": "base"})
    folder = tempfile.mkdtemp(prefix="bare-", dir=FRESH)
    command = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", sys.executable]
    env = os.environ | {MARK: folder}
    try:
        return subprocess.run(
            [*command, "-m", "tests.bare", *names], cwd=HOME, env=env, check=False
        ).returncode
    finally:
        subprocess.run(["rm", "-rf", "--one-file-system", folder], check=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
