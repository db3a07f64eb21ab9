"""What the console says of the second uptime figure is true at the moment that it says it."""

import re

import pytest
from django.utils import timezone

from incidents import automation
from incidents.models import Maintenance
from statuspage.console.maintenance import Excused
from statuspage.models import Role
from tests.incidents.test_maintenance import TWO_HOURS
from tests.making import NOW, after, component
from tests.people import person

WILL = "Will be excluded from the second uptime figure:"
NOT = "Nothing is excluded from the second uptime figure:"
WILL_NOT = "Nothing will be excluded from the second uptime figure:"
IS = "Excluded from the second uptime figure:"


def planned(*, announced, starts, **more):
    return Maintenance.objects.plan(
        "Upgrade", "We upgrade.", starts, starts + TWO_HOURS, components=[component("Mail")], now=announced,
        notice_h=0, **more,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("announced_h", "began_h", "at_h", "told"),
    [
        # announced in time
        (-24, None, -20, (WILL, (0, 2))),  # begins tomorrow
        (-24, None, 1, (WILL, (1, 2))),  # nobody has begun it yet
        (-24, None, 3, (f"{WILL_NOT} the announced time is over.", None)),
        (-24, 0, 1, (IS, (0, 2))),  # under way
        (-24, 3, 4, (f"{NOT} it did not take place in the announced time.", None)),
        # announced when it was to have begun already
        (1, None, 1, (f"{WILL_NOT} it was announced after its planned start.", None)),
        (1, 1.1, 1.5, (f"{NOT} it was not announced before it began.", None)),
    ],
)
@pytest.mark.django_db
def test_the_sentence_is_true(announced_h, began_h, at_h, told):
    work = planned(announced=after(hours=announced_h), starts=NOW, starts_by_itself=False)
    if began_h is not None:
        work.begin(after(hours=began_h))
    said = Excused.of(work, after(hours=at_h))
    words, stretch = told
    assert (said.words, said.stretch) == (words, stretch and tuple(after(hours=hour) for hour in stretch))


def test_over_it_ends_when_the_work_ended(db):
    work = planned(announced=after(hours=-24), starts=NOW, starts_by_itself=False)
    work.begin(NOW)
    automation.complete_maintenance(work, after(hours=1))
    assert Excused.of(work, after(hours=5)).stretch == (NOW, after(hours=1))


def test_cancelled_work_did_not_take_place(db):
    work = planned(announced=after(hours=-24), starts=NOW)
    work.cancel(after(hours=-2))
    told = Excused.of(work, after(hours=-1))
    assert told.words == f"{NOT} this maintenance did not take place."


def test_the_page_says_it(client, db):
    client.force_login(person("ada", Role.VIEWER))
    work = planned(announced=timezone.now(), starts=timezone.now() + TWO_HOURS)
    text = client.get(f"/console/maintenance/{work.public_id}").content.decode()
    shown = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", text))
    assert WILL in shown
    assert "not announced" not in shown
