"""Whatever staff and machine do in whatever order, the life of an incident keeps its laws."""

import uuid
from datetime import timedelta
from itertools import pairwise

from django.conf import settings as django_settings
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from components.models import Component, Probe
from components.status import Status
from incidents import automation, handover, undoing
from incidents.automation import PROMISES
from incidents.lifecycle import Kind, Phase
from incidents.models import Affected, Incident, Post, Update
from tests.faults.faults import length
from tests.making import NOW, fell, found, group, rose, watched

PHASES = st.sampled_from(list(Phase))
STATUSES = st.sampled_from(["operational", "degraded_performance", "partial_outage", "major_outage"])


class Life(RuleBasedStateMachine):
    """Two components of one group, two people, and time."""

    def __init__(self) -> None:
        super().__init__()
        ours = group()
        self.now = NOW
        self.probes = [
            watched("Web", group=ours, auto="publish"),
            watched("Chat", group=ours, auto="delay", position=2),
        ]
        self.people = [get_user_model().objects.create_user(f"p{n}-{uuid.uuid4().hex[:12]}") for n in (1, 2)]
        for probe in self.probes:
            found(probe, "up", self.now)
            probe.refresh_from_db()
        self.words = set()
        fell(self.probes[0], self.now + timedelta(seconds=30))
        self.now += timedelta(minutes=1)

    def pick(self, n):
        rows = list(Incident.objects.order_by("pk"))
        return rows[n % len(rows)] if rows else None

    def attempt(self, verb, *arguments, **more):
        """A verb either does all of it or refuses with a sentence and changes nothing."""
        before = self.picture()
        try:
            return verb(*arguments, **more)
        except ValidationError as refused:
            assert all(message.strip() for message in refused.messages)  # noqa: PT017
            assert self.picture() == before
            return None

    def picture(self):
        return (
            list(Incident.objects.order_by("pk").values_list("pk", "phase", "resolved_at", "deleted_at")),
            Update.objects.count(),
            list(Component.objects.order_by("pk").values_list("status", "manual_status")),
        )

    @rule(minutes=st.integers(0, 90))
    def time_passes(self, minutes):
        self.now += timedelta(minutes=minutes, seconds=1)
        automation.advance(self.now)

    @rule(n=st.integers(0, 1))
    def a_probe_fails(self, n):
        self.now += timedelta(seconds=30)
        fell(self.probes[n], self.now)
        self.now += timedelta(seconds=20)

    @rule(n=st.integers(0, 1))
    def a_probe_recovers(self, n):
        self.now += timedelta(seconds=30)
        rose(self.probes[n], self.now)
        self.now += timedelta(seconds=20)

    @rule(n=st.integers(0, 1))
    def a_probe_rests(self, n):
        self.probes[n].pause(self.now)
        self.now += timedelta(seconds=5)
        automation.advance(self.now)
        self.probes[n].resume(self.now)
        self.probes[n].refresh_from_db()

    @rule(n=st.integers(0, 5), who=st.integers(0, 1), phase=PHASES, status=STATUSES, part=st.integers(0, 1))
    def somebody_posts(self, n, who, phase, status, part):
        incident = self.pick(n)
        if incident is None:
            return
        body = f"Word {len(self.words)} of {phase}."
        update = self.attempt(
            incident.post,
            Post(body, phase=phase, undo_s=20, statuses={self.probes[part].component: status}),
            now=self.now,
            author=self.people[who],
        )
        if update is not None:
            self.words.add(body)

    @rule(n=st.integers(0, 9), late=st.booleans())
    def somebody_undoes(self, n, late):
        updates = list(Update.objects.exclude(undo_until=None).order_by("pk"))
        if updates:
            update = updates[n % len(updates)]
            self.attempt(
                undoing.undo, update.incident, update, update.at + timedelta(seconds=25 if late else 5)
            )

    @rule(n=st.integers(0, 5), phase=PHASES, part=st.integers(0, 1), falls=st.booleans())
    def a_probe_turns_before_somebody_undoes(self, n, phase, part, falls):
        incident = self.pick(n)
        if incident is None:
            return
        body = f"Undone {len(self.words)}."
        update = self.attempt(
            incident.post, Post(body, phase=phase, undo_s=20), now=self.now, author=self.people[0]
        )
        if update is None:
            return
        self.words.add(body)
        for second in (2, 8):
            found(self.probes[part], "down" if falls else "up", self.now + timedelta(seconds=second))
        self.probes[part].refresh_from_db()
        self.now += timedelta(seconds=15)
        self.attempt(undoing.undo, update.incident, update, self.now)
        automation.advance(self.now)

    @rule(
        n=st.integers(0, 5),
        verb=st.sampled_from(
            [handover.take_over, handover.hand_back, Incident.delete_softly, handover.restore]
        ),
    )
    def somebody_acts(self, n, verb):
        incident = self.pick(n)
        if incident is not None:
            self.attempt(verb, incident, self.now, author=self.people[0])

    @rule(part=st.integers(0, 1), status=st.one_of(st.just(""), STATUSES))
    def somebody_sets_a_status(self, part, status):
        component = Component.objects.get(pk=self.probes[part].component_id)
        component.manual_status = status
        component.save(update_fields=["manual_status"])
        component.refresh(self.now)
        component.judge_again(self.now)
        automation.advance(self.now)

    @rule(n=st.integers(0, 5), m=st.integers(0, 5))
    def two_are_one(self, n, m):
        if (one := self.pick(n)) is not None:
            self.attempt(automation.merge, one, self.pick(m), self.now, author=self.people[0])

    @rule(n=st.integers(0, 5))
    def it_comes_back(self, n):
        incident = self.pick(n)
        if incident is not None and incident.resolved_at:
            body = f"Back {len(self.words)}."
            done = self.attempt(
                incident.post,
                Post(body, phase="investigating", reopens=True),
                now=self.now,
                author=self.people[1],
            )
            if done is not None:
                self.words.add(body)

    @precondition(lambda self: Incident.objects.count() < 3)
    @rule(part=st.integers(0, 1), status=STATUSES)
    def somebody_opens(self, part, status):
        body = f"Opened {len(self.words)}."
        opened = self.attempt(Incident.objects.open, "By hand", body, now=self.now, author=self.people[0],
                              statuses={self.probes[part].component: status})  # fmt: skip
        if opened is not None:
            self.words.add(body)

    @invariant()
    def no_component_is_in_two_open_incidents_of_the_machine(self):
        for probe in self.probes:
            assert Affected.objects.filter(component=probe.component, is_auto_open=True).count() <= 1
        held = Affected.objects.filter(is_auto_open=True, incident__resolved_at__isnull=False)
        assert not held.exclude(incident__phase=Phase.RESOLVED).exists()

    @invariant()
    def phase_and_end_agree(self):
        for incident in Incident.objects.filter(merged_into=None):
            assert (incident.phase == Phase.RESOLVED) == (incident.resolved_at is not None)
            if incident.resolved_at:
                assert incident.resolved_at >= incident.started_at
                assert incident.next_update_at is None

    @invariant()
    def no_word_of_a_person_is_lost(self):
        kept = set(Update.objects.filter(kind__in=(Kind.POST, Kind.RETRACTED)).values_list("body", flat=True))
        assert self.words <= kept

    @invariant()
    def entries_are_numbered_without_a_gap(self):
        for incident in Incident.objects.all():
            numbers = list(incident.updates.order_by("number").values_list("number", flat=True))
            assert numbers == list(range(1, len(numbers) + 1))

    @invariant()
    def the_machine_is_silent_in_what_people_own(self):
        for incident in Incident.objects.filter(is_owned=True, settle_at__isnull=False):
            raise AssertionError(incident)

    @invariant()
    def the_machine_resolves_nothing_that_staff_call_down(self):
        for incident in Incident.objects.live().filter(resolved_at=None).exclude(settle_at=None):
            judged = [row.component for row in incident.spoken_of() if row.component.judge_at is None]
            assert not any(component.is_set_to_trouble for component in judged)

    @invariant()
    def the_machine_monitors_nothing_that_fails(self):
        watching = Incident.objects.live().filter(is_owned=False, phase=Phase.MONITORING)
        for incident in watching.exclude(settle_at=None):
            assert incident.troubled() == []

    @invariant()
    def what_is_merged_leads_to_what_is_not(self):
        assert not Incident.objects.exclude(merged_into=None).exclude(merged_into__merged_into=None).exists()

    def teardown(self):
        """Once all of it works and the machine has it all, everything ends."""
        for part in (0, 1):
            self.somebody_sets_a_status(part, "")
            self.a_probe_recovers(part)
        for incident in Incident.objects.live().filter(resolved_at=None, is_owned=True):
            self.attempt(handover.hand_back, incident, self.now, author=self.people[0])
        self.time_passes(0)
        self.time_passes(20)
        assert not Incident.objects.live().filter(resolved_at=None).exists()

    @invariant()
    def the_machine_promises_no_later_than_its_ladder_and_nothing_nobody_looks_at(self):
        ours = Incident.objects.live().filter(is_by_machine=True, is_owned=False, resolved_at=None)
        for incident in ours.exclude(next_update_at=None):
            assert incident.next_update_at <= self.now + PROMISES[min(incident.still_said, 3)]
            assert incident.unwatched_at is None

    @invariant()
    def what_is_young_and_nobodys_is_one_incident(self):
        window = timedelta(seconds=django_settings.JOIN_WINDOW_S)
        ours = Incident.objects.live().filter(is_by_machine=True, is_owned=False, resolved_at=None)
        opened = sorted(ours.values_list("created_at", flat=True))
        assert all(later - sooner > window for sooner, later in pairwise(opened))

    @invariant()
    def what_is_shown_is_what_the_log_says(self):
        for component in Component.objects.all():
            span = component.spans.get(ended_at=None)
            assert (component.status, component.judged()) == (span.status, Status(span.status))


class LifeTest(TestCase):
    def test_the_laws_hold(self):
        def fresh():
            Incident.objects.all().delete()
            Probe.objects.all().delete()
            Component.objects.all().delete()
            return Life()

        run_state_machine_as_test(
            fresh,
            settings=settings(
                max_examples=length(12, 60), stateful_step_count=30, deadline=None, derandomize=True,
                suppress_health_check=list(HealthCheck),
            ),
        )  # fmt: skip
