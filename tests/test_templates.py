"""Every template can be read, and what it extends or includes is there."""

import re
from pathlib import Path

from django.template.loader import get_template

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "templates"
NAMED = re.compile(r"""{%\s*(?:extends|include)\s+["']([^"']+)["']""")
IN_CODE = re.compile(r"""["']([\w/]+\.html)["']""")


def test_templates_name_others_that_exist():
    for path in FOLDER.rglob("*.html"):
        get_template(str(path.relative_to(FOLDER)))
        for name in NAMED.findall(path.read_text()):
            get_template(name)


def test_views_name_templates_that_exist():
    for app in ("components", "incidents", "subscribers", "statuspage"):
        for path in (ROOT / app).rglob("*.py"):
            for name in IN_CODE.findall(path.read_text()):
                get_template(name)
