"""What CI reports of a deploy: read, or refused with a sentence that names the field."""

import json
from datetime import UTC, datetime

import pytest

from components.inbound import Message, PayloadError, deploys
from components.passive.reports import Kind

NOW = datetime(2026, 11, 28, 3, 0, tzinfo=UTC)
NAMES = {"abc123": "API", "def456": "Shop", "ghi789": "Shop"}


def read(body, only=""):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return deploys.read(Message(data, NOW), NAMES, only=only)


@pytest.mark.parametrize(
    ("body", "kind", "source"),
    [
        ({"version": "v41"}, Kind.DEPLOY, ""),
        ({"version": "v41", "state": "started", "component": "API"}, Kind.DEPLOY_STARTED, "abc123"),
        ({"version": "v41", "state": "Finished", "component": "abc123"}, Kind.DEPLOY_FINISHED, "abc123"),
        ({"version": 41, "component": "def456", "other": [1]}, Kind.DEPLOY, "def456"),
    ],
)
def test_a_deploy_is_read(body, kind, source):
    report = read(body)
    assert (report.kind, report.source, report.at) == (kind, source, NOW)
    assert "41" in report.text
    assert report.is_deploy


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"{", "not valid JSON"),
        (b"[1]", "not a JSON object"),
        ({}, "“version” is missing"),
        ({"version": "  "}, "“version” must have 1 to 200"),
        ({"version": "x" * 201}, "“version” must have 1 to 200"),
        ({"version": {"a": 1}}, "“version” must be a text"),
        ({"version": "v1", "state": "done"}, "“state” must be “started” or “finished”"),
        ({"version": "v1", "component": "Nothing"}, "There is no component “Nothing”"),
        ({"version": "v1", "component": "Shop"}, "Several components are called “Shop”"),
        ({"version": "v1", "component": ["API"]}, "“component” must be a text"),
    ],
)
def test_what_is_wrong_is_named(body, words):
    with pytest.raises(PayloadError) as refused:
        read(body)
    assert words in str(refused.value)


def test_an_address_of_one_component_takes_no_other():
    assert read({"version": "v1"}, only="abc123").source == "abc123"
    with pytest.raises(PayloadError, match="for the component “API” alone"):
        read({"version": "v1", "component": "def456"}, only="abc123")
