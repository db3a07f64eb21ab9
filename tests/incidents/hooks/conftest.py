import pytest

from tests.incidents.hooks.making import Rounds


@pytest.fixture
def rounds(db):
    made = Rounds()
    yield made
    made.close()
