"""What the tests of remote regions share."""

import pytest

from statuspage.api import region_views
from tests.statuspage.api.far_region import Region


@pytest.fixture(autouse=True)
def fresh_limits(monkeypatch):
    monkeypatch.setattr(region_views, "FAILURES", region_views.Rate(30, 0.5))
    monkeypatch.setattr(region_views, "REQUESTS", region_views.Rate(60, 20))


@pytest.fixture
def far(db):
    return Region()
