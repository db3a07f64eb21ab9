"""The demo's safeguard: has the chat close connections that people left behind, and says that it lives.

    python -m statuspage.ops.demo.safeguard CHAT HEARTBEAT [--idle]

With `--idle` it reports, and closes nothing: as in the first incident of its article.
"""

import sys
import time

from statuspage.ops.demo.visitors import Visitors

EVERY_S = 1.0


def main(chat: str, heartbeat: str, *, is_idle: bool) -> None:
    """Work until terminated."""
    visitors = Visitors(chat)
    while True:
        if not is_idle:
            visitors.ask(f"{chat}/close-idle")
        visitors.ask(heartbeat)
        time.sleep(EVERY_S)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], is_idle="--idle" in sys.argv)
