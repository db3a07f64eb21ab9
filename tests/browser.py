"""A real Chromium."""

import asyncio
import os
import shutil

from playwright.sync_api import sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def path() -> str:
    found = os.environ.get("CHROMIUM") or next((p for p in map(shutil.which, NAMES) if p), None)
    assert found, "Chromium is missing: `make test` installs it, or set CHROMIUM"
    return shutil.which(found) or found


class Browser:
    """Opens pages and remembers what went wrong in any of them.

    One Chromium serves all tests of a process, one after the other: starting it costs more than most pages.
    Playwright's event loop counts as running in the thread that started it; it is put aside
    between two tests (`pause`), since others want a loop of their own.
    """

    def __init__(self) -> None:
        self.playwright = sync_playwright().start()
        self.chromium = self.playwright.chromium.launch(executable_path=path(), args=FLAGS)
        self.loop = asyncio.get_running_loop()
        self.faults = []

    def pause(self) -> None:
        """The test is over: its pages, their cookies and their storage are gone."""
        for context in self.chromium.contexts:
            context.close()
        asyncio._set_running_loop(None)

    def resume(self) -> None:
        """The next test begins."""
        asyncio._set_running_loop(self.loop)
        self.faults.clear()

    def open(
        self, url, *, width=1280, scheme="light", script=True, zone="UTC", touch=False, session="", csp=True
    ):
        context = self.chromium.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=scheme,
            java_script_enabled=script,
            timezone_id=zone,
            has_touch=touch,
            is_mobile=touch,
            bypass_csp=not csp,
        )
        if session:
            origin = "/".join(url.split("/")[:3])  # a longer one would bind the cookie to its folder
            context.add_cookies([{"name": "session", "value": session, "url": origin}])
        context.set_default_timeout(15_000)
        page = context.new_page()
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", self._note)
        page.goto(url, wait_until="load")
        return page

    def _note(self, message) -> None:
        if message.type == "error" or "Content Security Policy" in message.text:
            self.faults.append(message.text)

    def close(self) -> None:
        asyncio._set_running_loop(self.loop)
        self.chromium.close()
        self.playwright.stop()


if __name__ == "__main__":  # asked before the first test: does it start at all?
    started = Browser()
    print(f"Chromium {started.chromium.version}")
    started.close()
