"""The texts an installation begins with hold for one component and for several; staff keep their own."""

import importlib

import pytest
from django.apps import apps

from components.models import Component
from incidents import default_templates, generated_text, placeholders
from incidents.models import Maintenance, Template
from statuspage.console import templates
from statuspage.models import Role
from tests.making import component, group
from tests.people import person

newer = importlib.import_module("incidents.migrations.0014_texts_for_several")
first = importlib.import_module("incidents.migrations.0003_standard_texts")
WRONG = (" is ", " was ", " has ", "isn't", "wasn't", "hasn't")


def rows():
    return [(one.kind, one.name, one.phase, one.title, one.body) for one in Template.objects.all()]


def test_a_new_installation_has_the_newest(db):
    assert sorted(rows()) == sorted(default_templates.TEMPLATES)


def test_what_staff_have_changed_stays_theirs_and_the_way_back_is_the_same(db):
    Template.objects.all().delete()
    first.write(apps, None)
    assert sorted(rows()) == sorted(first.TEMPLATES)
    Template.objects.filter(name="Slow").update(title="{components} crawls")
    Template.objects.filter(name="Resolved").update(body="{components|What} was away. All is well.")
    theirs = {row for row in rows() if row[1] in ("Slow", "Resolved")}
    newer.rewrite(apps, None)
    assert theirs < set(rows())
    assert set(rows()) - theirs == {
        row for row in default_templates.TEMPLATES if row[1] not in ("Slow", "Resolved")
    }
    newer.put_back(apps, None)
    assert set(rows()) - theirs == {row for row in first.TEMPLATES if row[1] not in ("Slow", "Resolved")}


@pytest.mark.parametrize("of", [["API"], ["API", "Chat"], [f"C{number}" for number in range(9)]])
def test_each_holds_for_as_many_as_there_are(of):
    for _, name, _, title, body in default_templates.TEMPLATES:
        known = {
            "components": generated_text.names(of),
            "what works": generated_text.names(of),
            **generated_text.verbs(of),
        }
        told = placeholders.fill(f"{title}. {body}", known)
        for verb in WRONG if len(of) > 1 else (" are ", " were ", " have "):
            at = f"{generated_text.names(of)}{verb}"
            assert at not in told, (name, told)


@pytest.mark.parametrize(
    ("chosen", "title", "text"),
    [
        (["API"], "API is not working", "API is not working for {whom}. Working normally: Mail."),
        (["API", "Chat"], "API and Chat are not working", "API and Chat are not working for {whom}."),
        (
            [],
            "{components} is not working",
            "What is not working for {whom}. Working normally: {what works}.",
        ),
    ],
)
def test_the_composer_fills_in_the_verb(client, db, chosen, title, text):
    client.force_login(person("ada", Role.RESPONDER))
    ours = group()
    for name in ("API", "Chat", "Mail"):
        component(name, group=ours)
    if chosen == ["API"]:
        Component.objects.filter(name="Chat").update(status="unknown")
    places = {f"status-{one.public_id}": "major_outage" for one in _named(chosen)}
    template = Template.objects.get(kind="incident", name="Investigating")
    page = client.post("/console/incidents/new", {"template": template.pk, "promise": "30", **places})
    html = page.content.decode()
    assert f'value="{title}"' in html
    assert text in html


def _named(names):

    return Component.objects.filter(name__in=names)


def test_the_help_and_the_preview_know_the_verbs(client, db):
    client.force_login(person("ada", Role.ADMIN))
    page = client.get("/console/templates").content.decode()
    assert "likewise {was}, {has}, {does}" in page
    shown = templates._shown("{components} {is} slow", "It {was}, {has} and {does}.")
    assert (shown["title"], shown["left"]) == ("Chat is slow", [])


def test_planned_work_of_several_has_its_verb(client, db):
    client.force_login(person("ada", Role.RESPONDER))
    places = [component(name).pk for name in ("API", "Chat")]
    plan = {"title": "Move", "body": "{components} {is} away from {start}.", "notice_h": 24,
            "starts_at": "2030-01-01T01:00", "ends_at": "2030-01-01T02:00", "components": places}  # fmt: skip
    assert client.post("/console/maintenance/new", plan).status_code == 302

    assert Maintenance.objects.get().body == "API and Chat are away from 01:00."
