"""A client certificate that is kept with a probe: shown where it was set for, and nowhere else."""

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import call_command

from components import probers
from components.models import Check, Component, Probe
from components.models.showing import UNREADABLE
from components.outcomes import Failure, Outcome
from components.targets import InvalidProbeError
from incidents import tasks
from incidents.models import Incident
from incidents.tasks import run_checks
from statuspage.console.probe_detail.results import ladder
from statuspage.models import Audit, Role
from tests.components.test_broken_rows import Engine
from tests.components.test_client_certificates import Demanding, pair
from tests.components.test_probers import OWN
from tests.forms import as_shown
from tests.making import NOW, fell, found, watched
from tests.people import person
from tests.showing import CONSOLE, HERE, THERE, bodies, is_in, kept, posted, taken, text_of
from tests.statuspage.console.test_components import fields_of

NONE = {"client_certificate": "none"}


@pytest.fixture
def editor(client, db):
    client.force_login(person("ed", Role.EDITOR))
    return client


def look(probe, server):
    return asyncio.run(probers.check(probe.kind, probe.order(), deadline_s=4, egress=server.egress))


# It is shown


@pytest.mark.parametrize("kind", ["http", "tls"])
def test_what_the_form_kept_is_shown_at_each_check(editor, tmp_path, kind):
    ours = pair()
    with Demanding(tmp_path, trusts=ours[0]) as server:
        place = f"127.0.0.1:{server.port}"
        probe = watched(kind=kind, target=f"https://{place}/" if kind == "http" else place)
        if kind == "http":  # where nothing is asked, TLS 1.3 ends well before the server has judged us
            assert look(probe, server).failure is Failure.TLS
        assert posted(editor, probe, ours, kind=kind).status_code == 302
        probe = Probe.objects.get()
        assert look(probe, server).failure is None
        assert kind == "tls" or server.lines[-1][0] == "probe"
    assert not is_in(ours[1], f"{probe.client_certificate} {probe.sealed_client_key}")


def test_trying_shows_what_is_typed_and_without_that_what_is_kept(editor, tmp_path, settings, monkeypatch):
    ours = pair()
    settings.EGRESS_ALLOW = OWN
    with Demanding(tmp_path, trusts=ours[0], version=ssl.TLSVersion.TLSv1_2) as server:
        monkeypatch.setenv("SSL_CERT_FILE", str(server.file))
        probe = kept(pair(), target=f"https://127.0.0.1:{server.port}/")
        assert "The server rejects our client certificate" in text_of(posted(editor, probe, do="try"))
        tried = text_of(posted(editor, probe, ours, do="try"))
        assert "Up in" in tried
        assert not is_in(ours[1], tried)
        assert "Paste the key again" in tried
        assert Probe.objects.get().client_certificate == probe.client_certificate  # nothing is kept
        posted(editor, probe, ours)
        assert "Up in" in text_of(posted(editor, probe, do="try"))


def test_the_shell_keeps_it(db, tmp_path, settings, monkeypatch):
    ours = pair()
    (tmp_path / "probe.pem").write_text(ours[0])
    (tmp_path / "probe.key").write_text(ours[1])
    files = ("--client-certificate", str(tmp_path / "probe.pem"), "--client-key", str(tmp_path / "probe.key"))
    settings.EGRESS_ALLOW = OWN
    out = StringIO()
    with Demanding(tmp_path, trusts=ours[0]) as server:
        monkeypatch.setenv("SSL_CERT_FILE", str(server.file))
        call_command("probe", f"https://127.0.0.1:{server.port}/", *files, "--save", stdout=out)
        assert look(Probe.objects.get(), server).failure is None
    (row,) = Audit.objects.all()
    assert row.after["client_certificate"].startswith("set, valid until ")
    assert not is_in(ours[1], f"{out.getvalue()} {row.after}")


@pytest.mark.parametrize(
    ("days", "words"), [(3, "expires in 3 days: renew it"), (-2, "has expired: renew it")]
)
def test_the_ladder_of_a_tls_probe_says_that_ours_ends_soon(days, words):
    note = f"Our client certificate {words}."
    check = Check(outcome="up", total_ms=9, connect_ms=1, tls_ms=2, days_left=60, facts={"note": note})
    (rung,) = [one for one in ladder(check, "tls") if one.name == "TLS"]
    assert rung.text == f"60 days left. Our client certificate {words}, 2 ms"
    (rung,) = [one for one in ladder(check, "http") if one.name == "TLS"]
    assert "renew" not in rung.text  # there it stands at the last step


# Set, kept, removed


def test_the_audit_log_says_what_became_of_it(editor):
    probe = watched(kind="http", target=HERE)
    posted(editor, probe, pair())
    probe = Probe.objects.get()
    posted(editor, probe, pair())  # the same name and day: still a change
    posted(editor, probe, name="Other")
    posted(editor, probe, remove_certificate="on", name="Other")
    rows = Audit.objects.filter(act="probe.edit").order_by("pk")
    told = [(row.before.get("client_certificate"), row.after.get("client_certificate")) for row in rows]
    set_ = told[0][1]
    assert set_.startswith("set, valid until")
    assert told == [("none", set_), (set_, f"{set_} (a part that is not shown here was changed)"),
                    (None, None), (set_, "none")]  # fmt: skip
    gone = Probe.objects.get()
    assert (gone.client_certificate, gone.sealed_client_key) == ("", "")


def test_nothing_typed_keeps_it(editor):
    ours = pair()
    probe = kept(ours)
    assert posted(editor, probe, name="Renamed", target=f"{HERE}/deep").status_code == 302
    assert Probe.objects.get().order().shown == taken(ours)


@pytest.mark.parametrize(("kind", "target"), [("tcp", "api.example:443"), ("dns", "api.example")])
def test_a_kind_that_shows_none_keeps_none(editor, client, kind, target):
    probe = kept(pair())
    page = client.post(f"{CONSOLE}{probe.public_id}/edit", {"do": "options", "kind": kind}).content.decode()
    assert "client_key" not in page
    answer = editor.post(
        f"{CONSOLE}{probe.public_id}/edit", fields_of(probe, kind=kind, target=target), follow=True
    )
    assert "Its client certificate is removed." in text_of(answer)
    gone = Probe.objects.get()
    assert (gone.kind, gone.client_certificate, gone.sealed_client_key) == (kind, "", "")
    assert Audit.objects.filter(act="probe.edit").get().after["client_certificate"] == "none"


def test_what_makes_no_pair_is_refused_at_its_field(editor):
    probe, (chain, key) = kept(pair()), pair()
    for ours, more, words in (
        ((chain, ""), {}, "Add the private key for this certificate."),
        (("", key), {}, "Add the certificate for this key."),
        ((chain, pair()[1]), {}, "This key does not match the certificate"),
        ((chain + key, key), {}, "This contains a private key"),
        ((chain + "".join(bodies(key)), ""), {}, "Add the private key"),
        (("".join(bodies(key)), key), {}, "This is not a certificate"),
        ((chain, key), {"remove_certificate": "on"}, "Either remove the certificate or replace it"),
        (
            (chain, key),
            {"target": "http://api.example/"},
            "http:// addresses do not use client certificates",
        ),
        (("", ""), {"target": "http://api.example/"}, "http:// addresses do not use client certificates"),
        (("", ""), {"target": "HTTP://api.example:443/"}, "addresses do not use client certificates"),
    ):
        answer = posted(editor, probe, ours, **more)
        text = text_of(answer)
        assert answer.status_code == 400
        assert words in text
        assert not is_in(key, text)
    assert Probe.objects.get().sealed_client_key == probe.sealed_client_key


# Only where it was set for


@pytest.mark.parametrize("target", [THERE, "https://api.example:8443/health", "https://10.0.0.7.example/"])
def test_a_probe_that_moves_elsewhere_takes_it_along_only_if_it_is_given_again(editor, target):
    ours, probe = pair(), kept(pair())
    refused = posted(editor, probe, target=target)
    assert refused.status_code == 400
    assert "was set for api.example:443: paste it and its key again" in text_of(refused)
    assert "was set for api.example:443" in text_of(posted(editor, probe, target=target, do="try"))
    assert posted(editor, probe, ours, target=target).status_code == 302
    moved = Probe.objects.get()
    assert moved.order().shown == taken(ours)
    assert posted(editor, moved, target=HERE, remove_certificate="on").status_code == 302
    assert Probe.objects.get().order().shown is None


def test_another_way_to_the_same_place_is_no_move(editor):
    ours = pair()
    probe = kept(ours)
    for target, kind in (("https://API.example.:443/x", "http"), ("api.example:443", "tls"), (HERE, "http")):
        assert posted(editor, probe, target=target, kind=kind).status_code == 302
        probe = Probe.objects.get()
        assert probe.order().shown == taken(ours)


def test_moved_past_the_form_it_is_not_shown(db):
    probe = kept(pair())
    Probe.objects.update(target=THERE)
    with pytest.raises(InvalidProbeError, match=r"was set for api\.example:443: paste it and its key again"):
        Probe.objects.get().order()
    other = kept(pair(), name="Other", target=THERE)
    Probe.objects.filter(pk=probe.pk).update(sealed_client_key=other.sealed_client_key)
    assert Probe.objects.get(pk=probe.pk).refusal == ""  # sealed for THERE; its certificate is another's
    Probe.objects.filter(pk=probe.pk).update(target=HERE)
    assert "was set for other.example:443" in Probe.objects.get(pk=probe.pk).refusal


def test_djangos_admin_cannot_move_it_either(client, db):
    client.force_login(person("root", Role.ADMIN))
    probe = kept(pair())
    form = fields_of(probe, dns__record_type="A", component=probe.component_id, http__unread="down",
                     unsteady_count=3, unsteady_window=10)  # fmt: skip
    page = f"/admin/components/probe/{probe.pk}/change/"
    refused = client.post(page, form | {"target": THERE})
    text = text_of(refused)
    assert refused.status_code == 200
    assert "was set for api.example:443" in text
    assert "Change the certificate in the console." in text
    assert client.post(page, form | {"name": "Renamed"}).status_code == 302
    assert Probe.objects.get().sealed_client_key == probe.sealed_client_key
    assert client.post(page, form | {"kind": "tcp", "target": "api.example:443"}).status_code == 302
    assert Probe.objects.get().sealed_client_key == ""
    row = Audit.objects.get(act="probe.edit")
    assert (row.before["client_certificate"][:16], row.after) == ("set, valid until", NONE)


def test_a_row_of_a_component_in_djangos_admin_keeps_none_either(client, db):
    client.force_login(person("root", Role.ADMIN))
    probe = kept(pair())
    page = f"/admin/components/component/{probe.component_id}/change/"
    sent = as_shown(client.get(page).content.decode(), action="")
    moved = client.post(page, sent | {"probes-0-target": THERE})
    assert "was set for api.example:443" in text_of(moved)
    assert (
        client.post(page, sent | {"probes-0-kind": "tcp", "probes-0-target": "a.example:1"}).status_code
        == 302
    )
    assert Probe.objects.get().client_certificate == ""
    assert Audit.objects.get(act="probe.edit").after == NONE


# A key that cannot be decrypted


def test_with_another_secret_key_it_is_unknown_and_says_what_to_do_while_others_go_on(
    transactional_db, client, settings, monkeypatch
):
    engine, now = Engine(), datetime.now(UTC)
    monkeypatch.setattr(tasks, "checker", lambda: engine)
    bad, good = kept(pair()), watched("Shop", kind="http")
    for probe in (bad, good):
        found(probe, "up", now - timedelta(minutes=10))
    old, settings.SECRET_KEY = settings.SECRET_KEY, "another one, of fifty characters or thereabouts.."
    second = int(now.timestamp())
    Probe.objects.update(next_slot=second, claimed_slot=None)
    claims = Probe.objects.claim_due(second)
    run_checks([[one.probe_id, one.slot, one.token, one.region] for one in claims])
    assert [order.claim.probe_id for order in engine.orders] == [good.pk]
    check = Check.objects.get(probe=bad, slot=second)
    assert (check.outcome, check.failure, check.detail) == ("unknown", "own_fault", UNREADABLE)
    assert not Incident.objects.exists()
    client.force_login(person("ed", Role.EDITOR))
    assert UNREADABLE in text_of(client.get(f"{CONSOLE}{bad.public_id}"))
    assert "Set, but cannot be decrypted" in text_of(client.get(f"{CONSOLE}{bad.public_id}/edit"))
    bad.refresh_from_db()
    assert UNREADABLE in text_of(posted(client, bad, do="try"))
    assert posted(client, bad, name="Renamed").status_code == 302
    settings.SECRET_KEY_FALLBACKS = [old]
    assert Probe.objects.get(pk=bad.pk).refusal == ""
    settings.SECRET_KEY_FALLBACKS = []
    ours = pair()
    assert posted(client, bad, ours).status_code == 302
    assert Probe.objects.get(pk=bad.pk).order().shown == taken(ours)


@pytest.mark.parametrize(
    "row",
    [
        {"sealed_client_key": ""},
        {"sealed_client_key": "gAAAAA"},
        {"client_certificate": "nonsense"},
        {"client_certificate": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"},
    ],
)
def test_a_row_that_a_hand_has_spoiled_is_unknown_and_can_be_mended(editor, row):
    probe = kept(pair(), target="https://127.0.0.1:9/")
    Probe.objects.update(**row)
    probe = Probe.objects.get()
    for page in (f"{CONSOLE}{probe.public_id}", f"{CONSOLE}{probe.public_id}/edit"):
        assert editor.get(page).status_code == 200
    if "client_certificate" in row:
        assert "cannot be read: set it again" in text_of(editor.get(f"{CONSOLE}{probe.public_id}"))
    else:
        assert probe.refusal == UNREADABLE
    assert posted(editor, probe, pair()).status_code == 302
    assert Probe.objects.get().refusal == ""


# What the probe thinks of its target


def test_a_renewed_certificate_changes_nothing_that_is_known(editor):
    probe = kept(pair(days=3))
    fell(probe)
    (incident,) = Incident.objects.all()
    probe = Probe.objects.get()
    assert posted(editor, probe, pair(days=300)).status_code == 302
    after = Probe.objects.get()
    assert (after.outcome, after.since, after.passed_at) == (probe.outcome, probe.since, probe.passed_at)
    assert after.outcome == Outcome.DOWN
    assert Incident.objects.get() == incident


@pytest.mark.parametrize("change", ["another", "none", "the first"])
def test_another_identity_begins_anew(editor, change):
    probe = watched(kind="http", target=HERE) if change == "the first" else kept(pair())
    found(probe, "up", NOW)
    probe = Probe.objects.get()
    assert probe.outcome == Outcome.UP
    ours = {"another": pair(name="deputy"), "none": ("", ""), "the first": pair()}[change]
    more = {"remove_certificate": "on"} if change == "none" else {}
    assert posted(editor, probe, ours, **more).status_code == 302
    after = Probe.objects.get()
    assert (after.outcome, after.passed_at, after.next_slot) == (Outcome.UNKNOWN, None, 0)


def test_it_is_looked_at_soon_after_a_renewal(editor):
    kept(pair())
    later = int(datetime.now(UTC).timestamp()) + 50
    Probe.objects.update(next_slot=later, heard_s=later - 110)
    posted(editor, Probe.objects.get(), pair())
    assert Probe.objects.get().next_slot < later


def test_a_copy_of_a_component_is_made_with_none(editor):
    component = Component.objects.create(name="New")
    fields = fields_of(Probe(component=component, target=HERE))
    assert editor.post(f"/console/components/{component.public_id}/probe", fields).status_code == 302
    ours = pair()
    fields |= {"client_certificate": ours[0], "client_key": ours[1]}
    assert editor.post(f"/console/components/{component.public_id}/probe", fields).status_code == 302
    first, second = Probe.objects.order_by("pk")
    assert (first.order().shown, second.order().shown) == (None, taken(ours))
    row = Audit.objects.filter(act="probe.create").first()
    assert row.after["client_certificate"].startswith("set, valid until")
