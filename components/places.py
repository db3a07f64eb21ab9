"""Where the program is: in a checkout, with manage.py beside it, or installed as a package.

Standard library only: the settings ask here.
"""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MANAGE = ROOT / "manage.py"
IS_CHECKOUT = MANAGE.is_file()


def data_folder() -> Path:
    """Where data is kept when VAR_DIR is not set.

    `var` in a checkout; /var/lib/statuspage for root and for an account whose home it is; else
    `statuspage` in the person's data folder (XDG Base Directory Specification).
    """
    if IS_CHECKOUT:
        return ROOT / "var"
    home = Path("/var/lib/statuspage")
    if os.geteuid() == 0 or Path.home() == home:
        return home
    data = os.environ.get("XDG_DATA_HOME", "")
    return (Path(data) if data.startswith("/") else Path.home() / ".local/share") / "statuspage"


def command(*arguments: str) -> list[str]:
    """The command line that runs one of our commands in this Python."""
    start = [str(MANAGE)] if IS_CHECKOUT else ["-m", "statuspage"]
    return [sys.executable, *start, *arguments]


def typed() -> str:
    """How people type our commands here."""
    return ".venv/bin/python manage.py" if IS_CHECKOUT else "statuspage"
