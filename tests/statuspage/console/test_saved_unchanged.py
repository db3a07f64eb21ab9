"""A form that is opened and saved with nothing changed is no act: the audit log keeps no row of it."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from components.models import Component, Group, Probe
from incidents.models import Incident, Maintenance, Template
from statuspage.models import Audit, Role
from subscribers.models import AlertChannel, Subscriber
from tests.forms import as_shown
from tests.making import watched
from tests.people import person
from tests.subscribers.making import mail

TWO_LINES = "First line.\nSecond line."


@pytest.fixture
def admin(db):
    client = Client()
    client.force_login(person("root", Role.ADMIN))
    return client


def rows():
    return list(Audit.objects.exclude(act="login").order_by("pk"))


def saved_as_shown(client, page, action, **changes):
    """Post the form of that page; with `changes` something is changed."""
    html = client.get(page).content.decode()
    answer = client.post(action or page, as_shown(html, action=action) | changes)
    assert answer.status_code == 302, re.findall(r"error[^<>]*>([^<]+)<", answer.content.decode())


def forms():
    """Page, action of the form, and a change that is written down."""
    probe = watched(kind="http", options={"method": "GET", "headers": "X-Key: a\nX-Other: b"})
    one = probe.component
    now = timezone.now()
    Component.objects.filter(pk=one.pk).update(description="Words")
    one.refresh_from_db()
    group = Group.objects.create(name="Front", description="Words", position=1)
    text = Template.objects.create(kind="incident", name="Slow", body=TWO_LINES, position=99)
    incident = Incident.objects.open(
        "Slow", TWO_LINES, now=now, components=[one], started_at=now - timedelta(seconds=95)
    )
    incident.amend(now, title="Slow", impact_override="", started_at=incident.started_at, cause=TWO_LINES,
                   workaround=TWO_LINES)  # fmt: skip
    work = Maintenance.objects.plan(
        title="Disks",
        body=TWO_LINES,
        starts_at=now + timedelta(days=1, seconds=7),
        ends_at=now + timedelta(days=1, hours=1),
        components=[one],
        now=now,
        author=None,
    )
    reader = mail()
    at = f"/console/incidents/{incident.public_id}"
    return {
        "component": (f"/console/components/{one.public_id}/edit", "", {"name": "Shop"}),
        "group": (f"/console/groups/{group.public_id}", "", {"name": "Shop"}),
        "probe": (f"/console/probes/{probe.public_id}/edit", "", {"http__headers": "X-Key: c\r\nX-Other: b"}),
        "settings": ("/console/settings", "", {"joining": "group"}),
        "template": (f"/console/templates/{text.pk}", "", {"body": "Other"}),
        "maintenance": (f"/console/maintenance/{work.public_id}/edit", "", {"title": "More disks"}),
        "amend": (at, f"{at}/amend", {"title": "Slower"}),
        "edit": (f"{at}/edit/1", "", {"body": "Other"}),
        "subscriber": (
            f"/console/subscribers/{reader.public_id}",
            f"/console/subscribers/{reader.public_id}/choose",
            {"least_impact": "2"},
        ),
        "admin group": (f"/admin/components/group/{group.pk}/change/", "", {"name": "Store"}),
        "admin component": (
            f"/admin/components/component/{one.pk}/change/",
            "",
            {"probes-0-interval_s": "120"},
        ),
        "admin probe": (f"/admin/components/probe/{probe.pk}/change/", "", {"interval_s": "240"}),
    }


NAMES = ("component", "group", "probe", "settings", "template", "maintenance", "amend", "edit", "subscriber",
         "admin group", "admin component", "admin probe")  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_form_saved_as_it_was_shown_writes_no_row(admin, name):
    page, action, change = forms()[name]
    saved_as_shown(admin, page, action)
    assert [(row.act, row.before, row.after) for row in rows()] == []
    saved_as_shown(admin, page, action, **change)
    assert len(rows()) == 1


def test_the_other_forms_of_people(admin):
    bob = person("bob", Role.EDITOR)
    admin.post(f"/console/people/{bob.pk}/role/", {"role": Role.EDITOR.value})
    root = AlertChannel.objects.model._meta.get_field("user").related_model.objects.get(username="root")
    channel = AlertChannel(user=root, channel="email", created_at=timezone.now(), wants_system=True)
    channel.point_to("root@widgetify.example", "root@widgetify.example")
    channel.save()
    html = admin.get("/console/alerts/").content.decode()
    action = f"/console/alerts/{channel.pk}/choose"
    admin.post(action, as_shown(html, action=action))
    assert rows() == []
    admin.post(action, {"wants_incidents": "on"})
    admin.post(f"/console/people/{bob.pk}/role/", {"role": Role.VIEWER.value})
    assert [row.act for row in rows()] == ["alerts.choose", "person.role"]


def test_what_happened_without_a_visible_change_is_written_down(admin):
    one = watched(kind="http").component
    incident = Incident.objects.open("Slow", "Words.", now=timezone.now(), components=[one])
    admin.post(f"/console/incidents/{incident.public_id}/note", {"body": "Between us."})
    now = timezone.now()
    start, end = now + timedelta(hours=1), now + timedelta(hours=2)
    work = Maintenance.objects.plan(
        title="Disks", body="x", starts_at=start, ends_at=end, now=now, components=[one], author=None
    )
    admin.post(f"/console/maintenance/{work.public_id}/post", {"body": "Soon."})
    admin.post(f"/console/subscribers/{mail().public_id}/test")
    assert [row.act for row in rows()] == ["incident.note", "maintenance.post", "subscriber.test"]


def test_a_changed_secret_and_other_components_of_the_same_number(admin):
    probe = watched(kind="http", target="https://example.org/?key=a", options={"headers": "X: a"})
    page = f"/console/probes/{probe.public_id}/edit"
    saved_as_shown(admin, page, "", target="https://example.org/?key=b")
    saved_as_shown(admin, page, "", http__headers="X: b")
    reader = mail(is_all=False)
    made = [Component.objects.create(name=f"Part {number}") for number in range(9)]
    reader.components.set(made[:4])
    at = f"/console/subscribers/{reader.public_id}"
    saved_as_shown(admin, at, f"{at}/choose", components=[one.pk for one in made[5:]])
    assert [row.act for row in rows()] == ["probe.edit", "probe.edit", "subscriber.choose"]
    assert "key=b" not in str([row.after for row in rows()])
    assert Probe.objects.get().target.endswith("key=b")
    assert Subscriber.objects.get().components.count() == 4
