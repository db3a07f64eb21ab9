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
    assert plain(PROBERS["redis"], Probe.objects.get(pk=probe.pk).options) == {"password": WORD}


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
