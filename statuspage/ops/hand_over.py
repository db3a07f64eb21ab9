"""The supervisor replaces itself by a small process, once it has started its children.

To start them it has imported the whole program, which it would keep in memory and never need again. An exec
keeps the process: its id, its children, their pipes and the lock of the folder. A signal that comes meanwhile
waits. A child that ends later is started by a command of its own, as there is nothing left to fork.
"""

import json
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

from statuspage.ops import forking
from statuspage.ops.child_output import say
from statuspage.ops.children import Child
from statuspage.ops.supervisor import DRAINING, RUNNING, Supervisor, write_private
from statuspage.ops.watch import Watch

BEGIN = "import sys; sys.path[:] = {path!r}; from {module} import main; main()"


def begin(supervisor: Supervisor, shared: Mapping[str, str]) -> None:
    """Start the children. `shared` is for other commands: running.json."""
    (supervisor.var_dir / DRAINING).unlink(missing_ok=True)
    write_private(supervisor.var_dir / RUNNING, json.dumps(dict(shared)))
    for child in supervisor.children:
        supervisor.start(child, time.monotonic())


def replace(supervisor: Supervisor, lock: int) -> NoReturn:
    """Go on as the small process. `lock` is the open file that locks our folder."""
    kept = {
        "var_dir": str(supervisor.var_dir),
        "host": supervisor.host,
        "port": supervisor.port,
        "silence_s": supervisor.watch.silence_s,
        "is_one_worker": supervisor.watch.is_one_worker,
        "children": [child.kept() for child in supervisor.children],
        "welcome": supervisor.welcome.pid,
        "welcomes": supervisor.welcomes,
    }
    for number in (lock, supervisor.welcomes):
        os.set_inheritable(number, True)
    file = os.memfd_create("supervisor", 0)  # passwords are in it: not an argument, which others can read
    os.write(file, json.dumps(kept).encode())
    sys.stdout.flush()
    code = BEGIN.format(path=_path(), module="statuspage.ops.hand_over")
    # without `site`, which nothing here needs
    os.execv(sys.executable, [sys.executable, "-S", "-c", code, str(file), str(lock)])  # noqa: S606


def again(role: str) -> list[str]:
    """The command that plays a role alone, in a process that imports what it needs."""
    code = BEGIN.format(path=_path(), module="statuspage.__main__")
    return [sys.executable, "-c", code, "up", "--only", role]


def _path() -> list[str]:
    """Where this process imports from, which depends on how it was started."""
    return [str(Path(place).absolute()) for place in sys.path]


def main() -> None:
    """The small process: supervise the children that were handed over."""
    file, lock = (int(number) for number in sys.argv[1:3])
    os.lseek(file, 0, os.SEEK_SET)
    with os.fdopen(file, "rb") as state:
        kept = json.load(state)
    for number in (lock, kept["welcomes"]):
        os.set_inheritable(number, False)
    forking.set_title("statuspage up")
    Supervisor(
        var_dir=Path(kept["var_dir"]),
        host=kept["host"],
        port=kept["port"],
        children=[Child.taken_over(child) for child in kept["children"]],
        watch=Watch(kept["silence_s"], say, is_one_worker=kept["is_one_worker"]),
        welcome=forking.Running(kept["welcome"]),
        welcomes=kept["welcomes"],
    ).run()
