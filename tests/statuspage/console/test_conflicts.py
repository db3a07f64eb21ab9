"""The same form in two tabs: the older one does not silently overwrite what the newer one saved."""

import re

import pytest
from django.test import Client
from django.utils import timezone

from components.models import Component, Group, Page, Probe
from components.outcomes import Outcome
from incidents.models import Hook, Template
from statuspage.models import Audit, Role
from tests.forms import as_shown
from tests.making import watched
from tests.people import person

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def tab(name="ada"):
    client = Client()
    client.force_login(person(name, Role.ADMIN))
    return client


def opened(client, page):
    return filled(text_of(client.get(page)))


def filled(html):
    """The fields of the page's own form, single values as such."""
    return {name: v[0] if len(v) == 1 else v for name, v in as_shown(html, action="").items()}


def text_of(answer):
    return answer.content.decode()


def a_component():
    one = watched(kind="http").component
    return f"/console/components/{one.public_id}/edit", "description", "name", one


def a_group():
    one = Group.objects.create(name="Front", description="Words", position=1)
    return f"/console/groups/{one.public_id}", "description", "name", one


def a_probe():
    one = watched(kind="http", options={"method": "GET"})
    return f"/console/probes/{one.public_id}/edit", "interval_s", "name", one


def a_hook():
    one = Hook(component=watched(kind="http").component, name="Restart", url="https://hooks.example/a")
    one.keep_secret("")
    one.save()
    return f"/console/hooks/{one.public_id}/edit", "budget", "name", one


def a_template():
    one = Template.objects.create(kind="incident", name="Slow", body="Words", position=99)
    return f"/console/templates/{one.pk}", "body", "name", one


KINDS = (a_component, a_group, a_probe, a_hook, a_template)
NEWER = {"description": "By Ada", "interval_s": "45", "budget": "7", "body": "By Ada"}
OLDER = {"description": "By Bob", "interval_s": "50", "budget": "8", "body": "By Bob"}


@pytest.mark.django_db
@pytest.mark.parametrize("make", KINDS, ids=lambda make: make.__name__)
def test_the_older_form_is_refused_once_and_may_save_over(make):
    page, field, other, row = make()
    ada, bob = tab("ada"), tab("bob")
    newer, older = opened(ada, page), opened(bob, page)
    assert ada.post(page, newer | {field: NEWER[field]}).status_code == 302
    refused = bob.post(page, older | {field: OLDER[field], other: "Typed by Bob"})
    assert refused.status_code == 400
    row.refresh_from_db()
    assert (str(getattr(row, field)), getattr(row, other)) == (NEWER[field], older[other])
    assert "changed after you opened the form" in text_of(refused)
    assert f"is now “{NEWER[field]}”, changed by ada on" in text_of(refused)
    again = filled(text_of(refused))
    assert (again[field], again[other]) == (OLDER[field], "Typed by Bob")
    assert "save_over" not in again  # the box is there, and not ticked
    assert bob.post(page, again).status_code == 400  # sent again as it is: asked again
    ticked = again | {"save_over": box(text_of(refused))}
    assert bob.post(page, ticked).status_code == 302
    row.refresh_from_db()
    assert (str(getattr(row, field)), getattr(row, other)) == (OLDER[field], "Typed by Bob")


def box(html):
    tag = next(part for part in html.split("<") if part.startswith("input") and 'name="save_over"' in part)
    assert 'type="checkbox"' in tag
    return tag.partition('value="')[2].partition('"')[0]


@pytest.mark.django_db
def test_a_third_change_is_asked_about_too():
    page, field, _, row = a_component()
    ada, bob = tab("ada"), tab("bob")
    first, older = opened(ada, page), opened(bob, page)
    ada.post(page, first | {field: "By Ada"})
    refused = text_of(bob.post(page, older | {field: "By Bob"}))
    ada.post(page, opened(ada, page) | {field: "By Ada again"})
    ticked = filled(refused) | {"save_over": box(refused)}
    again = bob.post(page, ticked)
    assert again.status_code == 400
    assert "is now “By Ada again”" in text_of(again)
    row.refresh_from_db()
    assert row.description == "By Ada again"


@pytest.mark.django_db
def test_what_automation_writes_is_no_conflict():
    page, field, _, probe = a_probe()
    ada = tab()
    form = opened(ada, page)
    Probe.objects.filter(pk=probe.pk).update(
        outcome=Outcome.DOWN, next_slot=1, unsteady=3, attempts=2, last_version="v9"
    )
    assert ada.post(page, form | {field: "45"}).status_code == 302
    at = f"/console/components/{probe.component.public_id}/edit"
    form = opened(ada, at)
    Component.objects.filter(pk=probe.component_id).update(status="major_outage", judge_at=timezone.now())
    assert ada.post(at, form | {"description": "Words"}).status_code == 302


@pytest.mark.django_db
def test_the_same_change_in_both_and_a_form_from_before_the_check_are_saved():
    page, field, other, row = a_template()
    ada, bob = tab("ada"), tab("bob")
    newer, older = opened(ada, page), opened(bob, page)
    ada.post(page, newer | {field: "Same"})
    assert bob.post(page, older | {field: "Same", other: "Slower"}).status_code == 302
    ada.post(page, {name: value for name, value in newer.items() if name != "opened_with"})
    row.refresh_from_db()
    assert row.body == "Words"


@pytest.mark.django_db
def test_an_option_and_the_kind_of_a_probe():
    page, _, _, probe = a_probe()
    ada, bob = tab("ada"), tab("bob")
    newer, older = opened(ada, page), opened(bob, page)
    assert ada.post(page, newer | {"http__method": "HEAD"}).status_code == 302
    to_tcp = older | {"do": "options", "kind": "tcp", "target": "127.0.0.1:9"}
    shown = filled(text_of(bob.post(page, to_tcp)))
    assert shown["opened_with"] == older["opened_with"]  # still what Bob saw first
    refused = bob.post(page, shown | {"kind": "tcp", "do": "save"})
    assert refused.status_code == 400
    assert "Method is now “HEAD”, changed by ada on" in text_of(refused)
    probe.refresh_from_db()
    assert (probe.kind, probe.options["method"]) == ("http", "HEAD")


@pytest.mark.django_db
def test_a_test_or_preview_is_not_refused():
    page, field, _, _row = a_template()
    ada, bob = tab("ada"), tab("bob")
    newer, older = opened(ada, page), opened(bob, page)
    ada.post(page, newer | {field: "By Ada"})
    assert bob.post(page, older | {field: "By Bob", "do": "preview"}).status_code == 200


@pytest.mark.django_db
def test_a_secret_that_was_typed_is_asked_for_again():
    page, field, _, _row = a_hook()
    ada, bob = tab("ada"), tab("bob")
    newer, older = opened(ada, page), opened(bob, page)
    ada.post(page, newer | {field: "7"})
    refused = text_of(bob.post(page, older | {field: "8", "secret": SECRET}))
    assert SECRET not in refused
    assert "Signing secret: Enter or choose it again" in refused


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("page", "field", "values"),
    [
        ("/console/settings", "joining", ("group", "all")),
        ("/console/settings/look", "name", ("Ada’s", "Bob’s")),
    ],
    ids=["incidents", "branding"],
)
def test_settings_of_the_page(page, field, values):
    ada, bob = tab("ada"), tab("bob")
    newer, older = opened(ada, page), opened(bob, page)
    assert ada.post(page, newer | {field: values[0]}).status_code == 302
    refused = bob.post(page, older | {field: values[1]})
    assert refused.status_code == 400
    assert re.search(r"changed by ada on \d+ \w+ \d{4}, \d\d:\d\d UTC\.", text_of(refused))
    assert getattr(Page.objects.this(), field) == values[0]
    assert Audit.objects.filter(act__startswith="page.").count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize("junk", ["", ",,,=", "name", "é" * 9_000], ids=["", "commas", "name", "long"])
def test_what_is_no_list_of_digests_is_asked_about(junk):
    page, field, _, _row = a_template()
    ada = tab()
    answer = ada.post(page, opened(ada, page) | {field: "Other", "opened_with": junk})
    assert answer.status_code == (400 if junk else 302)
