"""`python -m tests.recordings [server…]`: break real servers on loopback and record what a check sees.

Debian: nginx haproxy apache2 varnish caddy lighttpd. Application servers are installed by pip into
`var/recordings`, an environment of its own. PostgreSQL comes with the packages of the tests.
"""

import os
import sys
import time
from collections.abc import Callable
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "statuspage.settings")


def servers() -> dict[str, Callable[[Any], Any]]:
    """The recorders by name; each is given the broken applications."""
    from tests.recordings import (
        apache,
        applications,
        caddy,
        databases,
        direct,
        elsewhere,
        haproxy,
        nginx,
        stacked,
        variants,
        varnish,
        websockets,
        written,
    )

    return {
        "nginx": nginx.record,
        "haproxy": haproxy.record,
        "apache": apache.record,
        "varnish": varnish.record,
        "caddy": caddy.record,
        "lighttpd": caddy.record_lighttpd,
        "applications": applications.record,
        "postgresql": databases.record,
        "direct": direct.record,
        "stacked": stacked.record,
        "variants": variants.record,
        "websockets": websockets.record,
        "elsewhere": elsewhere.record,
        "written_edges": written.record_edges,
        "written_applications": written.record_applications,
        "written_clouds": written.record_clouds,
        "written_products": written.record_products,
        "written_reported": written.record_reported,
        "written_sampled": written.record_sampled,
        "written_unseen": written.record_unseen,
        "written_again": written.record_again,
        "written_third": written.record_third,
        "written_fourth": written.record_fourth,
        "written_fifth": written.record_fifth,
    }


def main(names: list[str]) -> int:
    """Record these servers, or all; 1 when one of them could not be recorded."""
    from tests.recordings.backends import Backends
    from tests.recordings.processes import MissingServerError

    known, failed = servers(), 0
    for name in names:
        if name not in known:
            print(f"{name}: unknown server; choose from {', '.join(known)}.")
            return 2
    with Backends() as backends:
        for name in names or known:
            began = time.monotonic()
            try:
                recorder = known[name](backends)
            except (MissingServerError, AssertionError, OSError) as error:
                print(f"{name}: not recorded. {error}")
                failed = 1
                continue
            recorder.write()
            print(f"{name}: {len(recorder.cases)} cases in {time.monotonic() - began:.0f} s")
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
