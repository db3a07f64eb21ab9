"""A service elsewhere that waits for heartbeats, on a real socket."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Pings:
    """Notes the path of each GET. `answers` by path: a status, or "hang"; 200 otherwise."""

    def __init__(self):
        self.heard, self.answers, self.ending = [], {}, threading.Event()

    def __enter__(self):
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                outer.heard.append(self.path)
                answer = outer.answers.get(self.path, 200)
                if answer == "hang":
                    outer.ending.wait(30)
                    return
                self.send_response(answer)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/alive"
        self.fail_url = f"{self.url}/fail"
        return self

    def __exit__(self, *_):
        self.ending.set()
        self.server.shutdown()
        self.server.server_close()
