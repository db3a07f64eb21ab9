"""What a round costs that calls nothing, and what is said of people whose account is gone."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from components.models import Check
from components.outcomes import Failure
from incidents.hooks import acting, asking
from incidents.models import Act, Incident
from subscribers.alerts import recovery
from tests.incidents.hooks.making import after, failing, found, hook, notes
from tests.people import person

pytestmark = pytest.mark.data


def looks_at_checks(row):
    incident = Incident.objects.get()
    with CaptureQueriesContext(connection) as queries:
        why = acting.refusal(row, incident, after(seconds=12))
    return why, any(f'"{Check._meta.db_table}"' in query["sql"] for query in queries)


def test_a_hook_for_other_failures_asks_for_no_diagnosis(db):
    """It is asked every second, as long as the incident is open."""
    probe = failing(failure=Failure.STATUS)
    other = hook(probe.component, "https://ops.example/a", failures=["refused"])
    own = hook(probe.component, "https://ops.example/b", failures=["status"], causes=["overload"])
    assert looks_at_checks(other) == ("The hook is not for this failure.", False)
    why, looked = looks_at_checks(own)
    assert (why.startswith("The hook is not for this cause"), looked) == (True, True)


def test_a_hook_for_other_causes_or_without_approval_asks_again_only_after_a_check(rounds, target):
    probe = failing(failure=Failure.STATUS)
    hook(probe.component, target.url, causes=["overload"])
    hook(probe.component, target.url, needs_approval=True)

    def looks(second):
        with CaptureQueriesContext(connection) as queries:
            rounds.at(after(seconds=second))
        return sum(f'"{Check._meta.db_table}"' in query["sql"] for query in queries)

    assert looks(12) > 0
    assert Act.objects.get().is_proposed
    looks(13)
    assert [looks(14), looks(15)] == [0, 0]
    found(probe, "down", after(seconds=20))
    assert looks(21) > 0
    assert looks(22) == 0


def test_nothing_that_fails_needs_no_diagnosis(db):
    probe = failing()
    row = hook(probe.component, "https://ops.example/a")
    probe.outcome = "up"
    probe.save()
    assert looks_at_checks(row) == ("The component is not failing.", False)


@pytest.mark.parametrize("decision", [asking.approve, asking.refuse])
def test_whoever_decided_is_staff_once_the_account_is_gone(rounds, target, decision):
    probe = failing()
    hook(probe.component, target.url, needs_approval=True)
    rounds.at(after(seconds=12))
    act = Act.objects.get()
    ada = person("ada")
    decision(act, after(seconds=20), author=ada)
    assert "by ada:" in recovery.decided(act.key)
    ada.delete()
    assert "by staff:" in recovery.decided(act.key)
    rounds.at(after(seconds=30))
    assert "None" not in " ".join(notes(Incident.objects.get())).replace("None of", "")
    if decision is asking.approve:
        assert "approved by staff" in " ".join(notes(Incident.objects.get()))


def test_a_call_by_a_person_whose_account_is_gone_is_one_by_staff(rounds, target):
    probe = failing()
    row = hook(probe.component, target.url, is_armed=False)
    ada = person("ada")
    asking.press(row, Incident.objects.get(), after(seconds=12), author=ada)
    ada.delete()
    rounds.at(after(seconds=13))
    assert any(note.startswith("Staff called recovery hook") for note in notes(Incident.objects.get()))
