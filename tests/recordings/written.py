"""Answers that cannot be made here, replayed as their makers' documentation or source words them.

Each row was given its cause before the diagnosis saw it. A row without a cause cannot be told by its bytes:
nothing may be named for it.
"""

from typing import NamedTuple

from tests.recordings.backends import Backends, says
from tests.recordings.case import Recorder
from tests.targets import Raw

TEXT, HTML, JSON = "text/plain; charset=utf-8", "text/html; charset=utf-8", "application/json; charset=utf-8"
PROBLEM = "application/problem+json"


class Page(NamedTuple):
    """`truth`: the kinds of cause that are right, the true one first. `source`: where the words are from."""

    name: str
    source: str
    status: str
    kind: str
    body: str
    truth: str = ""
    headers: tuple[str, ...] = ()
    wait_s: float = 0.0


def record_edges(backends: Backends) -> Recorder:
    """Clouds, CDNs, gateways and firewalls."""
    from tests.recordings.written_edges import PAGES

    return _replayed("written_edges", PAGES)


def record_applications(backends: Backends) -> Recorder:
    """Frameworks, application servers and finished products."""
    from tests.recordings.written_applications import PAGES

    return _replayed("written_applications", PAGES)


def record_clouds(backends: Backends) -> Recorder:
    """A second collection of clouds, edges, gateways and firewalls."""
    from tests.recordings import written_clouds, written_gateways

    return _replayed("written_clouds", (*written_clouds.PAGES, *written_gateways.PAGES))


def record_products(backends: Backends) -> Recorder:
    """A second collection of application servers, drivers and health documents."""
    from tests.recordings import written_drivers, written_products

    return _replayed("written_products", (*written_products.PAGES, *written_drivers.PAGES))


def record_reported(backends: Backends) -> Recorder:
    """Answers that no rule was made with."""
    from tests.recordings.written_reported import PAGES

    return _replayed("written_reported", PAGES)


def record_sampled(backends: Backends) -> Recorder:
    """A sample of what unknown applications say."""
    from tests.recordings.written_sampled import PAGES

    return _replayed("written_sampled", PAGES)


def record_unseen(backends: Backends) -> Recorder:
    """More products, and decoys."""
    from tests.recordings.written_unseen import PAGES

    return _replayed("written_unseen", PAGES)


def record_again(backends: Backends) -> Recorder:
    """A second sample, by other searches."""
    from tests.recordings.written_again import PAGES

    return _replayed("written_again", PAGES)


def record_third(backends: Backends) -> Recorder:
    """A third sample, by yet other searches."""
    from tests.recordings.written_third import PAGES

    return _replayed("written_third", PAGES)


def record_fourth(backends: Backends) -> Recorder:
    """Yet more products, drivers and platforms."""
    from tests.recordings.written_fourth import PAGES

    return _replayed("written_fourth", PAGES)


def record_fifth(backends: Backends) -> Recorder:
    """A fourth sample, and gateways: no rule was made with them."""
    from tests.recordings.written_fifth import PAGES

    return _replayed("written_fifth", PAGES)


def _replayed(name: str, pages: tuple[Page, ...]) -> Recorder:
    recorder = Recorder(name)
    for page in pages:
        behaviour = says(page.status, page.body, page.kind, *page.headers, wait_s=page.wait_s)
        with Raw(behaviour) as server:
            url = f"http://127.0.0.1:{server.port}/"
            expects = {"expect_text": "shop is open"} if page.status.startswith("2") else {}
            recorder.record(page.name, url, *page.truth.split(), options=expects, times=1, deadline_s=8)
    return recorder
