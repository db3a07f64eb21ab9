"""Deploys reported over HTTP, at a real web process: taken, refused, and kept while the database is away."""

import subprocess
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from components.models import Component, DeployAddress, DeployMarker
from components.models.inbox import new_key
from tests.whole import wait_for

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def address(web):
    """Where deploys are reported."""
    _, key = DeployAddress.objects.add("CI", None)
    return f"{web.url}/deploy/{key}"


def markers(count):
    wait_for(lambda: DeployMarker.objects.count() >= count, 20)
    return [
        (marker.text, str(marker.component or ""), marker.source) for marker in DeployMarker.objects.all()
    ]


def test_a_deploy_is_taken_with_the_line_of_the_docs(address):
    Component.objects.create(name="API")
    for state in ("started", "finished"):
        body = f'{{"component": "API", "version": "v41", "state": "{state}"}}'
        command = ["curl", "-fsS", "-H", "Content-Type: application/json", "-d", body, address]
        assert subprocess.run(command, capture_output=True, check=True, timeout=30).stdout == b"OK\n"
    assert markers(1) == [("v41", "API", "http")]
    wait_for(lambda: DeployMarker.objects.get().finished_at is not None, 20)
    assert DeployAddress.objects.get().used_at is not None


def test_a_component_that_was_just_made_is_known(address):
    assert httpx.post(address, json={"version": "v1"}).status_code == 200  # its names are known from now on
    Component.objects.create(name="New")
    assert httpx.post(address, json={"version": "v2", "component": "New"}).status_code == 200
    refused = httpx.post(address, json={"version": "v2", "component": "Nothing"})
    assert (refused.status_code, refused.text) == (
        400, "There is no component “Nothing”: give its name or its id.\n",
    )  # fmt: skip


def test_what_is_no_report_is_refused_without_repeating_the_address(web, address):
    key = address.rsplit("/", 1)[1]
    answers = (
        (httpx.get(address), 405, "Use POST."),
        (httpx.post(address, content=b"{"), 400, "not valid JSON"),
        (httpx.post(f"{web.url}/deploy/short", json={}), 400, "not complete"),
        (httpx.post(f"{web.url}/deploy/{new_key()}", json={}), 404, "There is no such address."),
        (httpx.post(f"{web.url}/ping/{key}"), 404, "There is no such address."),
        (httpx.post(f"{web.url}/in/{key}", json={}), 404, "There is no such address."),
    )
    for answer, status, words in answers:
        assert answer.status_code == status
        assert words in answer.text
        assert key not in answer.text
    assert not DeployMarker.objects.exists()


def test_a_removed_address_takes_nothing(address):
    assert httpx.post(address, json={"version": "v1"}).status_code == 200
    markers(1)
    DeployAddress.objects.all().delete()
    wait_for(lambda: httpx.post(address, json={"version": "v2"}).status_code == 404, 30)
    assert [text for text, *_ in markers(1)] == ["v1"]


def test_more_than_the_limit_are_told_to_wait(address, settings):
    def send(_):
        return httpx.post(address, json={"version": "v1"}, timeout=30)

    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(send, range(3 * settings.SIGNALS_PER_MINUTE)))
    refused = [answer for answer in answers if answer.status_code != 200]
    assert len(answers) - len(refused) >= settings.SIGNALS_PER_MINUTE
    assert {answer.status_code for answer in refused} == {429}
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in refused)
