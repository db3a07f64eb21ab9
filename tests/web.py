"""One real web process beside the test, on the test's own database: what a browser talks to."""

import os
import subprocess
import sys
import time

import httpx
from django.conf import settings
from django.db import connection

from components.models import Page
from statuspage.ops.supervisor import free_port
from tests.once import static_files
from tests.whole import READY_S, ROOT, wait_for

STARTED: list["Web"] = []  # of this process


class Web:
    """`manage.py web`."""

    def __init__(self, folder, **env) -> None:
        self.tests = 0
        self.port = free_port()
        self.url = f"http://localhost:{self.port}"
        self.folder = folder
        name = connection.settings_dict["NAME"]
        database = settings.POSTGRES.url(name) if settings.POSTGRES else f"sqlite:///{name}"
        self.env = {k: v for k, v in os.environ.items() if k != "DJANGO_SETTINGS_MODULE"} | {
            "VAR_DIR": str(folder),
            "DATABASE_URL": database,
            "PORT": str(self.port),
            "SECRET_KEY": settings.SECRET_KEY,
            "PUBLIC_URL": self.url,
            "SUPPORT_URL": "mailto:help@widgetify.example",
            **env,
        }
        (folder / "static").symlink_to(static_files())
        self.start()
        STARTED.append(self)

    def _manage(self, *arguments: str) -> subprocess.Popen:
        return subprocess.Popen(
            [sys.executable, str(ROOT / "manage.py"), *arguments],
            env=self.env,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def start(self) -> None:
        self.process = self._manage("web", "--skip-checks")  # `up` and others make them
        try:
            wait_for(self._is_ready, READY_S)
        except AssertionError:
            self.stop()  # nobody else will: the fixture is not made
            raise

    def _is_ready(self):
        try:
            return httpx.get(f"{self.url}/readyz", timeout=1).status_code == 200
        except httpx.HTTPError:
            return False

    def begin(self) -> None:
        """A test begins on an emptied database: nothing of the one before is shown any more.

        Versions rise over all tests of this process, so no page of another test is taken for one of this.
        """
        if self.process.poll() is not None:
            self.start()
        self.tests += 1
        Page.objects.update_or_create(pk=1, defaults={"version": self.tests * 10_000})
        Page.objects.bump_version()
        self.catch_up()

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(10)

    def catch_up(self) -> None:
        """Until it shows what the database holds now."""
        version = Page.objects.version()
        wait_for(lambda: f'data-version="{version}"' in httpx.get(self.url).text, 30)
        time.sleep(0.05)
