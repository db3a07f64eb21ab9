"""One page behind nginx that fails in seven ways, one after the other, each told apart by the diagnosis."""

import shutil
import signal
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
HAPROXY = """
defaults
  mode http
  timeout connect 1s
  timeout client 10s
  timeout server 5s
listen shop
  bind 127.0.0.1:{port}
  option httpchk GET /health
  server shop 127.0.0.1:{backend} check inter 500 fall 2 rise 1
"""
PLACES, CROWD = 4, 60
SBIN = "/usr/sbin"


class UnavailableStory(Stage):
    """Overload, not started, stuck, a deploy, the database's connections, a dependency, health checks."""

    name = "503"
    page_name = "Shop"

    def start_service(self) -> None:
        """The shop, and nginx before it. Raises UnexpectedError without nginx."""
        nginx = _program("nginx")
        if nginx is None:
            raise UnexpectedError("This story needs nginx: apt-get install nginx-light")
        self.backend = free_port()
        self.start_shop()
        conf = self._configure(self.backend)
        self.nginx = self.run([nginx, "-e", str(self.folder / "nginx.log"), "-c", conf], {}, quiet=True)

    def _configure(self, backend: int) -> str:
        """Have nginx pass requests on to this port, once it reads its file; where that is."""
        conf = self.folder / "nginx.conf"
        text = NGINX.format(folder=self.folder, port=self.service_port, places=PLACES, backend=backend)
        conf.write_text(text)
        return str(conf)

    def start_shop(self) -> None:
        """The process behind nginx."""
        command = [sys.executable, "-m", "statuspage.ops.demo.shop", str(self.backend)]
        self.shop: subprocess.Popen[bytes] = self.run(command, {}, quiet=True)

    def tell(self) -> None:
        """Seven failures of one page. Raises UnexpectedError."""
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
        self.behind_a_balancer()
        self.say(f"Seven failures, one page, each with its own cause: {self.url}/history")

    def behind_a_balancer(self) -> None:
        """nginx checks no health by itself, so a balancer that does is put behind it."""
        port = free_port()
        if (haproxy := _program("haproxy")) is not None:
            self.say("HAProxy is put between nginx and the shop: it checks the shop's health.")
            conf = self.folder / "haproxy.cfg"
            conf.write_text(HAPROXY.format(port=port, backend=self.backend))
            command = [haproxy, "-db", "-f", str(conf)]
        else:
            self.say(
                "A small balancer of our own is put between nginx and the shop: it checks the shop's health. "
                "(HAProxy is not installed; with it, this chapter uses it: apt-get install haproxy)"
            )
            server = f"http://127.0.0.1:{self.backend}"
            command = [sys.executable, "-m", "statuspage.ops.demo.balancer", str(port), server]
        self.run(command, {}, quiet=True)
        self.wait("the balancer", lambda: self.visitors.ask(f"http://127.0.0.1:{port}/") is not None)
        self._configure(port)
        self.nginx.send_signal(signal.SIGHUP)
        self.fails(
            "The shop fails its health check, though it still serves pages: the balancer sends it no one.",
            "no healthy server",
            self._mode("sick"),
            self._mode("ok"),
        )

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


def _program(name: str) -> str | None:
    """Where it is, also where only root looks; None without it."""
    return shutil.which(name) or shutil.which(name, path=SBIN)
