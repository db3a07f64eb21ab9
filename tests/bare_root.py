"""A bare Debian in a folder, and commands in it as one of its users. For tests/bare.py alone."""

import os
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# what a service or a container may not: become more than it is
NO_MORE = ("--no-new-privs", "--bounding-set=-all", "--inh-caps=-all")
# how this machine reaches its package indexes
KEPT = ("pip_index_url", "pip_default_timeout", "http_proxy", "https_proxy", "no_proxy", "all_proxy")
CERTIFICATES = "etc/ssl/certs/ca-certificates.crt"
DEVICES = {"null": 3, "zero": 5, "full": 7, "random": 8, "urandom": 9}


class StepError(Exception):
    """A command in there ended badly; its words."""


class Root:
    """A copy of the bare system, gone with `remove`."""

    def __init__(self, base: Path, folder: Path) -> None:
        self.folder = folder
        subprocess.run(["cp", "-a", base, folder], check=True)
        for name in ("etc/resolv.conf", CERTIFICATES):
            shutil.copyfile(f"/{name}", folder / name)
        subprocess.run(["cp", "-aL", "/etc/apt/apt.conf.d/.", folder / "etc/apt/apt.conf.d/"], check=True)
        (folder / "etc/apt/apt.conf.d/docker-clean").unlink(missing_ok=True)
        (folder / "etc/hosts").write_text("127.0.0.1 localhost\n::1 localhost\n")
        policy = folder / "usr/sbin/policy-rc.d"  # packages start no services in there
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
        self._mount("-t", "proc", "proc", "proc")
        self._mount("-t", "tmpfs", "tmpfs", "dev")
        for name, minor in DEVICES.items():
            os.mknod(folder / "dev" / name, 0o020666, os.makedev(1, minor))
            (folder / "dev" / name).chmod(0o666)
        (folder / "dev/shm").mkdir(mode=0o1777)
        (folder / "dev/shm").chmod(0o1777)
        (folder / "dev/fd").symlink_to("/proc/self/fd")

    def _mount(self, *arguments: str) -> None:
        *options, place = arguments
        subprocess.run(["mount", *options, self.folder / place], check=True)

    def put(self, source: Path, place: str) -> None:
        """A file or folder of ours in there, readable by all."""
        target = self.folder / place.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["cp", "-rL", source, target], check=True)
        subprocess.run(["chmod", "-R", "a+rX", target], check=True)

    def read_only(self, *writable: str) -> None:
        """As a container with a read-only file system: these folders and a /tmp of its own are written."""
        subprocess.run(["mount", "--bind", self.folder, self.folder], check=True)
        for place in writable:
            subprocess.run(["mount", "--bind", self.folder / place, self.folder / place], check=True)
        self._mount("-t", "proc", "proc", "proc")
        subprocess.run(["mount", "-o", "remount,bind,ro", self.folder], check=True)
        self._mount("-t", "tmpfs", "-o", "size=64m,mode=1777", "tmpfs", "tmp")

    def command(
        self,
        command: str | Sequence[str],
        *,
        user: str = "root",
        env: Mapping[str, str] | None = None,
        cwd: str = "/",
        more: Sequence[str] = (),
    ) -> list[str]:
        """What to run here so that it runs in there. `user`: a name or number; `more`: limits of setpriv."""
        words = ["/bin/sh", "-ec", command] if isinstance(command, str) else list(command)
        kept = {name: value for name, value in os.environ.items() if name.lower() in KEPT}
        full = {"HOME": "/root", "LANG": "C.UTF-8", "PATH": PATH, "PIP_CERT": f"/{CERTIFICATES}"} | kept
        full |= env or {}
        groups = "--clear-groups" if user.isdigit() else "--init-groups"
        become = (
            [] if user == "root" else ["setpriv", f"--reuid={user}", f"--regid={user}", groups, *more, "--"]
        )
        variables = [f"{name}={value}" for name, value in full.items()]
        moved = ["/bin/sh", "-c", f'cd {shlex.quote(cwd)} && exec "$@"', "sh", *become, *words]
        return ["chroot", str(self.folder), "/usr/bin/env", "-i", *variables, *moved]

    def run(self, command: str | Sequence[str], *, before: Sequence[str] = (), **how: object) -> str:
        """What it prints. Raises StepError. `before`: the beginning of the command line, outside."""
        line = [*before, *self.command(command, **how)]  # type: ignore[arg-type]
        done = subprocess.run(line, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            raise StepError(f"{command}\nended with {done.returncode}:\n{done.stdout[-4000:]}")
        return done.stdout

    def remove(self) -> None:
        mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
        for place in reversed([place for place in mounts if f"{place}/".startswith(f"{self.folder}/")]):
            subprocess.run(["umount", "-l", place], check=True)
        subprocess.run(["rm", "-rf", "--one-file-system", self.folder], check=True)
