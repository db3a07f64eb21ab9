"""No line of a template, a style sheet or a Python file is too wide for a diff to be read."""

import re
import subprocess

import pytest

from tests.servers import ROOT

MAX_COLUMNS = 120
PRAGMA = re.compile(
    r"\s+# (type: ignore|noqa|fmt:|pragma:).*$"
)  # these must stand on the line they are about


def files() -> list[str]:
    """What git keeps of these kinds; third-party files, which come minified, are JavaScript alone."""
    kinds = ("*.py", "templates/**", "*.css")
    listed = subprocess.run(["git", "ls-files", "--", *kinds], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a checkout of git")
    return [name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


def test_no_line_is_wider_than_120_columns():
    names = files()
    assert {"manage.py", "templates/public/base.html", "statuspage/static/statuspage/public.css"} <= set(
        names
    )
    wide = [
        f"{name}:{number} has {len(line)} columns"
        for name in names
        for number, line in enumerate((ROOT / name).read_text().splitlines(), 1)
        if len(PRAGMA.sub("", line)) > MAX_COLUMNS
    ]
    assert wide == []
