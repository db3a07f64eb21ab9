"""A postmortem from its first draft to the action that is done late."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError

from components.models import Check, Component
from incidents import handover, postmortem_draft
from incidents.lifecycle import Phase
from incidents.models import ActionItem, Incident, Post, Postmortem
from tests.making import NOW, after, fell, found, group, rose, watched


@pytest.fixture
def ada(db):
    return get_user_model().objects.create_user("ada")


@pytest.fixture
def bo(db):
    return get_user_model().objects.create_user("bo")


def over(probe=None):
    """An incident that a probe saw, a person explained and ended: 1 h 51 min."""
    probe = probe or watched("Chat", region="frankfurt")
    fell(probe)
    incident = Incident.objects.get()
    incident.post(Post("We **found** the cause.", phase="identified"), now=after(minutes=36))
    incident.note("Ask the database team.", after(minutes=40), author=None)
    incident.updates.filter(kind="note", body__startswith="Ask").update(is_by_machine=False)
    rose(probe, after(minutes=111))
    incident.post(Post("All is well.", phase="resolved"), now=after(minutes=111))
    incident.refresh_from_db()
    return incident


def drafted(ada=None, **changes):
    report = postmortem_draft.create(over(), author=ada, now=after(hours=3))
    report.keep(
        {"summary": "Chat was down.", "root_cause": "A full pool.", **changes}, after(hours=3), author=ada
    )
    return report


def again(report):
    return Postmortem.objects.get(pk=report.pk)


def test_it_begins_with_everything_the_records_know(ada):
    report = postmortem_draft.create(over(), author=ada, now=after(hours=3))
    assert report.started_at == NOW
    assert report.ended_at == after(minutes=111)
    assert report.detected_at == after(seconds=10)
    assert report.told_at == after(seconds=10)
    assert report.impact == "- Chat: major outage for 1 h 51 min"
    assert report.summary == "Chat was not working normally from 08:00 UTC to 09:51 UTC (1 h 51 min)."
    assert report.detection == (
        "Monitoring: the probe of Chat from frankfurt detected it first, at 08:00:00 UTC, "
        "and confirmed it 10 s after its first failure."
    )
    tags = {tag: (at, text) for at, tag, text in report.timeline if tag}
    assert tags["Start"] == (
        "2026-11-12T08:00:00Z",
        "Chat is returning errors: first failed check, from frankfurt.",
    )
    assert tags["Detected"] == ("2026-11-12T08:00:10Z", "Confirmed by the probe from frankfurt.")
    assert tags["Cause found"] == ("2026-11-12T08:36:00Z", "We found the cause.")
    assert tags["Note"] == ("2026-11-12T08:40:00Z", "Ask the database team.")
    assert tags["End"] == ("2026-11-12T09:51:00Z", "All is well.")
    assert [row[0] for row in report.timeline] == sorted(row[0] for row in report.timeline)


def test_asking_twice_gives_the_same_one(ada):
    incident = over()
    first = postmortem_draft.create(incident, author=ada, now=after(hours=3))
    first.keep({"lessons": "Look at the pool."}, after(hours=4), author=ada)
    assert postmortem_draft.create(incident, author=None, now=after(hours=5)).lessons == "Look at the pool."


def test_none_is_written_while_the_incident_lasts(db):
    fell(watched("Chat"))
    with pytest.raises(ValidationError, match="resolve it first"):
        postmortem_draft.create(Incident.objects.get(), author=None, now=after(hours=1))
    assert not Postmortem.objects.exists()


def test_what_nobody_but_people_saw_says_so(db):
    chat = Component.objects.create(name="Chat")
    incident = Incident.objects.record(
        "Chat was slow", "It is over.", started_at=NOW, ended_at=after(hours=2), now=after(hours=3),
        statuses={chat: "degraded_performance"},
    )  # fmt: skip
    report = postmortem_draft.create(incident, author=None, now=after(hours=3))
    assert report.detection == "Our team: noticed by people; no probe detected it."
    assert report.impact == "- Chat: degraded"
    assert report.curve == {}


def test_hidden_components_stay_hidden(db):
    ours = group()
    hidden = watched("chat-gw-2", group=ours, shown=False)
    shown = watched("Chat", group=ours)
    fell(shown)
    fell(hidden, after(seconds=20))
    incident = Incident.objects.get()
    for probe in (hidden, shown):
        rose(probe, after(minutes=30))
    incident.post(Post("Done.", phase="resolved"), now=after(minutes=31))
    report = postmortem_draft.create(Incident.objects.get(), author=None, now=after(hours=1))
    seen = [text for _, _, text in report.timeline if "seen from" in text or "failed check" in text]
    words = " ".join((report.impact, report.summary, report.detection, *seen))
    assert "Chat" in words
    assert "chat-gw-2" not in words


def test_the_curve_outlives_the_checks(ada):
    probe = watched("Chat")
    for minute in range(-10, 20):
        outcome = "down" if 0 <= minute < 12 else "up"
        Check.objects.create(
            probe=probe,
            slot=int(after(minutes=minute).timestamp()),
            region="local",
            outcome=outcome,
            total_ms=9,
        )
    report = postmortem_draft.create(over(probe), author=ada, now=after(hours=3))
    assert report.curve["step_s"] == 60
    assert report.curve["start"] == int(after(minutes=-10).timestamp())
    assert report.curve["counts"][9:12] == [[1, 1], [0, 2], [0, 1]]
    whole = report.curve
    Check.objects.filter(slot__lt=int(after(minutes=5).timestamp())).delete()
    report.keep({"summary": "Down.", "root_cause": "Pool."}, after(hours=4))
    report.publish(after(hours=4))
    assert again(report).curve == whole


def test_before_it_is_published_edits_leave_no_trace(ada):
    report = drafted(ada)
    report.keep({"lessons": "None."}, after(hours=4), author=ada)
    assert report.edited_at is None
    assert not report.versions.exists()


def test_after_publication_the_words_before_are_kept_and_the_edit_is_dated(ada, bo):
    report = drafted(ada)
    report.publish(after(hours=4))
    changes = {"root_cause": "A full connection pool.", "users_percent": Decimal("75.00"), "lessons": ""}
    report.keep(changes, after(hours=5), author=bo)
    report = again(report)
    version = report.versions.get()
    assert report.edited_at == version.at == after(hours=5)
    assert version.what == "users affected (%), root cause"
    assert version.before == {"users_percent": None, "root_cause": "A full pool."}
    assert version.author == bo
    report.keep({"ended_at": after(minutes=100)}, after(hours=6), author=bo)
    assert report.versions.first().before == {"ended_at": after(minutes=111).isoformat()}


def test_saving_over_somebody_elses_words_is_refused(ada, bo):
    report = drafted(ada)
    seen = report.saved_at.isoformat()
    report.keep({"lessons": "Ada's."}, after(hours=4), author=ada)
    with pytest.raises(ValidationError, match="Someone else"):
        report.keep({"lessons": "Bo's."}, after(hours=5), author=bo, seen=seen)
    assert again(report).lessons == "Ada's."
    again(report).keep({"lessons": "Ada's again."}, after(hours=6), author=ada, seen=seen)
    assert again(report).lessons == "Ada's again."


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("timeline", [["yesterday", "", "It fell."]]),
        ("timeline", [["2026-11-12T08:00:00", "", "No zone."]]),
        ("timeline", [["2026-11-12T08:00:00Z", "x" * 31, "It fell."]]),
        ("timeline", [["2026-11-12T08:00:00Z", "Start", " "]]),
        ("timeline", [["2026-11-12T08:00:00Z", "Start"]]),
        ("timeline", {"at": "now"}),
        ("misled", [["One."]]),
        ("misled", [["One.", 2]]),
        ("users_percent", Decimal(101)),
        ("ended_at", NOW - timedelta(seconds=1)),
    ],
)
def test_what_no_page_could_show_is_refused_naming_the_field(ada, field, value):
    report = drafted(ada)
    with pytest.raises(ValidationError) as refused:
        report.keep({field: value}, after(hours=4), author=ada)
    assert field in refused.value.message_dict


def test_a_second_person_reviews(ada, bo):
    report = drafted(ada)
    with pytest.raises(ValidationError, match="second person"):
        report.review(after(hours=4), reviewer=ada)
    report.review(after(hours=4), reviewer=bo)
    assert (again(report).reviewer, again(report).reviewed_at) == (bo, after(hours=4))


def test_it_is_published_only_with_a_summary_and_a_root_cause(ada):
    report = postmortem_draft.create(over(), author=ada, now=after(hours=3))
    with pytest.raises(ValidationError, match="Fill in root cause before"):
        report.publish(after(hours=4))
    report.keep({"summary": ""}, after(hours=3), author=ada)
    with pytest.raises(ValidationError, match="Fill in summary and root cause"):
        report.publish(after(hours=4))
    assert again(report).published_at is None
    assert not Postmortem.objects.public().exists()


def test_published_then_withdrawn_then_published_again(ada):
    report = drafted(ada)
    report.publish(after(hours=4), notifies=False)
    report.publish(after(hours=5), notifies=False)
    assert again(report).published_at == after(hours=4)
    assert again(report).notifies is False
    assert Postmortem.objects.public().get() == report
    report.withdraw()
    assert not Postmortem.objects.public().exists()
    report.publish(after(hours=6))
    assert again(report).published_at == after(hours=6)


def test_it_goes_with_its_incident(ada):
    report = drafted(ada)
    report.publish(after(hours=4))
    report.incident.delete_softly(after(hours=5))
    assert not Postmortem.objects.public().exists()
    handover.restore(report.incident, after(hours=6))
    assert Postmortem.objects.public().exists()


def test_an_action_is_late_until_it_is_done(ada):
    report = drafted(ada)
    report.actions.create(text="Watch the pool", position=1)
    action = report.actions.create(
        text="Refuse a small pool", position=2, due=date(2026, 11, 20), team="Platform"
    )
    assert not action.is_late(date(2026, 11, 20))
    assert action.is_late(date(2026, 11, 21))
    report.publish(after(hours=4))
    action.move("doing", after(days=8), author=ada)
    assert action.is_late(date(2026, 11, 21))
    action.move("done", after(days=9), author=ada)
    action.move("done", after(days=10), author=ada)
    assert ActionItem.objects.get(pk=action.pk).done_at == after(days=9)
    assert not action.is_late(date(2026, 12, 21))
    assert [one.what for one in report.versions.all()] == ["action 2: done", "action 2: in progress"]
    assert again(report).edited_at == after(days=9)
    action.move("doing", after(days=11))
    assert action.done_at is None
    with pytest.raises(ValidationError, match="is not a state"):
        action.move("finished", after(days=12))


def test_moving_an_action_of_a_draft_tells_nobody(ada):
    report = drafted(ada)
    report.actions.create(text="Watch the pool").move("done", after(days=1))
    assert again(report).edited_at is None


def test_two_probes_in_one_incident_give_one_start(ada):
    ours = group()
    one, two = watched("Chat", group=ours), watched("Search", group=ours, position=2)
    fell(one)
    fell(two, after(seconds=30))
    found(two, "up", after(minutes=5))
    rose(two, after(minutes=6))
    rose(one, after(minutes=9))
    incident = Incident.objects.get()
    incident.post(Post("Done.", phase="resolved"), now=after(minutes=10))
    report = postmortem_draft.create(Incident.objects.get(), author=ada, now=after(hours=1))
    assert [tag for _, tag, _ in report.timeline].count("Start") == 1
    assert "Search is returning errors, as seen from local." in [text for _, _, text in report.timeline]
    assert report.impact.splitlines() == [
        "- Chat: major outage for 9 min", "- Search: major outage for 4 min",
    ]  # fmt: skip


def test_an_incident_written_down_afterwards_keeps_what_was_told(db):
    chat = Component.objects.create(name="Chat", status="operational")
    given = {
        "started_at": NOW,
        "ended_at": after(hours=2),
        "now": after(hours=3),
        "statuses": {chat: "major_outage"},
    }
    words = [
        (Phase.INVESTIGATING, after(minutes=5), "We look into it."),
        (Phase.MONITORING, after(hours=1), "It is back."),
    ]
    incident = Incident.objects.record("Chat was down", "It is over.", told=words, **given)
    assert [(one.phase, one.at, one.notifies) for one in incident.updates.all()] == [
        ("investigating", after(minutes=5), False),
        ("monitoring", after(hours=1), False),
        ("resolved", after(hours=2), False),
    ]
    assert (incident.published_at, incident.resolved_at) == (after(minutes=5), after(hours=2))
    assert Component.objects.get().status == "operational"
    report = postmortem_draft.create(incident, author=None, now=after(hours=3))
    assert report.told_at == after(minutes=5)
    for wrong in ((Phase.RESOLVED, after(hours=1), "x"), (Phase.MONITORING, after(hours=3), "x")):
        with pytest.raises(ValidationError):
            Incident.objects.record("Chat was down", "It is over.", told=[wrong], **given)


def test_an_end_in_the_future_is_refused_and_a_beginning_long_ago_makes_no_long_curve(db):
    report = drafted()
    for end in (datetime(9999, 12, 31, 23, 59, tzinfo=UTC), after(hours=4)):
        with pytest.raises(ValidationError, match="is in the future"):
            report.keep({"ended_at": end}, after(hours=3))
    report = again(report)
    report.keep({"ended_at": after(hours=2)}, after(hours=3))
    report.keep({"started_at": datetime(1600, 1, 1, tzinfo=UTC)}, after(hours=3))
    assert 0 < len(report.curve["counts"]) <= 300
