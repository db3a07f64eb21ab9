"""From an update to the receiver: once, in order, and again when it failed."""

import datetime as dt
import re
import threading
import time

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from components.models import Component
from components.status import Status
from incidents import automation, postmortem_draft, undoing
from incidents.models import Incident, Maintenance, Notice, Post, Postmortem
from subscribers.delivery import fan_out, leases
from subscribers.delivery.message_builder import pack
from subscribers.delivery.results import finish
from subscribers.models import Delivery, DeliveryState, Host, Purpose, Sorter, State, Subscriber
from tests.making import component
from tests.subscribers.making import mail, webhook
from tests.subscribers.receivers import Sink
from tests.whole import wait_for


def opened(*components, title="Chat is down", body="We look.", now=None, **more):
    now = now or timezone.now()
    statuses = dict.fromkeys(components, "major_outage")
    return Incident.objects.open(title, body, now=now, components=components, statuses=statuses, **more)


def bodies(got):
    return [one.json["incident"]["incident_updates"][0]["body"] for one in got if "incident" in one.json]


def states():
    return list(Delivery.objects.order_by("pk").values_list("state", flat=True))


def late():
    """What waits for its pause is due now."""
    past = timezone.now() - dt.timedelta(seconds=1)
    Delivery.objects.filter(state="owed").update(due_at=past)
    Subscriber.objects.exclude(next_at=None).update(next_at=past)


def test_an_update_reaches_who_chose_its_component_and_nobody_else(post, sink):
    chat, files = component("Chat"), component("Files")
    for name, of in (("all", []), ("chat", [chat]), ("files", [files])):
        webhook(f"{sink.url}/{name}", components=of, wants_component=False)
    opened(chat)
    post.deliver()
    assert sorted(one.path for one in sink.got) == ["/all", "/chat"]
    body = sink.of("/chat")[0].json
    assert bodies(sink.of("/chat")) == ["We look."]
    assert (body["incident"]["status"], body["sequence"]) == ("investigating", 1)
    assert states() == ["sent", "sent"]
    post.deliver()
    assert len(sink.got) == 2


def test_a_hidden_component_is_named_to_nobody(post, sink):
    chat, inner = component("Chat"), component("inner-db-2", is_shown=False)
    webhook(f"{sink.url}/inner", components=[inner])
    webhook(f"{sink.url}/all")
    opened(chat, inner)
    post.deliver()
    assert [one.path for one in sink.got if "incident" in one.json] == ["/all"]
    assert not any(b"inner-db-2" in one.body for one in sink.got)


def test_what_is_undone_in_time_is_told_to_nobody(post, sink):
    webhook(f"{sink.url}/a", wants_component=False)
    incident = opened(component(), undo_s=20)
    post.deliver()
    assert sink.got == []
    undoing.undo(incident, incident.updates.get(), timezone.now())
    post.deliver(timezone.now() + dt.timedelta(seconds=30))
    assert (sink.got, Notice.objects.count()) == ([], 0)


def test_an_undo_that_comes_after_the_telling_began_is_refused(post, sink):
    webhook(f"{sink.url}/a", wants_component=False)
    now = timezone.now()
    incident = opened(component(), undo_s=20, now=now)
    post.deliver(now + dt.timedelta(seconds=21))
    late()
    post.deliver()
    with pytest.raises(Exception, match="too late to undo"):
        undoing.undo(incident, incident.updates.get(), now)  # a web process whose clock is behind
    assert len(sink.got) == 1


def test_words_for_nobody_notes_and_back_filled_stories_are_told_to_nobody(post, sink):
    webhook(f"{sink.url}/a", wants_component=False)
    chat, now = component(), timezone.now()
    quiet = opened(chat, notifies=False)
    quiet.note("Only us.", now, author=None)
    day = dt.timedelta(days=1)
    Incident.objects.record(
        "Long ago",
        "It was.",
        started_at=now - 2 * day,
        ended_at=now - day,
        now=now,
        statuses={chat: "major_outage"},
    )
    post.deliver()
    assert sink.got == []


def test_a_suggestion_is_told_when_it_is_published_and_not_before(post, sink):
    webhook(f"{sink.url}/a", wants_component=False)
    now = timezone.now()
    one = Incident.objects.create(title="Chat", started_at=now, is_by_machine=True)
    one.touch(component(), Status.MAJOR_OUTAGE, now)
    one.say("It fails.", one.phase, now, by_machine=True)
    post.deliver()
    assert sink.got == []
    automation.publish(one, now)
    post.deliver()
    assert bodies(sink.got) == ["It fails."]


def test_updates_that_wait_are_told_together_in_the_newest(post, sink):
    webhook(f"{sink.url}/a", wants_component=False)
    sink.answers["/a"] = 500
    incident = opened(component())
    post.deliver()
    for words in ("Second.", "Third."):
        incident.post(Post(words, phase="identified"), now=timezone.now())
    post.deliver()
    assert len(sink.got) == 1  # it is in its pause: what comes later does not overtake
    sink.answers["/a"] = 200
    late()
    post.deliver()
    assert len(sink.got) == 2
    told = [one["body"] for one in sink.got[1].json["incident"]["incident_updates"]]
    assert told == ["Third.", "Second.", "We look."]
    assert states() == ["superseded", "superseded", "sent"]
    assert Delivery.objects.get(pk=Delivery.objects.order_by("pk")[0].pk).told_by.state == "sent"


def test_one_subscriber_never_has_two_messages_in_flight_and_hears_in_order(post, sink):
    webhook(f"{sink.url}/a", wants_component=False)
    incident, gate, at_once = opened(component()), threading.Semaphore(1), []

    def slow():
        at_once.append(gate.acquire(blocking=False))
        time.sleep(0.02)
        gate.release()
        return 200

    sink.answers["/a"] = slow
    for number in range(12):
        incident.post(Post(f"Word {number}.", phase="identified"), now=timezone.now())
        post.deliver()
    assert all(at_once)
    sequences = [one.json["sequence"] for one in sink.got]
    assert sequences == sorted(set(sequences))
    assert sequences[-1] == 13


def test_people_get_one_message_a_minute_of_a_story_and_programs_get_each(post, transactional_db):
    person, program = mail(), webhook("http://127.0.0.1:1/x", wants_component=False)
    now = timezone.now()
    incident = opened(component(), now=now)
    fan_out.sort(now)
    Delivery.objects.filter(subscriber=person).update(state=DeliveryState.SENT, finished_at=now)
    incident.post(Post("More.", phase="identified"), now=now + dt.timedelta(seconds=5))
    fan_out.sort(now + dt.timedelta(seconds=5))
    due = {one.subscriber_id: one.due_at for one in Delivery.objects.filter(notice__update__number=2)}
    assert due[person.pk] == now + dt.timedelta(seconds=60)
    assert due[program.pk] == now + dt.timedelta(seconds=5)


def test_who_heard_of_a_story_hears_its_end_whatever_it_has_become(post, sink):
    chat, files = component("Chat"), component("Files")
    webhook(f"{sink.url}/files", components=[files], wants_component=False)
    incident = opened(files, title="Files fail")
    post.deliver()
    incident.affected.all().delete()
    incident.touch(chat, Status.MAJOR_OUTAGE, timezone.now())
    incident.post(Post("It was chat, and is over.", phase="resolved"), now=timezone.now())
    post.deliver()
    assert [one.json["incident"]["status"] for one in sink.got] == ["investigating", "resolved"]


def test_the_least_impact_and_the_kinds_are_kept_to(post, sink):
    chat = component("Chat")
    chat.show(Status.OPERATIONAL, timezone.now())
    webhook(f"{sink.url}/critical", least_impact=3, wants_maintenance=False, wants_component=False)
    webhook(f"{sink.url}/works", wants_incident=False, wants_component=False)
    webhook(f"{sink.url}/component", wants_incident=False, wants_maintenance=False, wants_postmortem=False)
    fan_out.note_changes(timezone.now())
    now = timezone.now()
    Incident.objects.open(
        "Slow", "A bit.", now=now, components=[chat], statuses={chat: "degraded_performance"}
    )
    hour = dt.timedelta(hours=1)
    Maintenance.objects.plan("Upgrade", "We do.", now + hour, now + 2 * hour, components=[chat], now=now)
    post.deliver()
    assert sorted(one.path for one in sink.got) == ["/component", "/works"]
    change = sink.of("/component")[0].json
    assert change["component_update"]["new_status"] == "degraded_performance"
    assert change["component"]["name"] == "Chat"
    work = sink.of("/works")[0].json["incident"]
    assert (work["status"], work["impact"]) == ("scheduled", "maintenance")
    assert work["scheduled_for"].endswith("Z")


def test_a_postmortem_is_told_once_however_often_it_is_shown(post, sink):
    webhook(f"{sink.url}/a", wants_component=False)
    incident, now = opened(component()), timezone.now()
    incident.post(Post("Over.", phase="resolved"), now=now)
    report = postmortem_draft.create(incident, author=None, now=now)
    Postmortem.objects.filter(pk=report.pk).update(summary="What happened.", root_cause="A pool.")
    report.refresh_from_db()
    report.publish(now)
    report.withdraw()
    report.publish(now)
    post.deliver()
    told = [one.json["incident"] for one in sink.got]
    assert [one["status"] for one in told] == ["resolved", "postmortem"]
    assert told[1]["postmortem_body"] == "What happened."


def test_a_deleted_incident_is_not_told_any_more(post, sink):
    webhook(f"{sink.url}/a", wants_component=False)
    incident = opened(component())
    fan_out.sort(timezone.now())
    incident.delete_softly(timezone.now())
    post.deliver()
    assert (sink.got, states()) == ([], ["cancelled"])


def test_who_leaves_is_sent_nothing_of_what_was_owed(post, sink):
    one = webhook(f"{sink.url}/a", wants_component=False)
    opened(component())
    fan_out.sort(timezone.now())
    one.leave(timezone.now())
    one.leave(timezone.now())
    post.deliver()
    assert (sink.got, states()) == ([], ["cancelled"])


def test_past_changes_of_components_are_nobodys_news(post, sink):
    chat = component("Chat")
    chat.say_by_hand(Status.MAJOR_OUTAGE, timezone.now())
    webhook(f"{sink.url}/a")
    post.deliver()
    assert (sink.got, Sorter.objects.get(pk=1).spans_upto > 0) == ([], True)
    chat.say_by_hand(Status.OPERATIONAL, timezone.now())
    post.deliver()
    update = sink.got[0].json["component_update"]
    assert (update["old_status"], update["new_status"]) == ("major_outage", "operational")


def test_sorting_broken_off_in_the_middle_loses_nobody_and_doubles_nobody(post, monkeypatch):
    for number in range(12):
        mail(f"reader{number}@example.org")
    opened(component())
    monkeypatch.setattr(fan_out, "CHUNK", 5)
    now, notice = timezone.now(), Notice.objects.get()
    fan_out._sort_chunk(notice.pk, now)
    notice.refresh_from_db()
    assert (Delivery.objects.count(), notice.sorted_at) == (5, None)
    fan_out.sort(now)  # somebody else goes on
    assert Delivery.objects.values("subscriber").distinct().count() == Delivery.objects.count() == 12


def test_what_a_crash_left_without_a_due_time_is_swept_up(post, sink):
    one = webhook(f"{sink.url}/a", wants_component=False)
    opened(component())
    fan_out.sort(timezone.now())
    Subscriber.objects.update(next_at=None)
    assert fan_out.sweep() == 1
    post.deliver()
    assert len(sink.got) == 1
    assert one.deliveries.get().state == "sent"


def test_a_result_whose_lease_moved_on_is_dropped(post, sink):
    """A worker that was asleep comes back: somebody else has sent it and written so."""
    webhook(f"{sink.url}/a", wants_component=False)
    opened(component())
    fan_out.sort(timezone.now())
    now = timezone.now()
    token, ids = leases.claim(now, 10, "here:1:x")
    packed = pack(ids, now)[0]
    Subscriber.objects.update(lease_until=now - dt.timedelta(seconds=1))
    other, again = leases.claim(now, 10, "there:2:y")
    assert again == ids
    from subscribers.delivery.dispatcher import Attempt
    from subscribers.delivery.envelope import End, Result

    finish([Attempt(packed, token, Result(End.SENT, 200))], now)
    assert states() == ["owed"]
    finish([Attempt(packed, other, Result(End.SENT, 200))], now)
    assert states() == ["sent"]


def test_two_workers_claim_nobody_twice_and_two_of_a_host(post):
    for number in range(9):
        webhook(f"http://127.0.0.1:1/{number}", wants_component=False)
    webhook("http://127.0.0.2:1/other", wants_component=False)
    opened(component())
    fan_out.sort(timezone.now())
    now = timezone.now() + dt.timedelta(seconds=1)
    _, first = leases.claim(now, 100, "here:1:x")
    _, second = leases.claim(now, 100, "there:2:y")
    assert len(first) == 3  # two of the busy host, and the other one
    assert second == []


def test_leases_of_a_worker_that_died_on_this_machine_are_free_at_once(post):
    webhook("http://127.0.0.1:1/a", wants_component=False)
    opened(component())
    fan_out.sort(timezone.now())
    now = timezone.now()
    node = leases.holder_name().rsplit(":", 2)[0]
    leases.claim(now, 10, f"{node}:999999:dead")
    assert leases.claim(now, 10, leases.holder_name())[1] == []
    assert leases.release_dead(leases.holder_name()) == 1
    assert len(leases.claim(now, 10, leases.holder_name())[1]) == 1


def test_a_dead_host_rests_and_costs_nobody_else(post, sink):
    with Sink("127.0.0.2") as dead:
        for number in range(6):
            webhook(f"{dead.url}/{number}", wants_component=False)
            dead.answers[f"/{number}"] = "rst"
        webhook(f"{sink.url}/well", wants_component=False)
        opened(component())
        post.deliver = None  # nothing becomes due again by itself here
        fan_out.sort(timezone.now())
        post.postman.wake()
        wait_for(lambda: Host.objects.filter(rests_until__isnull=False).exists(), 10)
        assert len(dead.got) <= 7
        wait_for(lambda: len(sink.got) == 1, 10)
    assert Subscriber.objects.filter(failing_since__isnull=False).count() >= 5


def test_a_message_that_ends_its_worker_goes_alone_and_at_last_not_at_all(post):
    bad, good = (webhook(f"http://127.0.0.{n}:1/a", wants_component=False) for n in (1, 2))
    opened(component())
    fan_out.sort(timezone.now())
    now = timezone.now()
    Subscriber.objects.filter(pk=bad.pk).update(crashes=3)
    assert leases.claim(now, 10, "a:1:x")[1] == [good.pk]
    assert leases.claim(now, 10, "a:1:x")[1] == [bad.pk]
    Subscriber.objects.update(lease_until=None)
    Subscriber.objects.filter(pk=bad.pk).update(crashes=10)
    assert leases.claim(now, 10, "a:1:x")[1] == [good.pk]
    bad.refresh_from_db()
    assert (bad.state, bad.next_at) == (State.QUARANTINED, None)


def test_what_cannot_be_unsealed_stops_with_the_reason(post, sink, settings):
    one = webhook(f"{sink.url}/a", wants_component=False)
    opened(component())
    Subscriber.objects.filter(pk=one.pk).update(address="gAAAA-not-ours")
    post.deliver()
    one.refresh_from_db()
    assert one.state == State.QUARANTINED
    assert "SECRET_KEY_FALLBACKS" in one.note


def test_sorting_takes_the_same_queries_however_many_are_told(post):
    def count(number):
        Subscriber.objects.all().delete()
        for n in range(number):
            mail(f"r{n}@example.org")
        opened(Component.objects.first() or component())
        with CaptureQueriesContext(
            connection,
        ) as caught:
            fan_out.sort(timezone.now())
        return len(caught)

    assert count(3) == count(60)


def test_a_long_queue_is_not_read_with_every_message(post):
    one, chat = webhook("http://127.0.0.1:1/x", wants_component=False), component()
    for number in range(9):
        opened(chat, title=f"Incident {number}")
    fan_out.sort(timezone.now())
    with CaptureQueriesContext(connection) as caught:
        packed = pack([one.pk], timezone.now())
    assert [message.envelope.story.title for message in packed] == ["Incident 0"]
    asked = [re.findall(r'"incidents_notice"."id" IN \(([^)]*)\)', row["sql"]) for row in caught]
    assert asked.count([]) < len(asked)
    assert not any("," in ids for found in asked for ids in found)


def test_a_letter_reaches_who_has_not_confirmed_and_news_do_not(post, sink):
    one = webhook(f"{sink.url}/a", state=State.UNCONFIRMED, wants_component=False)
    opened(component())
    one.owe(Purpose.CONFIRM, timezone.now())
    post.deliver()
    assert [one.json.get("test", {}).get("purpose") for one in sink.got] == ["confirm"]
    one.refresh_from_db()
    assert one.state == State.ACTIVE  # it took a signed message: that is its yes


def test_the_engine_outlives_a_database_that_is_away(post, sink, monkeypatch):
    from django.db import OperationalError

    from subscribers.delivery import dispatcher as module

    webhook(f"{sink.url}/a", wants_component=False)
    opened(component())
    real, failures = module.finish, []

    def away(*given, **more):
        if len(failures) < 1:
            failures.append(1)
            raise OperationalError("gone")
        return real(*given, **more)

    monkeypatch.setattr(module, "finish", away)
    post.deliver()
    assert (len(sink.got), states()) == (1, ["sent"])
