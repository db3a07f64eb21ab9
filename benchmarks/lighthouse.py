"""Runs Lighthouse on the pages readers open first: performance, accessibility, best practices, SEO.

    make lighthouse URL=http://localhost:8000

Run by hand against a page that runs: Lighthouse comes from npm into `var/lighthouse`, Chromium from the
system. Without paths it looks at the front page, the newest incident, the newest postmortem and
`/subscribe`. Other load on the machine only costs points, so the best of three counts.
Ends with 1 when any figure is below 100.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from tests.browser import path as chromium

HOME = Path(os.environ.get("VAR_DIR", "var")) / "lighthouse"
CATEGORIES = ("performance", "accessibility", "best-practices", "seo")
FLAGS = "--chrome-flags=--headless=new --no-sandbox --disable-gpu"
Report = dict[str, dict[str, Any]]
DEVICES: dict[str, list[str]] = {"mobile": [], "desktop": ["--preset=desktop"]}


def main() -> int:
    """Print a line per page and device, and below it what costs points."""
    url, *paths = sys.argv[1:] or ["http://localhost:8000"]
    url = url.rstrip("/")
    is_all = True
    print(f"{'':<40}{''.join(f'{name:>16}' for name in CATEGORIES)}")
    for path in paths or first_pages(url):
        for device, options in DEVICES.items():
            report = best_of_three(url + path, options)
            scores = points(report)
            print(f"{path + ' ' + device:<40}{''.join(f'{score:>16}' for score in scores)}", flush=True)
            if min(scores) < 100:
                is_all = False
                print(*(f"    {line}" for line in lost(report)), sep="\n")
    return 0 if is_all else 1


def first_pages(url: str) -> list[str]:
    """The front page, the newest incident, the newest postmortem, and the page to subscribe."""
    incidents = httpx.get(f"{url}/api/v2/incidents.json").raise_for_status().json()["incidents"]
    reports = re.findall(r'href="(/postmortems/\w+)"', httpx.get(f"{url}/postmortems").text)
    newest = [f"/incidents/{incident['id']}" for incident in incidents[:1]]
    return ["/", *newest, *reports[:1], "/subscribe"]


def best_of_three(address: str, options: list[str]) -> Report:
    """The first report without a loss, else the best one."""
    reports: list[Report] = []
    while len(reports) < 3 and not (reports and min(points(reports[-1])) == 100):
        reports.append(look(address, options))
    return max(reports, key=lambda report: (min(points(report)), sum(points(report))))


def points(report: Report) -> list[int]:
    """0 to 100 in each category."""
    return [round(100 * (report["categories"][name]["score"] or 0)) for name in CATEGORIES]


def look(address: str, options: list[str]) -> Report:
    """Lighthouse's report of one page. Raises CalledProcessError if it failed."""
    program = HOME / "node_modules" / ".bin" / "lighthouse"
    wanted = [*options, "--quiet", "--output=json", f"--only-categories={','.join(CATEGORIES)}", FLAGS]
    env = os.environ | {"CHROME_PATH": chromium()}
    done = subprocess.run([program, address, *wanted], env=env, stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def lost(report: Report) -> Iterator[str]:
    """Each weighted audit without full points."""
    for name in CATEGORIES:
        for part in report["categories"][name]["auditRefs"]:
            audit = report["audits"][part["id"]]
            if part["weight"] and audit["score"] is not None and audit["score"] < 1:
                yield f"{name}: {audit['title']} {audit.get('displayValue', '')}"


if __name__ == "__main__":
    sys.exit(main())
