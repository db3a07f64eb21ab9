"""One server of ours and one nginx for a file of tests."""

import pytest

from tests.shelf import Nginx, Serving


@pytest.fixture(scope="module")
def ours():
    serving = Serving()
    yield serving
    serving.close()


@pytest.fixture(scope="module")
def nginx(tmp_path_factory):
    nginx = Nginx(tmp_path_factory.mktemp("nginx"))
    yield nginx
    nginx.close()
