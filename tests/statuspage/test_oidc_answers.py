"""What an identity provider answers, well or ill: read as far as it goes, never an error page of ours."""

import base64
import time

import pytest

from statuspage.staff.login import door
from tests import hostile, oidc
from tests.oidc import LOGIN, invite, is_in, sign_on
from tests.targets import Raw

provider, ada = pytest.fixture(oidc.provider), pytest.fixture(oidc.ada)


def test_the_secret_goes_along_as_the_provider_asks(client, ada, provider):
    invite(ada)
    assert sign_on(client, provider).status_code == 302
    secret = base64.b64encode(b"statuspage:between us").decode()
    assert [one for one in provider.logins if one] == [f"Basic {secret}", "Bearer let me in"]


def test_a_token_without_a_content_type_is_read(client, ada, provider):
    invite(ada)
    provider.content_type = ""
    assert sign_on(client, provider).headers["location"] == "/console/audit/"


@pytest.mark.parametrize(
    "said", [b"<html>", b"", b"[" * 100_000, b"\xff\xfe", b"[]", b"7", b"null", b'"{}"', b"{}"]
)
def test_what_is_no_answer_of_a_provider_is_a_page_and_no_error(client, ada, provider, said):
    invite(ada)
    provider.says["/userinfo"] = said
    answer = sign_on(client, provider)
    assert answer.status_code == 401
    assert not is_in(client)
    provider.says = {"/.well-known/openid-configuration": said}
    assert client.post(LOGIN).status_code == 401


def test_a_provider_in_trouble_is_a_page_and_no_error(client, ada, provider):
    provider.answers = 503
    answer = client.post(LOGIN)
    assert answer.status_code == 401
    assert "Your provider didn't answer" in answer.content.decode()


@pytest.mark.parametrize("place", ["ftp://127.0.0.1/token", "", 5, "http://a/\ud800", "http://127.0.0.1:0/"])
def test_an_odd_address_of_the_provider_is_a_page_and_no_error(client, ada, provider, place):
    invite(ada)
    provider.token_url = place
    assert sign_on(client, provider).status_code == 401


def test_a_provider_that_drips_holds_a_thread_no_longer_than_the_deadline(client, ada, provider, monkeypatch):
    monkeypatch.setattr(door, "DEADLINE_S", 1.0)
    with Raw(hostile.drip) as slow:
        provider.token_url = f"http://127.0.0.1:{slow.port}/token"
        invite(ada)
        began = time.monotonic()
        assert sign_on(client, provider).status_code == 401
        assert time.monotonic() - began < 60  # all of it would take 400 s


def test_a_larger_answer_than_a_provider_has_is_not_read(client, ada, provider):
    provider.says["/.well-known/openid-configuration"] = b" " * (door.MAX_BYTES + 1)
    assert client.post(LOGIN).status_code == 401
