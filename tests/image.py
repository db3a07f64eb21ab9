"""The Dockerfile's steps by hand: the same commands in the same order, in copies of a bare Debian.

What it does not do is what an engine adds: layers, its registry, its network. The images that it starts from
are Debian's own Python 3.11 here, under the names that python:3.11-slim-bookworm has.
"""

import json
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.bare_root import NO_MORE, PATH, Root

ROOT = Path(__file__).resolve().parent.parent


def instructions() -> Iterator[tuple[str, str]]:
    """Each one's name and the rest of its line."""
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
    for line in re.sub(r"\\\n", " ", text).splitlines():
        if line.strip():
            name, _, rest = line.partition(" ")
            yield name, rest.strip()


class Stage:
    """One FROM, built in a root of its own."""

    def __init__(self, root: Root) -> None:
        self.root, self.env, self.user, self.cwd = root, {"PATH": PATH}, "root", "/"
        self.said: dict[str, list[str]] = {}
        self.volumes: list[str] = []
        self.root.run("ln -s /usr/bin/python3 /usr/local/bin/python")

    def do(self, name: str, rest: str, context: Path, others: "dict[str, Stage]") -> None:
        """One instruction. Raises StepError; AssertionError for one that is not known here."""
        if name == "RUN":
            self.root.run(rest, user=self.user, env=self.env, cwd=self.cwd)
        elif name == "ENV":
            for word in shlex.split(rest):
                key, _, value = word.partition("=")
                self.env[key] = value.replace("$PATH", self.env["PATH"])
        elif name == "COPY":
            self._copy(rest, context, others)
        elif name == "USER":
            self.user = rest.partition(":")[0]
        elif name == "WORKDIR":
            self.cwd = rest
        elif name == "VOLUME":
            self.volumes.append(rest)
        elif name in ("ENTRYPOINT", "CMD"):
            self.said[name] = json.loads(rest)
        elif name == "HEALTHCHECK":
            self.said[name] = json.loads(rest.partition("CMD ")[2])
        else:
            assert name in ("EXPOSE", "STOPSIGNAL"), name

    def _copy(self, rest: str, context: Path, others: "dict[str, Stage]") -> None:
        *sources, target = [word for word in rest.split() if not word.startswith("--")]
        if stage := re.match(r"--from=(\w+)", rest):
            context = others[stage.group(1)].root.folder
        for source in sources:
            place = self.root.folder / target.lstrip("/")
            place.parent.mkdir(parents=True, exist_ok=True)
            subprocess.run(["cp", "-a", context / source.lstrip("/"), place], check=True)
            subprocess.run(["chown", "-R", "0:0", place], check=True)

    def visited(self) -> str:
        """The program as the image starts it, read-only and without capabilities; what the visit says."""
        self.root.read_only(*(place.lstrip("/") for place in self.volumes))
        command = [*self.said["ENTRYPOINT"], *self.said["CMD"]]
        health = shlex.join(self.said["HEALTHCHECK"])
        visit = ["python3", "/srv/visit.py", f"--also={health}", "--", *command]
        env = self.env | {"HOME": "/var/lib/statuspage"}
        return self.root.run(visit, user=self.user, env=env, cwd=self.cwd, more=NO_MORE)


def build(base: Path, folder: Path, context: Path) -> Stage:
    """The last stage. `context`: the files that .dockerignore lets through."""
    stages: dict[str, Stage] = {}
    stage = None
    for name, rest in instructions():
        if name == "FROM":
            label = rest.partition(" AS ")[2] or "last"
            stage = stages[label] = Stage(Root(base, folder / f"image-{label}"))
            continue
        assert stage is not None
        print(f"bare: {name} {rest[:90]}", flush=True)
        stage.do(name, rest, context, stages)
    for label, built in stages.items():
        if label != "last":
            built.root.remove()
    return stages["last"]
