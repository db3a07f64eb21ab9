"""The requirements name what the program imports itself, not only what brings it along today."""

import ast
import pathlib
import re
import sys
import tomllib
from importlib.metadata import packages_distributions

HOME = pathlib.Path(__file__).parent.parent
APPS = ("components", "incidents", "subscribers", "statuspage")


def normal(name):
    """The name as package indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def imported():
    """Each outside module that a module of ours imports, with the first file that does."""
    found = {}
    for path in sorted(path for app in APPS for path in (HOME / app).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [node.module]
            for name in {name.partition(".")[0] for name in names}:
                if name not in sys.stdlib_module_names and name not in APPS:
                    found.setdefault(name, path.relative_to(HOME))
    return found


def test_every_module_that_is_imported_is_named():
    project = tomllib.loads((HOME / "pyproject.toml").read_text())["project"]
    named = {normal(re.match(r"[\w.-]+", line)[0]) for line in project["dependencies"]}
    brought_by = packages_distributions()
    missing = {
        module: str(path)
        for module, path in imported().items()
        if not named & {normal(name) for name in brought_by.get(module, [module])}
    }
    assert missing == {}
