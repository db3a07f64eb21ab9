"""The documentation points at what exists: files of the repository, headings of other pages."""

import re
from pathlib import Path

import pytest

from incidents.models import MaintenanceState

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "benchmarks" / "README.md")
)
APPS = ("components", "incidents", "subscribers", "statuspage")
TOP = "|".join((*APPS, "templates", "tests", "docs", "benchmarks"))
PATH = re.compile(rf"`((?:{TOP})/[\w./-]*)`")
LINK = re.compile(r"\]\(([^)\s]+)\)")
CITED = re.compile(r"docs/[\w./-]+\.md")
NOT_HERE = ("COMPAT.md", "DESIGN.md", "ROOMS.md", "ARCHITECTURE.md", "WORDS.md", "STYLE.md", "RELIABILITY.md")


def anchors(text):
    """Headings as their links are written: lower case, dashes for blanks."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES)
def test_each_path_in_the_documentation_exists(page):
    paths = [found for found in PATH.findall((ROOT / page).read_text()) if "<" not in found]
    assert [found for found in paths if not (ROOT / found).exists()] == []


@pytest.mark.parametrize("page", PAGES)
def test_each_link_in_the_documentation_leads_somewhere(page):
    lost = []
    for link in LINK.findall((ROOT / page).read_text()):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (ROOT / page).parent / path if path else ROOT / page
        if not target.exists() or (anchor and anchor not in anchors(target.read_text())):
            lost.append(link)
    assert lost == []


def test_what_code_cites_is_in_the_repository():
    lost = []
    for app in (*APPS, "tests", "benchmarks"):
        for path in (ROOT / app).rglob("*.py"):
            text = path.read_text()
            lost += [(path.name, cited) for cited in CITED.findall(text) if not (ROOT / cited).exists()]
            if path != Path(__file__):
                lost += [(path.name, name) for name in NOT_HERE if re.search(rf"(?<![\w/]){name}", text)]
    assert lost == []


def test_the_log_in_the_documentation_is_the_log_that_is_written():
    """Each event in the table of docs/operations.md is written somewhere; each that is written is there."""
    section = (ROOT / "docs" / "operations.md").read_text().split("## The log")[1].split("\n## ")[0]
    table = set()
    for names in re.findall(r"^\| (`.+?) \|", section, re.MULTILINE):
        first, *others = re.findall(r"`([a-z_.…]+)`", names)
        area = first.split(".")[0]
        table |= {first, *(f"{area}{name}" if name.startswith(".") else name for name in others)}
    code = {path: path.read_text() for app in APPS for path in (ROOT / app).rglob("*.py")}
    written = {f"maintenance.{state}" for state in MaintenanceState} - {"maintenance.scheduled"}
    for path, text in code.items():
        written |= set(re.findall(r"event_log\.record\(\s*\"([a-z_.]+)\"", text))
        area = {"incidents": "incident", "subscribers": "subscriber"}.get(path.relative_to(ROOT).parts[0])
        area = "maintenance" if path.name in ("work.py", "maintenance.py", "series.py") else area
        written |= {f"{area}.{what}" for what in re.findall(r"\._?log\(\"([a-z_]+)\"", text)}
    everything = "".join(code.values())
    assert written - table == set()
    assert [event for event in table - written - {"audit.…"} if event not in everything] == []
