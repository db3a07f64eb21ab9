"""From a failure to a verdict: what is called, what is written before and after, and when nothing is."""

import json

import pytest
from standardwebhooks.webhooks import Webhook

from components.models import AutoIncidents, Component, DeployMarker
from components.outcomes import Failure
from incidents import automation
from incidents.hooks import acting, asking
from incidents.models import Act, Brake, Hook, Incident, Maintenance, Update
from tests.incidents.hooks.making import (
    NOW,
    after,
    failing,
    fell,
    found,
    hook,
    notes,
    rose,
    secret,
    states,
)
from tests.making import joining, watched
from tests.people import person
from tests.targets import Target

pytestmark = pytest.mark.data


def test_a_failure_is_answered_by_one_signed_call_with_its_receipt(rounds, target):
    probe = failing(failure=Failure.REFUSED)
    target.says = b"restarting"
    restart = hook(probe.component, f"{target.url}restart?unit=chat")
    rounds.at(after(seconds=12))
    ((method, path, headers, body),) = target.asked
    assert (method, path) == ("POST", "/restart?unit=chat")
    lower = {name.lower(): value for name, value in headers.items()}
    verified = Webhook(secret).verify(body, {**lower})
    act = Act.objects.get()
    assert lower["webhook-id"] == act.key == verified["data"]["id"]
    assert verified["data"]["component"]["name"] == "Chat"
    assert json.loads(body)["data"]["failure"] == "refused"
    assert (act.state, act.answer_status, act.answer_excerpt) == ("answered", 200, "restarting")
    incident = Incident.objects.get()
    before, result = notes(incident)[-2:]
    assert "Calling recovery hook “Restart chat” (restart)" in before
    assert act.key in before
    assert "Call 1 of 3 in 1 h" in before
    assert "responded with 200" in result
    assert "`restarting`" in result
    assert not Update.objects.filter(kind="fact", body__contains="restart").exists()  # staff only by default
    rounds.at(after(seconds=60))
    assert len(target.asked) == 1  # it settles
    rose(probe, after(seconds=70))
    rounds.at(after(seconds=132))
    act.refresh_from_db()
    restart.refresh_from_db()
    assert (act.helped, act.is_open, restart.useless) == ("yes", False, 0)
    assert "helped: Chat is no longer failing" in notes(incident)[-1]


def test_the_row_and_its_line_are_there_before_the_receiver_is_asked(rounds):
    seen = []
    with Target() as receiver:
        probe = failing()
        hook(probe.component, receiver.url)
        sent = rounds.runner.call
        rounds.runner.call = lambda order: (
            seen.append((states(), notes(Incident.objects.get())[-1], len(receiver.asked))), sent(order)
        )  # fmt: skip
        rounds.at(after(seconds=12))
        ((state, note, asked),) = seen
        assert (state, asked, len(receiver.asked)) == (["started"], 0, 1)
        assert "Calling recovery hook" in note


def test_three_useless_calls_in_a_row_disarm_the_hook(rounds, target):
    probe = failing()
    row = hook(probe.component, target.url, budget=10, cooldown_s=0, settle_s=60)
    for number in range(4):
        start = 12 + number * 100
        rounds.at(after(seconds=start))
        found(probe, "down", after(seconds=start + 65))
        rounds.at(after(seconds=start + 70))
    row.refresh_from_db()
    assert len(target.asked) == 3
    assert [act.helped for act in Act.objects.all()] == ["no"] * 3
    assert (row.is_armed, row.useless) == (False, 3)
    assert "The last 3 calls did not help" in row.disarmed_reason
    assert "did not help: Chat still fails 1 min later" in "\n".join(notes(Incident.objects.get()))
    row.arm()
    rounds.at(after(seconds=500))
    assert len(target.asked) == 4


def test_a_call_that_helps_between_useless_ones_starts_the_count_again(rounds, target):
    probe = failing()
    row = hook(probe.component, target.url, budget=10, cooldown_s=0, settle_s=10)
    Hook.objects.update(useless=2)
    rounds.at(after(seconds=12))
    rose(probe, after(seconds=15))
    rounds.at(after(seconds=40))
    row.refresh_from_db()
    assert (row.useless, row.is_armed) == (0, True)


def test_the_verdict_waits_for_the_probe_to_confirm_it(rounds, target):
    probe = failing()
    hook(probe.component, target.url, settle_s=30)
    rounds.at(after(seconds=12))
    rounds.at(after(seconds=43))
    act = Act.objects.get()
    assert act.is_open  # no check since: neither yes nor no
    probe.refresh_from_db()
    assert probe.next_slot <= after(seconds=43).timestamp()  # it is asked at once
    found(probe, "up", after(seconds=45))
    rounds.at(after(seconds=46))
    assert Act.objects.get().is_open  # one good result proves nothing
    found(probe, "up", after(seconds=55))
    rounds.at(after(seconds=56))
    assert Act.objects.get().helped == "yes"


def test_without_any_check_afterwards_it_is_not_known_whether_it_helped(rounds, target):
    probe = failing()
    row = hook(probe.component, target.url, settle_s=30)
    rounds.at(after(seconds=12))
    rounds.at(after(seconds=45))
    rounds.at(after(minutes=12))
    act = Act.objects.get(is_open=False)
    row.refresh_from_db()
    assert (act.helped, row.useless) == ("unknown", 0)


def test_two_hooks_on_one_target_share_its_budget(rounds, target):
    chat, posts = failing("Chat"), failing("Posts", position=2)
    url = f"{target.url}restart"
    hook(chat.component, f"{url}?unit=chat", budget=1, cooldown_s=0, settle_s=1)
    hook(posts.component, f"{url}/?unit=posts", budget=1, cooldown_s=0, settle_s=1, name="Restart posts")
    for second in range(12, 1200, 40):
        for probe in (chat, posts):
            found(probe, "down", after(seconds=second))
        rounds.at(after(seconds=second + 5))
    assert len(target.asked) == 1
    rounds.at(after(seconds=3700))
    assert len(target.asked) == 2  # the window has passed


def test_only_one_call_at_a_time_for_an_incident(rounds, target):
    probe = failing()
    hook(probe.component, f"{target.url}a", settle_s=600)
    hook(probe.component, f"{target.url}b", settle_s=600)
    for second in (12, 13, 60, 300):
        rounds.at(after(seconds=second))
    assert [path for _, path, _, _ in target.asked] == ["/a"]


def test_the_brake_disarms_every_hook_until_a_person_arms_them_again(rounds, target, settings):
    settings.HOOKS_BRAKE_CALLS = 2
    joining("never")
    probes = [failing(f"Part {number}", position=number) for number in range(4)]
    for number, probe in enumerate(probes):
        hook(probe.component, f"{target.url}{number}")
    assert Incident.objects.count() == 4
    rounds.at(after(seconds=12))
    assert len(target.asked) == 2
    assert not Hook.objects.filter(is_armed=True).exists()
    brake = Brake.objects.engaged()
    assert "2 automatic calls in 10 min" in brake.reason
    assert any(
        "disarmed until a person arms" in note for one in Incident.objects.all() for note in notes(one)
    )
    waits = Hook.objects.get(name="Restart chat", target=f"127.0.0.1:{target.port}/3")
    waits.arm()
    rounds.at(after(seconds=20))
    assert len(target.asked) == 2  # armed, but the brake is on
    brake.release(after(seconds=30), by="ada")
    rounds.at(after(seconds=31))
    assert len(target.asked) == 3  # what was called before the release no longer counts
    assert Brake.objects.engaged() is None


def test_a_dry_run_writes_what_it_would_have_done_and_calls_nobody(rounds, target):
    probe = failing()
    hook(probe.component, target.url, is_dry_run=True, cooldown_s=300)
    for second in (12, 13, 200):
        rounds.at(after(seconds=second))
    assert target.asked == []
    assert (states(), "Dry run" in notes(Incident.objects.get())[-1]) == (["dry"], True)
    rounds.at(after(seconds=320))
    assert states() == ["dry", "dry"]


def test_a_proposal_waits_for_approval_and_is_called_once(rounds, target):
    probe, ada = failing(), person("ada")
    hook(probe.component, target.url, needs_approval=True)
    rounds.at(after(seconds=12))
    rounds.at(after(seconds=13))
    act = Act.objects.get()
    assert (act.state, target.asked) == ("proposed", [])
    asking.approve(act, after(seconds=20), author=ada)
    rounds.at(after(seconds=21))
    rounds.at(after(seconds=22))
    assert len(target.asked) == 1
    assert "approved by ada" in "\n".join(notes(Incident.objects.get()))
    with pytest.raises(Exception, match="decided already"):
        asking.approve(act, after(seconds=30), author=ada)


def test_what_is_refused_is_not_proposed_again_for_this_incident(rounds, target):
    probe, ada = failing(), person("ada")
    hook(probe.component, target.url, needs_approval=True, cooldown_s=0)
    rounds.at(after(seconds=12))
    asking.refuse(Act.objects.get(), after(seconds=20), author=ada)
    rounds.at(after(seconds=400))
    assert (states(), target.asked) == (["refused"], [])


def test_a_proposal_whose_component_recovers_is_dropped(rounds, target):
    probe, ada = failing(), person("ada")
    hook(probe.component, target.url, needs_approval=True)
    rounds.at(after(seconds=12))
    asking.approve(Act.objects.get(), after(seconds=14), author=ada)
    rose(probe, after(seconds=20))
    rounds.at(after(seconds=31))
    assert (states(), target.asked) == (["dropped"], [])
    assert "was not called. The component is not failing." in notes(Incident.objects.get())[-1]


def test_an_incident_that_a_person_has_taken_is_left_to_them(rounds, target):
    probe, ada = failing(), person("ada")
    row = hook(probe.component, target.url, budget=1, cooldown_s=3600, settle_s=1)
    Incident.objects.update(is_owned=True)
    rounds.at(after(seconds=12))
    assert target.asked == []
    asking.press(row, Incident.objects.get(), after(seconds=20), author=ada)
    rounds.at(after(seconds=21))
    assert len(target.asked) == 1  # the button was pressed
    assert "ada called recovery hook" in "\n".join(notes(Incident.objects.get()))
    found(probe, "down", after(seconds=25))
    rounds.at(after(seconds=30))
    Incident.objects.update(is_owned=False)
    rounds.at(after(seconds=40))
    assert len(target.asked) == 2  # a person's own call used nothing of the automatic budget
    assert Hook.objects.get().useless == 0


def test_people_do_not_call_twice_at_once(rounds, target):
    probe, ada = failing(), person("ada")
    row = hook(probe.component, target.url, is_armed=False)
    incident = Incident.objects.get()
    asking.press(row, incident, after(seconds=20), author=ada)
    with pytest.raises(Exception, match="has not been judged yet"):
        asking.press(row, incident, after(seconds=21), author=ada)
    rounds.at(after(seconds=22))
    assert len(target.asked) == 1


def test_nothing_is_called_during_maintenance(rounds, target):
    probe = failing()
    hook(probe.component, target.url)
    Maintenance.objects.plan(
        "Move", "We move.", starts_at=after(seconds=11), ends_at=after(hours=1), now=after(seconds=5),
        components=[probe.component],
    )  # fmt: skip
    automation.advance_maintenance(after(seconds=11))
    rounds.at(after(seconds=12))
    assert target.asked == []


@pytest.mark.parametrize("is_of_all", [True, False])
def test_nothing_is_called_right_after_a_deploy(rounds, target, is_of_all):
    probe = failing()
    hook(probe.component, target.url)
    DeployMarker.objects.create(at=after(seconds=-60), component=None if is_of_all else probe.component)
    rounds.at(after(seconds=12))
    assert target.asked == []
    rounds.at(after(seconds=541))
    assert len(target.asked) == 1


@pytest.mark.parametrize("failure", [Failure.TLS, Failure.DNS, Failure.DENIED])
def test_nothing_is_called_for_what_a_call_cannot_mend(rounds, target, failure):
    hook(failing(failure=failure).component, target.url)
    rounds.at(after(seconds=12))
    assert target.asked == []


def test_nothing_is_called_where_something_that_it_needs_fails(rounds, target):
    database = failing("Database")
    api = watched("API", position=2)
    api.component.needs.add(database.component)
    fell(api, after(seconds=20))
    hook(api.component, target.url)
    rounds.at(after(seconds=60))
    assert target.asked == []
    hook(database.component, f"{target.url}database")
    rounds.at(after(seconds=61))
    assert [path for _, path, _, _ in target.asked] == ["/database"]


def test_nothing_is_called_where_staff_set_the_status(rounds, target):
    probe = failing()
    hook(probe.component, target.url)
    Component.objects.update(manual_status="major_outage")
    rounds.at(after(seconds=12))
    assert target.asked == []


def test_nothing_is_called_without_an_incident(rounds, target):
    probe = failing(auto=AutoIncidents.OFF)
    hook(probe.component, target.url)
    rounds.at(after(seconds=12))
    assert target.asked == []


def test_a_hook_for_other_failures_or_causes_is_not_called(rounds, target):
    probe = failing(failure=Failure.REFUSED)
    hook(probe.component, f"{target.url}status", failures=["status"])
    hook(probe.component, f"{target.url}overload", causes=["overload"])
    rounds.at(after(seconds=12))
    assert target.asked == []
    hook(probe.component, f"{target.url}this", failures=["refused"], causes=["not_started"])
    rounds.at(after(seconds=13))
    assert [path for _, path, _, _ in target.asked] == ["/this"]


def test_an_announced_call_is_a_public_fact_without_any_detail(rounds, target):
    probe = failing()
    hook(probe.component, target.url, is_announced=True)
    rounds.at(after(seconds=12))
    fact = Update.objects.filter(kind="fact").latest("number")
    assert fact.body == "A restart of Chat was started automatically."


def test_an_old_secret_signs_as_well_for_a_day(rounds, target):
    """Standard Webhooks: a receiver that has either of them takes the call."""
    row = hook(failing().component, target.url, cooldown_s=0, settle_s=0)
    row.change_secret(after(seconds=5))
    row.save()
    assert row.old_secret_until(after(seconds=12)) == after(hours=24, seconds=5)
    rounds.at(after(seconds=12))
    ((_, _, headers, body),) = target.asked
    lower = {name.lower(): value for name, value in headers.items()}
    assert len(lower["webhook-signature"].split()) == 2
    for key in (secret, row.secret):
        assert Webhook(key).verify(body, lower)["type"] == "hook.act"
    assert row.secrets(after(hours=24, seconds=4)) == [row.secret, secret]
    assert row.secrets(after(hours=24, seconds=5)) == [row.secret]


def test_of_several_new_secrets_within_a_day_each_signs_until_its_end(db):
    row = hook(watched().component, "https://ops.example/")
    made = [secret]
    for hour in range(5):
        row.change_secret(after(hours=hour))
        made.insert(0, row.secret)
    assert row.secrets(after(hours=4)) == made[:4]
    assert row.secrets(after(hours=27)) == made[:2]


def test_an_old_secret_that_cannot_be_read_stops_no_call(rounds, target, settings):
    row = hook(failing().component, target.url)
    settings.SECRET_KEY = "another key, of which nothing was sealed, long enough"
    row.change_secret(after(seconds=5))
    row.save()
    rounds.at(after(seconds=12))
    ((_, _, headers, body),) = target.asked
    assert Webhook(row.secret).verify(body, {name.lower(): value for name, value in headers.items()})


def old_acts(incident, component, count, **more):
    rows = {"target": "t", "hook_name": "x", "action": "restart", "component": component, "is_open": False}
    return [
        Act.objects.create(**{**rows, "incident": incident, "created_at": after(days=-200), **more})
        for _ in range(count)
    ]


def test_old_acts_that_no_page_shows_are_deleted_and_each_incident_keeps_its_own(db, settings):
    probe = failing()
    incident = Incident.objects.get()
    acting.note(old_acts(incident, probe.component, 1)[0], "Calling recovery hook “x”.", after())
    refused = old_acts(incident, probe.component, 1, state="refused")[0]
    kept = old_acts(incident, probe.component, 24)[4:]
    fresh = old_acts(incident, probe.component, 1, created_at=after(days=-89))[0]
    lines = notes(incident)
    assert Act.objects.prune(after()) == 6
    assert list(Act.objects.order_by("pk")) == [refused, *kept[1:], fresh]
    assert Act.objects.prune(after()) == 0
    Incident.objects.update(resolved_at=after())
    assert Act.objects.prune(after()) == 1  # what was refused binds nobody any more
    assert Act.objects.count() == 20
    assert notes(incident) == lines


def test_acts_of_a_deleted_incident_go_once_it_is_past_their_keep(db):
    probe = failing()
    incident = Incident.objects.get()
    old_acts(incident, probe.component, 3)
    Incident.objects.update(deleted_at=after(days=-1))
    assert Act.objects.prune(after()) == 0
    assert Act.objects.prune(after(days=91)) == 3


def test_an_act_that_is_not_over_is_never_deleted(db):
    probe = failing()
    old_acts(Incident.objects.get(), probe.component, 1, is_open=True)
    old_acts(Incident.objects.get(), probe.component, 20)
    assert Act.objects.prune(after(days=500)) == 0


def test_a_secret_that_cannot_be_read_disarms_the_hook_once(rounds, target, settings):
    probe = failing()
    row = hook(probe.component, target.url)
    settings.SECRET_KEY = "another key, of which nothing was sealed, long enough"
    for second in (12, 13, 14):
        rounds.at(after(seconds=second))
    row.refresh_from_db()
    assert (row.is_armed, target.asked, states()) == (False, [], [])
    assert len([note for note in notes(Incident.objects.get()) if "cannot be read" in note]) == 1


def test_a_call_that_could_not_be_signed_counts_as_none(rounds, target, settings):
    probe, ada = failing(), person("ada")
    row = hook(probe.component, target.url, needs_approval=True)
    rounds.at(after(seconds=12))
    asking.approve(Act.objects.get(), after(seconds=13), author=ada)
    settings.SECRET_KEY = "another key, of which nothing was sealed, long enough"
    rounds.at(after(seconds=14))
    assert (states(), target.asked) == (["dropped"], [])
    row.refresh_from_db()
    assert not acting.situation(row, Incident.objects.get(), after(seconds=15)).calls


def test_hooks_of_components_that_do_not_fail_cost_no_query(db, django_assert_num_queries):
    for name in "ABC":
        hook(Component.objects.create(name=name), "http://127.0.0.1:9/")
    with django_assert_num_queries(1):
        assert acting.pairs() == []


def test_what_was_approved_while_nothing_ran_is_not_called_much_later(rounds, target):
    probe, ada = failing(), person("ada")
    row = hook(probe.component, target.url)
    asking.press(row, Incident.objects.get(), after(seconds=20), author=ada)
    Hook.objects.update(is_armed=False)
    rounds.at(after(seconds=141))
    assert (states(), target.asked) == (["dropped"], [])
    assert "Nothing called it in time" in notes(Incident.objects.get())[-1]


def test_an_error_with_one_hook_holds_up_no_other(rounds, target, monkeypatch):
    probe = failing()
    broken = hook(probe.component, f"{target.url}broken")
    hook(probe.component, f"{target.url}other")
    real = acting.refusal

    def refusal(row, incident, now, known):
        if row.pk == broken.pk:
            raise ValueError("a row that no version of ours wrote")
        return real(row, incident, now, known)

    monkeypatch.setattr(acting, "refusal", refusal)
    rounds.at(after(seconds=12))
    assert [path for _, path, _, _ in target.asked] == ["/other"]


def test_what_a_receiver_answers_is_quoted_and_never_markup(rounds, target):
    target.says = "`</p>**bold** [x](http://evil.example)\0\u202e\nline".encode()
    hook(failing().component, target.url)
    rounds.at(after(seconds=12))
    line = notes(Incident.objects.get())[-1]
    assert line.endswith("`'</p>**bold** [x](http://evil.example) line`")


def test_a_component_that_is_deleted_before_the_call_is_called_by_nobody(rounds, target, caplog):
    component = failing().component
    armed = hook(component, target.url)
    ((_, incident),) = acting.pairs()
    component.delete()
    assert acting.begin(armed, incident, NOW) is None
    rounds.at(NOW)
    assert not target.asked
    assert not [record for record in caplog.records if record.exc_info]
