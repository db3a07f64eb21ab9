"""Known weaknesses of what we depend on: a step of `make lint`.

Asks pip-audit for each locked requirement. An advisory fails, unless `pyproject.toml` waives it by its
id until a date at most 30 days ahead. Where no advisory source can be reached it says so, and passes.
"""

import datetime
import json
import subprocess
import sys
import tomllib
from pathlib import Path

HOME = Path(__file__).resolve().parent.parent
LIMIT_S = 60
MAX_WAIVER = datetime.timedelta(days=30)
COMMAND = ("-m", "pip_audit", "--disable-pip", "--require-hashes", "--format=json", "--progress-spinner=off")


def report(requirements: Path) -> list[dict]:
    """What pip-audit says of each requirement; empty when it gets no answer."""
    try:
        done = subprocess.run(
            [sys.executable, *COMMAND, "--timeout=5", "-r", requirements],
            capture_output=True,
            check=False,
            text=True,
            timeout=LIMIT_S,
        )
        return json.loads(done.stdout)["dependencies"]
    except (subprocess.TimeoutExpired, ValueError, KeyError):
        return []


def verdict(rows: list[dict], waivers: dict[str, datetime.date], today: datetime.date) -> tuple[int, str]:
    """Exit code and what to print."""
    asked = [row for row in rows if "vulns" in row]
    if not asked:
        return 0, "audit: no advisory source can be reached from here; the requirements were NOT audited."
    late = [name for name, until in waivers.items() if not today <= until <= today + MAX_WAIVER]
    if late:
        return 1, f"audit: waived for longer than 30 days, or until a day that is over: {', '.join(late)}."
    open_rows = [
        f"  {row['name']} {row['version']}: {weakness['id']}, mended in {versions(weakness)}"
        for row in asked
        for weakness in row["vulns"]
        if not {weakness["id"], *weakness.get("aliases", ())} & waivers.keys()
    ]
    if open_rows:
        return 1, "\n".join(["audit: known weaknesses; update, or waive with a date:", *open_rows])
    skipped = len(rows) - len(asked)
    return 0, f"audit: {skipped} requirements could not be audited." if skipped else ""


def versions(weakness: dict) -> str:
    return ", ".join(weakness.get("fix_versions") or ["no version yet"])


def waived() -> dict[str, datetime.date]:
    tools = tomllib.loads((HOME / "pyproject.toml").read_text())["tool"]
    return tools.get("audit", {}).get("waivers", {})


if __name__ == "__main__":
    code, text = verdict(
        report(HOME / "requirements.txt"), waived(), datetime.datetime.now(datetime.UTC).date()
    )
    if text:
        print(text)
    sys.exit(code)
