"""Settings, Regions: a key that is shown once, and what each region was last seen doing."""

import re
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from components.models import RemoteRegion
from statuspage.models import Audit, Role
from statuspage.ops.vitals import vitals
from subscribers.alerts import kinds
from tests.making import watched
from tests.people import person

KEY = re.compile("whsec_[A-Za-z0-9+/]{43}=")


@pytest.fixture
def admin(db):
    client = Client()
    client.force_login(person("root", Role.ADMIN))
    return client


def page(admin) -> str:
    return admin.get("/console/settings/regions").content.decode()


def test_a_key_is_shown_once_when_a_region_is_added_and_when_it_is_rotated(admin):
    said = admin.post("/console/settings/regions", {"name": "far"}).content.decode()
    (first,) = KEY.findall(said)
    region = RemoteRegion.objects.get()
    now = timezone.now()
    assert region.keys(now) == [first]
    assert not KEY.search(page(admin))
    (second,) = KEY.findall(admin.post(f"/console/settings/regions/{region.pk}/rotate").content.decode())
    region.refresh_from_db()
    assert region.keys(now) == [second, first]
    assert region.keys(now + timedelta(hours=25)) == [second]
    assert "old key valid until" in page(admin)
    admin.post(f"/console/settings/regions/{region.pk}/remove")
    assert not RemoteRegion.objects.exists()
    acts = list(Audit.objects.filter(act__startswith="region.").order_by("id").values_list("act", flat=True))
    assert acts == ["region.add", "region.rotate", "region.remove"]
    assert not any(KEY.search(f"{row.before}{row.after}{row.thing}") for row in Audit.objects.all())


def test_a_key_that_others_may_know_ends_at_once(admin):
    region, _ = RemoteRegion.objects.add("far", own="local")
    said = admin.post(f"/console/settings/regions/{region.pk}/rotate", {"at_once": "yes"}).content.decode()
    (second,) = KEY.findall(said)
    region.refresh_from_db()
    assert region.keys(timezone.now()) == [second]
    assert "The previous key is no longer valid." in said
    assert Audit.objects.get(act="region.rotate").after == {"at once": True}


def test_neither_a_key_nor_a_region_goes_by_one_press(admin):
    """Its button is folded away, behind what it would do."""
    RemoteRegion.objects.add("far", own="local")
    watched(region="far", kind="http")
    text = page(admin)
    for act, words in (
        ("rotate", "The agent needs the new key."),
        ("remove", "What it checks becomes unknown: 1 check."),
    ):
        before, after = text.split(f'/{act}"', 1)
        assert before.rindex("<details") > before.rfind("</details")
        assert words in " ".join(after.partition("</details")[0].split())


@pytest.mark.parametrize("name", ["local", "a b", "x/y", "", "  ", "x" * 41, "far"])
def test_a_name_that_cannot_be_a_region_is_refused_with_a_sentence(admin, name):
    RemoteRegion.objects.add("far", own="local")
    response = admin.post("/console/settings/regions", {"name": name})
    assert response.status_code == 400
    assert RemoteRegion.objects.count() == 1
    assert "error" in response.content.decode()


def test_a_region_that_stopped_asking_is_seen_on_the_page_in_health_and_by_staff(admin, world_of):
    region = RemoteRegion.objects.add("far", own="local")[0]
    watched(region="far", kind="http")
    assert vitals(timezone.now())[0]["checks"]["regions:lastSeen"][0]["status"] == "pass"  # not set up yet
    RemoteRegion.objects.update(last_seen_at=timezone.now() - timedelta(minutes=3))
    assert "cut off" in page(admin)
    check = vitals(timezone.now())[0]["checks"]["regions:lastSeen"][0]
    assert check["status"] == "warn"
    assert "far" not in check["output"]  # /healthz is public
    assert [owed.subject for owed in kinds.regions(world_of())] == ["far"]
    assert "regions:lastSeen" not in [owed.subject for owed in kinds.parts(world_of())]
    seen_at = timezone.now() - timedelta(days=2)
    RemoteRegion.objects.update(last_seen_at=seen_at)
    (owed,) = kinds.regions(world_of())
    assert f"{seen_at.day} {seen_at:%b}" in owed.body  # a time alone would be today's
    RemoteRegion.objects.update(last_seen_at=timezone.now())
    assert list(kinds.regions(world_of())) == []
    assert "cut off" not in page(admin)
    region.refresh_from_db()
    assert not region.is_seen(timezone.now() - timedelta(minutes=5))  # a time in the future says nothing


def test_slots_that_a_region_has_not_asked_for_are_no_lateness_of_ours(admin):
    probe = watched(region="far", kind="http")
    type(probe).objects.update(next_slot=int(timezone.now().timestamp()) - 600)
    assert vitals(timezone.now())[0]["checks"]["probes:oldestDueSlot"][0]["status"] == "fail"
    RemoteRegion.objects.add("far", own="local")
    assert vitals(timezone.now())[0]["checks"]["probes:oldestDueSlot"][0]["status"] == "pass"


@pytest.fixture
def world_of():
    """What alerts are judged by, at this moment."""

    def make():
        now = timezone.now()
        checks = {name: rows[0] for name, rows in vitals(now)[0]["checks"].items()}
        return type("World", (), {"now": now, "vitals": checks, "node": ""})()

    return make


def test_the_command_does_the_same(db, capsys):
    call_command("region", "add", "far")
    key = KEY.search(capsys.readouterr().out)[0]
    assert RemoteRegion.objects.get().keys(timezone.now()) == [key]
    call_command("region", "list")
    assert "far: never seen" in capsys.readouterr().out
    call_command("region", "rotate", "far", "--now")
    new = KEY.search(capsys.readouterr().out)[0]
    assert RemoteRegion.objects.get().keys(timezone.now()) == [new]
    watched(region="far", kind="http")
    call_command("region", "remove", "far")
    assert "1 check is" in capsys.readouterr().out
    for act in (["rotate", "far"], ["remove", "far"], ["add", "local"], ["add", "a b"]):
        with pytest.raises(CommandError, match="NAME"):
            call_command("region", *act)
    assert Audit.objects.filter(act="region.rotate").count() == 1
