"""What is kept between two renderings never shows: each is, byte for byte, a rendering from nothing."""

import random
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError

from components.models import Component, Group, Page, Probe
from components.status import Status
from components.tasks import tally_days
from components.uptime import Seconds, hundredths
from incidents import automation
from incidents.models import Incident, Maintenance, Post
from incidents.tallies import tally_excused
from statuspage.public import days, kept_days, kept_rows, views
from tests.filling import fill
from tests.making import NOW, found, watched

STEPS = 60


@contextmanager
def nothing_kept():
    days, rows = kept_days._memory.kept, dict(kept_rows._kept)
    kept_days.clear()
    kept_rows.clear()
    yield
    kept_days._memory.kept = days
    kept_rows.clear()
    kept_rows._kept.update(rows)


def rendered(now):
    draft = views.overview.gather(now)
    return [body.decode() for _, body in draft.variants(now)] + [(draft.old(now) or b"").decode()]


class Walk:
    """A page to which things happen, in an order that a seed decides."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.now = NOW
        self.probes = [watched(f"Part {n}", position=n + 1) for n in range(5)]
        fill(components=3, days=95, incidents=3, now=NOW - timedelta(days=1))
        for probe in self.probes:
            found(probe, "up", NOW - timedelta(minutes=1))

    def wait(self):
        length = self.random.choice(
            [{"seconds": 1}, {"seconds": 50}, {"minutes": 11}, {"hours": 5}, {"hours": 26}]
        )
        self.now += timedelta(**length)

    def turn_back(self):
        self.now -= timedelta(seconds=30)

    def check(self):
        self.now += timedelta(seconds=2)
        for probe in Probe.objects.filter(is_paused=False).order_by("id"):
            if self.random.random() < 0.7:
                found(
                    probe, self.random.choice(["up"] * 8 + ["down"]), self.now, gap=self.random.random() < 0.1
                )

    def check_well(self):
        for _ in range(2):
            self.now += timedelta(seconds=20)
            for probe in Probe.objects.filter(is_paused=False).order_by("id"):
                found(probe, "up", self.now)

    def tally(self):
        tally_days(self.now)
        tally_excused(self.now)

    def component(self):
        return self.random.choice(list(Component.objects.order_by("id")))

    def say_by_hand(self):
        self.component().say_by_hand(self.random.choice(list(Status)), self.now)

    def release(self):
        for component in Component.objects.exclude(manual_status=""):
            component.release(self.now)

    def rename(self):
        Component.objects.filter(pk=self.component().pk).update(
            name=f"Renamed <{self.now:%H%M%S}>", description="&"
        )

    def hide_or_show(self):
        component = self.component()
        component.is_shown = not component.is_shown
        component.save()

    def move(self):
        group, _ = Group.objects.get_or_create(name=f"Group {self.random.randrange(3)}")
        component = self.component()
        component.group, component.position = self.random.choice([group, None]), self.random.randrange(9)
        component.save()

    def delete(self):
        if Component.objects.count() > 4:
            self.component().delete()

    def add(self):
        watched(f"New {self.now:%H%M%S}", position=self.random.randrange(9))

    def pause_or_resume(self):
        probe = Probe.objects.order_by("?").first()
        if probe is not None:
            (probe.resume if probe.is_paused else probe.pause)(self.now)

    def open(self):
        Incident.objects.open(
            f"Outage {self.now:%H%M%S}", "We look into it.", now=self.now, components=[self.component()],
        )  # fmt: skip

    def post(self):
        for incident in Incident.objects.live().filter(resolved_at=None)[:1]:
            phase = self.random.choice(["identified", "monitoring", "resolved"])
            incident.post(Post("More is known.", phase=phase), now=self.now)

    def plan(self):
        start = self.now + timedelta(minutes=self.random.choice([5, 90]))
        Maintenance.objects.plan(
            f"Work {self.now:%H%M%S}", "We upgrade.", start, start + timedelta(hours=1),
            components=[self.component()], now=self.now, notice_h=0,
        )  # fmt: skip

    def advance(self):
        automation.advance_maintenance(self.now)

    def settings(self):
        zone = self.random.choice(["UTC", "Asia/Tokyo", "America/New_York"])
        Page.objects.filter(pk=1).update(name=f"Page {self.random.randrange(3)}", time_zone=zone)
        Page.objects.bump_version()
        rendered(self.now)  # every process reads the page before it counts or renders
        tally_days(self.now, since=(self.now - timedelta(days=95)).date())

    def restart(self):
        self.random.choice([kept_days.clear, kept_rows.clear])()

    def step(self):
        actions = [
            self.wait, self.wait, self.check, self.check, self.check_well, self.check_well, self.tally,
            self.tally, self.say_by_hand, self.release, self.rename, self.hide_or_show, self.move,
            self.delete, self.add, self.pause_or_resume, self.open, self.post, self.post, self.plan,
            self.advance, self.advance, self.settings, self.restart, self.turn_back,
        ]  # fmt: skip
        action = self.random.choice(actions)
        with suppress(ValidationError):  # what staff may not do
            action()
        return action.__name__


@pytest.mark.data
@pytest.mark.parametrize("seed", range(3))
def test_whatever_happens_it_is_the_page_made_from_nothing(db, seed):
    walk = Walk(seed)
    happened = []
    for _ in range(STEPS):
        happened.append(walk.step())
        shown = rendered(walk.now)
        with nothing_kept():
            fresh = rendered(walk.now)
        assert shown == fresh, happened[-5:]


def quiet_page(now=NOW):
    """Three components with 95 days and an outage each; all are up."""
    components, _ = fill(components=3, days=95, incidents=3, now=now)
    return components


def pasts_made(monkeypatch, now):
    """For how many components a rendering makes the past anew."""
    made = []
    whole = days._past
    with monkeypatch.context() as patched:
        patched.setattr(days, "_past", lambda world, one: made.append(one.name) or whole(world, one))
        rendered(now)
    return sorted(made)


def test_only_what_changed_is_made_again(db, monkeypatch):
    first, *_ = quiet_page()
    assert pasts_made(monkeypatch, NOW) == ["Part 0", "Part 1", "Part 2"]
    assert pasts_made(monkeypatch, NOW + timedelta(seconds=5)) == []
    found(first.probes.get(), "up", NOW + timedelta(seconds=6))
    assert pasts_made(monkeypatch, NOW + timedelta(seconds=7)) == []
    first.say_by_hand(Status.DEGRADED_PERFORMANCE, NOW + timedelta(seconds=8))
    assert pasts_made(monkeypatch, NOW + timedelta(seconds=9)) == ["Part 0"]


def test_past_days_are_read_again_once_they_are_counted_again(db):
    first, *_ = quiet_page()
    tally_days(NOW)
    rendered(NOW)
    read = kept_days._memory.kept
    rendered(NOW + timedelta(seconds=10))
    assert kept_days._memory.kept is read
    tally_days(NOW + timedelta(seconds=20))  # today
    rendered(NOW + timedelta(seconds=30))
    assert kept_days._memory.kept is read
    first.spans.update(status="major_outage")
    tally_days(NOW + timedelta(seconds=40), since=(NOW - timedelta(days=3)).date())
    assert "2 d" in rendered(NOW + timedelta(seconds=50))[0]
    assert kept_days._memory.kept is not read


def test_a_component_that_is_hidden_leaves_nothing_behind(db):
    first, *_ = quiet_page()
    rendered(NOW)
    assert first.public_id in kept_rows._kept
    assert first.pk in kept_days._memory.kept.days
    first.is_shown = False
    first.save()
    rendered(NOW + timedelta(seconds=1))
    assert first.public_id not in kept_rows._kept
    assert first.pk not in kept_days._memory.kept.days


@pytest.mark.parametrize(
    "seconds",
    [
        Seconds(up=7_700_000, major=1_800), Seconds(up=7_700_000.123, partial=77.7, degraded=5),
        Seconds(up=100, major=300), Seconds(up=40_000, major=3.001), Seconds(up=40_000), Seconds(),
        Seconds(up=86_400 * 90, major=1),
    ],
    ids=str,
)  # fmt: skip
def test_a_figure_holds_until_the_moment_that_is_named(seconds):
    end = kept_rows.changes_at([seconds], NOW)
    length = (end - NOW).total_seconds()
    later = replace(seconds, up=seconds.up + max(length, 0))
    assert hundredths(later) == hundredths(seconds)
    if 0 < length < 86_400:  # and hardly longer: it is not made again all the time
        after = replace(seconds, up=later.up + 2 * kept_rows.MARGIN.total_seconds())
        assert hundredths(after) == hundredths(seconds) + 1
