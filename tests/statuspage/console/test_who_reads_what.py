"""What a probe asks and is answered holds secrets of its owners: who may read how much of it."""

import re

import pytest
from django.test import Client
from django.utils import timezone

from components.models import Check, Probe
from incidents import staff_questions
from statuspage.models import Audit, Role
from tests.making import found, watched
from tests.people import person

SECRETS = ("SECRETLOGIN", "SECRETTOKEN", "SECRETMARK")
TARGET = (
    "https://ada:SECRETLOGIN@shop.example.org:8443/health/live?token=SECRETTOKEN&deep=SECRETTOKEN#SECRETMARK"
)
SHOWN = "https://shop.example.org:8443/health/live?token=…&deep=…"


@pytest.fixture
def probe(db):
    made = watched("Shop", target=TARGET)
    found(made, "down", timezone.now())
    Check.objects.update(excerpt="the answer of SECRETANSWER")
    return made


def reader(role):
    client = Client()
    client.force_login(person(role.name.lower(), role))
    return client


def pages(probe):
    return (
        "/console/", "/console/probes", "/console/probes?q=shop", f"/console/probes/{probe.public_id}",
        f"/console/probes/{probe.public_id}?part=live", f"/console/probes/{probe.public_id}/checks.csv",
        "/console/components", f"/console/components/{probe.component.public_id}",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("role", "reads_answers"), [(Role.VIEWER, False), (Role.RESPONDER, False), (Role.EDITOR, True)]
)
def test_nobody_who_only_reads_sees_a_login_a_token_or_an_answer(probe, role, reads_answers):
    client, answers = reader(role), False
    for path in pages(probe):
        answer = client.get(path, follow=True)
        assert answer.status_code == 200, path
        told = b"".join(answer.streaming_content) if answer.streaming else answer.content
        assert not [secret for secret in SECRETS if secret.encode() in told], path
        answers |= b"SECRETANSWER" in told
    assert answers == reads_answers
    assert SHOWN.replace("&", "&amp;") in client.get(f"/console/probes/{probe.public_id}").content.decode()


def test_a_search_does_not_tell_what_is_hidden(probe):
    client = reader(Role.VIEWER)
    listed = re.compile(rf'href="/console/probes/{probe.public_id}"')
    assert listed.search(client.get("/console/probes?q=HEALTH/live").content.decode())
    for words in ("SECRETTOKEN", "token=S", "SECRETLOGIN", "ada:", "SECRETMARK"):
        assert not listed.search(client.get("/console/probes", {"q": words}).content.decode()), words


def test_who_may_change_it_reads_it_whole(probe):
    assert (
        "SECRETTOKEN" in reader(Role.EDITOR).get(f"/console/probes/{probe.public_id}/edit").content.decode()
    )


def test_neither_a_question_nor_the_log_names_it(probe):
    Probe.objects.update(outcome="down", passed_at=None)
    (question,) = [one for one in staff_questions.questions(timezone.now()) if one.probe]
    assert not [secret for secret in SECRETS if secret in f"{question.key} {question.text}"]
    client = reader(Role.EDITOR)
    assert client.post(f"/console/probes/{probe.public_id}/delete").status_code == 302
    row = Audit.objects.get(act="probe.delete")
    assert SHOWN in str(row.before)
    assert not [secret for secret in SECRETS if secret in f"{row.thing} {row.before} {row.after}"]


@pytest.mark.parametrize(
    ("target", "shown"),
    [
        ("https://example.org/", "https://example.org/"),
        ("https://example.org", "https://example.org"),
        ("https://example.org/a#b", "https://example.org/a"),
        ("https://example.org?key=1", "https://example.org?key=…"),
        ("https://example.org/?key", "https://example.org/?…"),
        ("https://a:b@c:d@example.org/", "https://example.org/"),
        ("https://example.org/@me/x?y=z?w=1", "https://example.org/@me/x?y=…"),
        ("db.example.org:5432", "db.example.org:5432"),
        ("[2001:db8::1]:53", "[2001:db8::1]:53"),
        ("example.org", "example.org"),
        ("//a@example.org/x", "//example.org/x"),
        ("/login?next=https://a:b@example.org/", "/login?next=…"),
    ],
)
def test_an_address_keeps_what_finds_it(target, shown):
    assert Probe(target=target).shown_target == shown
