"""Domain probes, with an RDAP server and a bootstrap file of the test's own; time is passed in."""

import asyncio
import builtins
import contextlib
import json
import os
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import ValidationError

from components import rdap
from components.egress import Egress
from components.models import Component, Probe
from components.outcomes import Expectation, Outcome, classify
from components.probers import PROBERS, InvalidProbeError
from components.probers.base import Clock
from components.probers.domain import DomainTarget, judged
from tests.components.test_probers import OWN, look

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
NAMES = {"example.com": "2027-03-01T04:00:00Z", "shop.co.uk": "2026-12-10T00:00:00+00:00"}


def document(expires, registrar="Example Registrar"):
    card = ["vcard", [["version", {}, "text", "4.0"], ["fn", {}, "text", registrar]]]
    return json.dumps(
        {
            "objectClassName": "domain",
            "events": [
                {"eventAction": "registration", "eventDate": "1995-08-14T04:00:00Z"},
                {"eventAction": "expiration", "eventDate": expires},
            ],
            "entities": [{"roles": ["registrar"], "vcardArray": card}],
        }
    ).encode()


@pytest.fixture
def registry(target, settings, tmp_path, monkeypatch):
    """A server of .com and .uk that knows NAMES, with a list that leaves .de out."""
    settings.VAR_DIR = tmp_path
    monkeypatch.setattr(rdap, "BOOTSTRAP", f"{target.url}dns.json")
    services = [[["com"], [f"{target.url}com/"]], [["uk"], [f"{target.url}uk"]]]
    target.paths["/dns.json"] = (200, {}, json.dumps({"version": "1.0", "services": services}).encode())
    target.answers, target.says = 404, b"{}"
    for name, expires in NAMES.items():
        target.paths[f"/{name.rpartition('.')[2]}/domain/{name}"] = (200, {}, document(expires))
    return target


def ask(domain, now=NOW):
    return asyncio.run(rdap.registration(domain, Egress(OWN), now, deadline_s=3))


def questions(registry):
    return [path for _, path, _, _ in registry.asked if "/domain/" in path]


def test_a_domain_is_asked_for_at_its_registry(registry):
    known = ask("example.com")
    assert (known.expires_at, known.registrar) == (datetime(2027, 3, 1, 4, tzinfo=UTC), "Example Registrar")
    assert questions(registry) == ["/com/domain/example.com"]


def test_it_is_asked_at_most_once_a_day_whatever_restarts(registry):
    for hours in (0, 1, 12, 23):
        ask("example.com", NOW + timedelta(hours=hours))
    assert len(questions(registry)) == 1
    ask("example.com", NOW + timedelta(hours=29))
    assert len(questions(registry)) == 2
    assert [path for _, path, _, _ in registry.asked].count("/dns.json") == 2


def test_not_all_names_are_asked_in_the_same_moment(registry):
    assert len({rdap._tomorrow(f"{n}.com", NOW) for n in range(20)}) > 15
    assert all(24 <= (rdap._tomorrow(f"{n}.com", NOW) - NOW.timestamp()) / 3600 < 28 for n in range(20))


def test_two_at_once_ask_once(registry):
    registry.waits_s = 0.3

    async def both():
        asking = [rdap.registration("example.com", Egress(OWN), NOW, deadline_s=3) for _ in range(2)]
        return await asyncio.gather(*asking, return_exceptions=True)

    answers = asyncio.run(both())
    assert len(questions(registry)) == 1
    assert [type(answer) for answer in answers] == [rdap.Registration, rdap.RDAPError]
    assert "is being asked" in str(answers[1])


CLAIMING = """
import sys, time
from datetime import UTC, datetime
import django
django.setup()
from django.conf import settings
settings.VAR_DIR = sys.argv[1]
from components import rdap
at = float(sys.argv[2])
print("ready", flush=True)
sys.stdin.readline()
names = [f"{number}.com" for number in range(300)]
print(sum(rdap._claim(name, datetime.fromtimestamp(at, UTC))[1] for name in names), flush=True)
"""


def test_of_several_processes_one_asks(tmp_path):
    """All begin at once, with three hundred domains."""
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "statuspage.settings", "VAR_DIR": str(tmp_path / "own")}
    (tmp_path / "own").mkdir()
    command = [sys.executable, "-c", CLAIMING, str(tmp_path), str(NOW.timestamp())]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    children = [subprocess.Popen(command, env=env, **pipes) for _ in range(3)]
    try:
        assert [child.stdout.readline() for child in children] == ["ready\n"] * 3
        for child in children:
            child.stdin.write("\n")
            child.stdin.flush()
        counts = [int(child.communicate(timeout=60)[0]) for child in children]
    finally:
        for child in children:
            child.kill()
            child.wait(10)
    assert sum(counts) == 300
    assert len([count for count in counts if count]) > 1, "they were not at it at once"


@pytest.mark.parametrize(
    ("header", "early_h", "late_h"),
    [({"Retry-After": "7200"}, 1.9, 2.1), ({"Retry-After": "1"}, 0.9, 1.1), ({}, 23, 25)],
)
def test_a_server_that_asks_for_a_pause_gets_it(registry, header, early_h, late_h):
    registry.paths["/com/domain/example.com"] = (429, header, b"")
    with pytest.raises(rdap.RDAPError, match="answers with 429"):
        ask("example.com")
    registry.paths["/com/domain/example.com"] = (200, {}, document(NAMES["example.com"]))
    with pytest.raises(rdap.RDAPError, match="answers with 429"):
        ask("example.com", NOW + timedelta(hours=early_h))
    assert len(questions(registry)) == 1
    assert ask("example.com", NOW + timedelta(hours=late_h)).expires_at


def test_what_was_known_outlives_a_registry_that_fails_for_a_while(registry):
    known = ask("example.com")
    registry.paths["/com/domain/example.com"] = (500, {}, b"")
    later = NOW + timedelta(days=3)
    assert ask("example.com", later) == known
    assert rdap.is_fresh(known.known_at, later)
    assert not rdap.is_fresh(known.known_at, NOW + timedelta(days=8))


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"<html>", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "does not say when"),
        (b'{"events": {}}', "does not say when"),
        (b'{"events": [7, {"eventAction": "registration"}]}', "does not say when"),
        (document("soon"), "cannot be read"),
        (b'{"events": [{"eventAction": "expiration"}]}', "cannot be read"),
        (b" " * 2_000_000, "larger than"),
    ],
)
def test_an_answer_that_says_nothing_is_unknown_with_a_sentence(registry, answer, words):
    registry.paths["/com/domain/example.com"] = (200, {}, answer)
    with pytest.raises(rdap.RDAPError, match=words):
        ask("example.com")


@pytest.mark.parametrize("entities", [None, 7, [7], [{"roles": ["registrar"]}], [{"roles": None}]])
def test_a_registrar_without_a_readable_name_does_no_harm(registry, entities):
    body = json.loads(document(NAMES["example.com"])) | {"entities": entities}
    registry.paths["/com/domain/example.com"] = (200, {}, json.dumps(body).encode())
    assert ask("example.com").registrar == ""


def test_a_redirect_to_a_private_network_is_not_followed(registry):
    moved = {"Location": "http://10.0.0.1/domain/example.com"}
    registry.paths["/com/domain/example.com"] = (302, moved, b"")
    with pytest.raises(rdap.RDAPError, match="private or reserved network"):
        ask("example.com")


def test_the_files_are_the_owners_alone(registry, tmp_path):
    ask("example.com")
    assert stat.S_IMODE((tmp_path / "rdap").stat().st_mode) == 0o700
    assert sorted(path.name for path in (tmp_path / "rdap").iterdir()) == [
        "bootstrap.json",
        "example.com.json",
        "lock",
    ]


def test_a_file_that_was_cut_is_asked_for_again(registry, tmp_path):
    ask("example.com")
    (tmp_path / "rdap" / "example.com.json").write_text('{"next_at": 9')
    assert ask("example.com").expires_at
    assert len(questions(registry)) == 2


def test_a_check_finds_the_registrable_part_and_counts_days(registry):
    reading = look("domain", "www.example.com")
    assert reading.failure is None
    assert reading.facts["domain"] == "example.com"
    assert (reading.facts["expires"], reading.facts["registrar"]) == ("2027-03-01", "Example Registrar")
    assert look("domain", "a.b.shop.co.uk").facts["domain"] == "shop.co.uk"


@pytest.mark.parametrize(
    ("expires", "outcome", "words"),
    [
        (NOW + timedelta(days=200), Outcome.UP, ""),
        (NOW + timedelta(days=30, minutes=1), Outcome.UP, ""),
        (
            NOW + timedelta(days=29, hours=1),
            Outcome.DEGRADED,
            "expires in 29 days (26 Dec 2026); the limit is 30",
        ),
        (NOW + timedelta(days=1, hours=1), Outcome.DEGRADED, "expires in 1 day ("),
        (NOW - timedelta(days=9), Outcome.DEGRADED, "expired on 18 Nov 2026: renew it"),
        (None, Outcome.DEGRADED, "is not registered"),
    ],
)
def test_expiry_is_a_warning_and_never_an_outage(expires, outcome, words):
    known = rdap.Registration(expires, "", NOW)
    found, why = classify(judged(DomainTarget("example.com", 30), known, Clock(), NOW), Expectation())
    assert found is outcome
    assert words in why


def test_a_registry_that_cannot_be_asked_is_unknown(settings, tmp_path, monkeypatch):
    settings.VAR_DIR = tmp_path
    monkeypatch.setattr(rdap, "BOOTSTRAP", "http://127.0.0.1:9/dns.json")
    reading = look("domain", "example.com")
    outcome, why = classify(reading, Expectation())
    assert (outcome, "could not be asked" in why) == (Outcome.UNKNOWN, True)


def made(target):
    return Probe(component=Component.objects.create(name=target), kind="domain", target=target)


def test_a_registry_without_rdap_is_refused_at_save(registry, db, settings):
    settings.EGRESS_ALLOW = OWN
    with pytest.raises(ValidationError, match=r"registry of \.de does not say when a domain expires"):
        made("example.de").full_clean()
    made("example.com").full_clean()
    outcome, why = classify(look("domain", "example.de"), Expectation())
    assert (outcome, "has no RDAP server" in why) == (Outcome.UNKNOWN, True)


def test_a_list_that_cannot_be_had_refuses_nothing(db, settings, tmp_path, monkeypatch):
    settings.VAR_DIR, settings.EGRESS_ALLOW = tmp_path, OWN
    monkeypatch.setattr(rdap, "BOOTSTRAP", "http://127.0.0.1:9/dns.json")
    made("example.de").full_clean()


def test_without_the_extra_it_is_listed_refused_at_save_and_unknown(db, monkeypatch):
    real = builtins.__import__

    def missing(name, *args, **more):
        if name.startswith("publicsuffixlist"):
            raise ImportError(name)
        return real(name, *args, **more)

    monkeypatch.setattr("importlib.import_module", missing)
    probe = made("example.com")
    with pytest.raises(ValidationError) as refused:
        probe.full_clean()
    sentence = str(refused.value)
    assert "needs the extra “domain”" in sentence
    assert "pip install 'statuspage[domain]'" in sentence
    assert "needs the extra “domain”" in probe.refusal
    assert ("domain", "Domain expiry") in [(kind, prober.label) for kind, prober in PROBERS.items()]


@pytest.mark.parametrize(
    ("target", "options", "field"),
    [
        ("192.0.2.1", {}, "target"),
        ("co.uk", {}, "target"),
        ("com", {}, "target"),
        ("", {}, "target"),
        ("exa mple.com", {}, "target"),
        ("example.com", {"warn_days": "0"}, "warn_days"),
        ("example.com", {"warn_days": "soon"}, "warn_days"),
    ],
)
def test_what_cannot_be_meant_is_refused(target, options, field):
    with pytest.raises(InvalidProbeError) as refused:
        PROBERS["domain"].parse(target, options)
    assert refused.value.field == field


def test_letters_of_other_languages_are_read_as_dns_does():
    assert PROBERS["domain"].parse("www.bücher.com", {}).domain == "xn--bcher-kva.com"


@pytest.mark.parametrize("depth", range(900, 1_000, 5))
@pytest.mark.parametrize("place", ["date", "name"])
def test_an_answer_that_is_nested_deeply_says_nothing_and_breaks_nothing(registry, place, depth, caplog):
    deep = "[" * depth + "]" * depth
    date, name = (deep, '"R"') if place == "date" else ('"2027-03-01T04:00:00Z"', deep)
    registry.paths["/com/domain/example.com"] = (200, {}, (
        f'{{"events": [{{"eventAction": "expiration", "eventDate": {date}}}], "entities": [{{"roles":'
        f' ["registrar"], "vcardArray": ["vcard", [["fn", {{}}, "text", {name}]]]}}]}}'
    ).encode())  # fmt: skip
    with contextlib.suppress(rdap.RDAPError):
        assert (ask("example.com").registrar, place) == ("", "name")
    assert not caplog.text


def test_the_name_of_a_registrar_is_one_line_without_tricks(registry):
    registry.paths["/com/domain/example.com"] = (
        200, {}, document("2027-03-01T04:00:00Z", "A\u202eB\x1b[2J\nC" + "x" * 500)
    )  # fmt: skip
    name = ask("example.com").registrar
    assert name.startswith("AB[2J C")
    assert (len(name), name.isprintable()) == (200, True)
