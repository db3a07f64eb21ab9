"""No line of a template, a style sheet or a Python file is too wide for a diff to be read."""

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MAX_COLUMNS = 120
FOLDERS = ("benchmarks", "components", "incidents", "statuspage", "subscribers", "templates", "tests")
KINDS = {".py", ".css", ".html", ".txt"}
NOT_OURS = {"node_modules", "var"}
PRAGMA = re.compile(r"\s+# (type: ignore|noqa|fmt:|pragma:).*$")  # has to stand on the line it is about


def files() -> Iterator[Path]:
    """What people read in a diff; our scripts have rules of their own, and third-party ones come minified."""
    for folder in FOLDERS:
        for path in (ROOT / folder).rglob("*"):
            if (
                path.suffix in KINDS
                and not NOT_OURS & set(path.parts)
                and not path.name.startswith("requirements")
            ):
                yield path


def test_no_line_is_wider_than_120_columns():
    found = {str(path.relative_to(ROOT)): path.read_text() for path in files()}
    assert {"templates/public/base.html", "statuspage/static/statuspage/public.css"} < found.keys()
    wide = [
        f"{name}:{number} has {len(line)} columns"
        for name, text in found.items()
        for number, line in enumerate(text.splitlines(), 1)
        if len(PRAGMA.sub("", line)) > MAX_COLUMNS
    ]
    assert wide == []
