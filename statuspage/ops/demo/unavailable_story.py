"""One page behind nginx that fails in six ways, one after the other, each told apart by the diagnosis."""

import shutil
import subprocess
import sys
from collections.abc import Callable

from statuspage.ops.demo.stage import Stage, UnexpectedError
from statuspage.ops.supervisor import free_port

NGINX = """
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
events {{ worker_connections 512; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  limit_conn_zone $server_name zone=places:1m;
  server {{
    listen 127.0.0.1:{port};
    server_name shop;
    location / {{
      limit_conn places {places};
      proxy_read_timeout 2s;
      proxy_pass http://127.0.0.1:{backend};
    }}
  }}
}}
"""
PLACES, CROWD = 4, 60
SBIN = "/usr/sbin/nginx"


class UnavailableStory(Stage):
    """Overload, not started, stuck, a deploy, the database's connections, a dependency."""

    name = "503"
    page_name = "Shop"

    def start_service(self) -> None:
        """The shop, and nginx before it. Raises UnexpectedError without nginx."""
        nginx = shutil.which("nginx") or shutil.which(SBIN)
        if nginx is None:
            raise UnexpectedError("This story needs nginx: apt-get install nginx-light")
        self.backend = free_port()
        self.start_shop()
        conf = self.folder / "nginx.conf"
        text = NGINX.format(folder=self.folder, port=self.service_port, places=PLACES, backend=self.backend)
        conf.write_text(text)
        self.run([nginx, "-e", str(self.folder / "nginx.log"), "-c", str(conf)], {}, quiet=True)

    def start_shop(self) -> None:
        """The process behind nginx."""
        command = [sys.executable, "-m", "statuspage.ops.demo.shop", str(self.backend)]
        self.shop: subprocess.Popen[bytes] = self.run(command, {}, quiet=True)

    def tell(self) -> None:
        """Six failures of one page. Raises UnexpectedError."""
        self.start()
        self.chapter("A quiet day: one page behind nginx.", self.is_calm)
        self.fails(
            "A crowd comes, and nginx lets no more than four in at a time.",
            "Overload",
            lambda: self.visitors.come(CROWD, 0),
            lambda: self.visitors.come(0, 0),
        )
        self.fails("The process behind nginx is killed.", "is not running", self._kill, self.start_shop)
        for words, cause, mode in (
            ("A worker waits for a lock: nothing comes back in time.", "does not respond in time", "stuck"),
            ("A new version is rolled out, and the old one drains.", "A deploy", "deploy"),
            ("All connections of the database are in use.", "has run out of connections", "database"),
            (
                "The search behind the shop is down; the shop's health document says so.",
                "search",
                "dependency",
            ),
        ):
            self.fails(words, cause, self._mode(mode), self._mode("ok"))
        self.say(f"Six failures, one page, each with its own cause: {self.url}/history")

    def fails(self, words: str, cause: str, begin: Callable[[], None], end: Callable[[], None]) -> None:
        """Break it, wait until the console names the cause, and mend it."""
        self.say(words)
        begin()
        self.wait("the page to show it", lambda: self.components().get("Shop") == "major_outage")
        self.wait(f"the console to say “{cause}”", lambda: cause in self.manage("--causes"))
        self.show_causes()
        self.dwell(10)
        end()
        self.wait("the shop to recover", lambda: self.is_calm(self.components()))

    def _kill(self) -> None:
        self.shop.kill()
        self.shop.wait()

    def _mode(self, name: str) -> Callable[[], None]:
        return lambda: self.visitors.ask(f"http://127.0.0.1:{self.backend}/mode/{name}", "POST") and None
