"""The documentation points at what exists: files of the repository, headings of other pages."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "benchmarks" / "README.md")
)
TOP = "components|incidents|subscribers|statuspage|templates|tests|docs|benchmarks"
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
    for app in ("components", "incidents", "subscribers", "statuspage", "tests", "benchmarks"):
        for path in (ROOT / app).rglob("*.py"):
            text = path.read_text()
            lost += [(path.name, cited) for cited in CITED.findall(text) if not (ROOT / cited).exists()]
            if path != Path(__file__):
                lost += [(path.name, name) for name in NOT_HERE if re.search(rf"(?<![\w/]){name}", text)]
    assert lost == []
