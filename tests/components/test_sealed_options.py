"""A probe's password: encrypted in the row, sent to the place it was set for, and never shown again."""

import json

import pytest
from django.core import serializers
from django.core.exceptions import ValidationError
from django.urls import reverse

from components.forms import KindForm
from components.models import Component, Probe
from components.probers import PROBERS, InvalidProbeError
from components.sealed_options import plain
from statuspage.models import Audit, Role
from tests.making import watched
from tests.people import person

TYPED = {
    "name": "Cache", "kind": "redis", "target": "cache.example.org:6379", "interval_s": 60, "timeout_s": 10,
    "retry_s": 10, "confirm_down": 2, "confirm_up": 2, "unsteady_count": 3, "unsteady_window": 10,
    "down_status": "major_outage", "region": "local",
}  # fmt: skip
WORD = "open sesame"


def kept(**more):
    return watched(kind="redis", target="cache.example.org:6379", options={"password": WORD, **more})


def typed(probe, **changes):
    return KindForm({**TYPED, **changes}, instance=Probe.objects.get(pk=probe.pk))


def test_the_row_and_every_dump_of_it_hold_it_encrypted(db):
    probe = kept()
    assert WORD not in json.dumps(Probe.objects.values_list("options", flat=True).get(pk=probe.pk))
    assert WORD not in serializers.serialize("json", [Probe.objects.get(pk=probe.pk)])
    order = Probe.objects.get(pk=probe.pk).order()
    assert order.password == WORD
    assert WORD not in repr(order)
    row = Probe.objects.get(pk=probe.pk)
    assert plain(PROBERS["redis"], row.options) == {"password": WORD}


def test_another_region_has_the_same_password(db):
    probe = kept()
    probe.set_regions(["far"])
    assert Probe.objects.get(main=probe).order().password == WORD


def test_an_empty_field_keeps_it_and_the_box_removes_it(db):
    probe = kept()
    form = typed(probe)
    assert form.is_valid(), form.errors
    assert "Set. Leave empty to keep it." in form.fields["redis__password"].help_text
    assert form.save().order().password == WORD
    form = typed(probe, redis__password__remove="on")
    assert form.is_valid(), form.errors
    assert form.save().order().password == ""
    assert Probe.objects.get(pk=probe.pk).options == {}


def test_the_same_password_again_starts_nothing_anew_and_another_does(db):
    probe = kept()
    Probe.objects.filter(pk=probe.pk).update(outcome="up")
    form = typed(probe, redis__password=WORD)
    assert form.is_valid(), form.errors
    assert form.save().outcome == "up"
    form = typed(probe, redis__password="another")
    assert form.is_valid(), form.errors
    saved = form.save()
    assert (saved.outcome, saved.order().password) == ("unknown", "another")


def test_the_same_mapping_again_keeps_what_is_stored(db):
    secrets = {"authorization": "Bearer abc"}
    stored = watched(kind="grpc", target="api.example.org:443", options={"metadata": secrets}).options
    probe = Probe.objects.get()
    probe.options = {"metadata": secrets}
    probe.save()
    assert Probe.objects.get().options == stored


@pytest.mark.parametrize("target", ["evil.example:6379", "cache.example.org:6380"])
def test_it_does_not_move_to_another_place_by_itself(db, target):
    probe = kept()
    form = typed(probe, target=target)
    assert not form.is_valid()
    assert "It was set for cache.example.org:6379: enter it again" in form.errors["redis__password"][0]
    assert typed(probe, target=target, redis__password=WORD).is_valid()
    Probe.objects.filter(pk=probe.pk).update(target=target)  # past the forms
    with pytest.raises(InvalidProbeError, match="It was set for"):
        Probe.objects.get(pk=probe.pk).order()


SERVICES = [
    ("redis", "cache.example.org:6379", {"tls": True}, "password", False),
    ("postgres", "db.example.org:5432", {}, "password", False),
    ("mysql", "db.example.org:3306", {"user": "probe"}, "password", False),
    ("grpc", "api.example.org:443", {}, "metadata", False),
    ("smtp", "mail.example.org:25", {"user": "probe"}, "password", "none"),
    ("imap", "mail.example.org:143", {"user": "probe", "tls": "starttls"}, "password", "none"),
]


@pytest.mark.parametrize("service", SERVICES, ids=[row[0] for row in SERVICES])
def test_it_is_not_sent_without_tls_unless_entered_again(db, service):
    kind, target, options, name, off = service
    secret = f"authorization: {WORD}" if name == "metadata" else WORD
    probe = watched(kind=kind, target=target, options={**options, name: secret})
    row = Probe.objects.get(pk=probe.pk)
    row.options = {**row.options, "tls": off}
    with pytest.raises(ValidationError) as refused:
        row.clean()
    sentences = str(refused.value)
    if kind in ("smtp", "imap"):
        assert "A password is sent only with TLS" in sentences
        return
    assert f"{name}: It was set for a connection with TLS: enter it again to use it without TLS" in sentences
    row.options = {**row.options, name: secret}
    row.clean()
    row.save()
    assert Probe.objects.get(pk=probe.pk).order().tls is False
    with_tls = Probe.objects.get(pk=probe.pk)
    with_tls.options = {**with_tls.options, "tls": True}
    with_tls.clean()  # on again: never asked


def test_the_form_says_so_beside_the_password(db):
    form = typed(kept(tls=True))
    assert not form.is_valid()
    assert "It was set for a connection with TLS" in form.errors["redis__password"][0]
    assert typed(Probe.objects.get(), redis__password=WORD).is_valid()
    assert typed(Probe.objects.get(), redis__tls="on").is_valid()


def test_steps_do_not_send_it_to_another_site_behind_the_same_address(db):
    def steps(**headers):
        return json.dumps([{"name": "In", "url": "/in", "headers": {"X": "{{secret.key}}", **headers}}])

    options = {"steps": steps(Host="app.example.org"), "secrets": f"key: {WORD}"}
    watched(kind="steps", target="https://cdn.example.org", options=options)
    row = Probe.objects.get()
    for host in (
        {"Host": "evil.example"},
        {"host": " Evil.example "},
        {"Host": "{{secret.key}}.evil.example"},
    ):
        row.options = {**row.options, "steps": steps(**host)}
        with pytest.raises(ValidationError, match="secrets: It was not set for the host"):
            row.clean()
    row.options = {**row.options, "steps": steps(Host="App.example.org")}
    row.clean()
    row.options = {**row.options, "steps": steps(Host="new.example"), "secrets": f"key: {WORD}"}
    row.clean()


def test_a_lost_key_makes_it_unknown_with_the_mend(db, settings):
    probe = kept()
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another one", []
    assert "SECRET_KEY has changed: enter it again" in Probe.objects.get(pk=probe.pk).refusal
    with pytest.raises(ValidationError):
        Probe.objects.get(pk=probe.pk).full_clean()


def test_another_kind_does_not_inherit_it(db):
    probe = kept()
    form = typed(probe, kind="tcp")
    assert form.is_valid(), form.errors
    assert form.save().options == {}


def test_a_form_that_comes_back_does_not_repeat_it(db):
    form = typed(kept(), redis__password="typed in vain", interval_s=1)
    assert not form.is_valid()
    assert "Enter it again" in str(form.errors["redis__password"])
    assert "typed in vain" not in form.as_p()
    shown = KindForm(instance=Probe.objects.get(), initial={"redis__password": "typed in vain"})
    assert "typed in vain" not in shown.as_p()
    assert "sealed" not in shown.as_p()


def test_the_console_and_the_audit_log_name_it_and_no_more(client, db):
    client.force_login(person("ed", Role.EDITOR))
    component = Component.objects.create(name="Cache")
    url = reverse("console_probe_new", args=[component.public_id])
    answer = client.post(url, {**TYPED, "redis__password": WORD, "form_key": ""})
    probe = Probe.objects.get()
    assert answer.status_code == 302
    assert probe.order().password == WORD
    pages = [reverse(name, args=[probe.public_id]) for name in ("console_probe", "console_probe_edit")]
    token = probe.options["password"]["sealed"]
    for page in pages:
        text = client.get(page).content.decode()
        assert WORD not in text
        assert token not in text
    logged = json.dumps(list(Audit.objects.values("before", "after")), default=str)
    assert WORD not in logged
    assert token not in logged
    assert "password" in logged
