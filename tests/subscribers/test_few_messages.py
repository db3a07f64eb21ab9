"""One cause is one incident and few messages: how many updates a subscriber of all components is sent."""

from datetime import datetime, timedelta

import pytest

from incidents import automation
from incidents.models import Incident, Notice, Post
from incidents.steps import Step
from subscribers import emails
from subscribers.delivery import fan_out
from subscribers.delivery.content import publisher_now, read
from subscribers.models import Delivery
from tests.making import NOW, after, found, group, joining, watched
from tests.subscribers.letters import envelope
from tests.subscribers.making import mail

NAMES = ("Web", "API", "Chat", "Files", "Search")
MOST_MESSAGES = 4


@pytest.fixture(autouse=True)
def waits(settings):
    settings.TELL_AFTER_S = 20


class Night:
    """Probes that fail and recover at given seconds, while the clock runs second by second."""

    def __init__(self, probes):
        self.probes, self.plan, self.sent = probes, {}, []
        for probe in probes:
            found(probe, "up", after(seconds=-60))
            probe.refresh_from_db()

    def at(self, second, n, outcome):
        """Two checks, five seconds apart, say so."""
        for moment in (second, second + 5):
            self.plan.setdefault(moment, []).append((n, outcome))
        return self

    def run(self, until):
        for second in range(until):
            now = after(seconds=second)
            for n, outcome in self.plan.get(second, ()):
                found(self.probes[n], outcome, now)
            automation.advance(now)
            if Notice.objects.due(now).exists():
                fan_out.sort(now)
        return self

    def messages(self) -> list[list[Step]]:
        """What each message told: notices that are handed over in one second are one message."""
        told: dict[tuple[datetime, int], list[str]] = {}
        for one in Delivery.objects.select_related("notice__update").order_by("pk"):
            told.setdefault((one.created_at, one.notice.incident_id), []).append(one.notice.update.step)
        return list(told.values())


def five(*, grouped=()):
    ours = group() if grouped else None
    return [
        watched(name, position=n, group=ours if name in grouped else None) for n, name in enumerate(NAMES)
    ]


@pytest.mark.parametrize("grouped", [(), NAMES, NAMES[:1], NAMES[:3]], ids=["none", "all", "one", "mixed"])
def test_five_endpoints_of_one_server_are_one_incident_and_few_messages(db, grouped):
    mail()
    night = Night(five(grouped=grouped))
    for n, second in enumerate((0, 1, 3, 4, 6)):
        night.at(second, n, "down").at(600 + 2 * second, n, "up")
    messages = night.run(900).messages()
    incident = Incident.objects.get()
    assert sorted(incident.names()) == sorted(NAMES)
    assert messages == [[Step.OPENED], [Step.RECOVERED], [Step.RESOLVED]]
    opening = incident.updates.get(step=Step.OPENED)
    assert opening.body.startswith("Web, API and 3 more are returning errors (since 08:00 UTC).")
    assert len(opening.changes) == 5


def test_the_page_shows_each_failure_at_once(db):
    night = Night(five()).at(0, 0, "down").at(4, 1, "down")
    night.run(10)
    incident = Incident.objects.get()
    assert incident.title == "Web and API are not working"
    assert not Delivery.objects.exists()
    assert incident.updates.get(step=Step.OPENED).body.startswith("Web and API are returning errors")


def test_slow_ones_are_told_together_in_one_more_message(db):
    mail()
    night = Night(five()).at(0, 0, "down").at(3, 1, "down")
    for n, second in ((2, 25), (3, 40), (4, 55)):
        night.at(second, n, "down")
    messages = night.run(200).messages()
    assert messages == [[Step.OPENED], [Step.ALSO]]
    also = Incident.objects.get().updates.get(step=Step.ALSO)
    assert also.body == "Chat, Files and Search are also returning errors (since 08:00 UTC)."


def test_a_chain_of_failures_ends_after_some_windows(db, settings):
    settings.JOIN_WINDOW_S = 20
    probes = [watched(f"c{n}", position=n) for n in range(8)]
    night = Night(probes)
    for n in range(8):
        night.at(18 * n, n, "down")
    night.run(160)
    counts = [one.affected.count() for one in Incident.objects.order_by("id")]
    assert counts == [6, 2]  # five windows from the opening


def test_a_part_that_recovers_is_told_only_if_the_rest_does_not(db):
    mail()
    night = Night(five()).at(0, 0, "down").at(2, 1, "down").at(60, 0, "up")
    assert night.run(300).messages() == [[Step.OPENED]]
    incident = Incident.objects.get()
    assert (
        incident.updates.get(step=Step.BETTER).body == "Web has recovered (08:01 UTC). Still affected: API."
    )
    fan_out.sort(after(seconds=400))
    assert night.messages() == [[Step.OPENED], [Step.BETTER]]


def test_a_flapping_one_is_told_of_a_few_times_and_the_end_is_never_lost(db):
    mail()
    night = Night(five())
    for n in range(10):
        night.at(80 * n, 0, "down").at(80 * n + 40, 0, "up")
    for second in range(800, 1000, 10):
        night.at(second, 0, "up")
    messages = night.run(1400).messages()
    assert Incident.objects.count() == 1
    assert len(messages) <= 8, str(messages)  # of 20 turns
    assert messages[0] == [Step.OPENED]
    assert messages[-1] == [Step.RESOLVED]


def test_several_that_fail_again_are_one_message(db):
    mail()
    night = Night(five())
    for n, second in enumerate((0, 1, 3)):
        night.at(second, n, "down").at(100 + second, n, "up").at(160 + 2 * second, n, "down")
    messages = night.run(230).messages()
    assert messages == [[Step.OPENED], [Step.RECOVERED], [Step.AGAIN]]
    again = Incident.objects.get().updates.get(step=Step.AGAIN)
    assert again.body.startswith("Web, API and Chat are failing again (since 08:02 UTC).")


def test_by_group_each_group_has_an_incident_of_its_own(db):
    joining("group")
    mail()
    night = Night(five(grouped=NAMES[:3]))
    for n in range(5):
        night.at(n, n, "down")
    night.run(60)
    assert sorted(one.affected.count() for one in Incident.objects.all()) == [1, 1, 3]


def test_never_gives_each_component_its_own(db):
    joining("never")
    night = Night(five(grouped=NAMES))
    for n in range(5):
        night.at(n, n, "down")
    night.run(60)
    assert [one.affected.count() for one in Incident.objects.all()] == [1] * 5


def test_a_message_that_waits_is_still_owed_after_a_crash(db):
    mail()
    Night(five()).at(0, 0, "down").run(6)  # nobody sorts after this
    assert Notice.objects.filter(sorted_at=None).count() == 1
    fan_out.sort(after(hours=1))
    assert Delivery.objects.count() == 1


def test_what_a_later_message_told_is_not_sent_after_it(db):
    mail()
    night = Night(five()).at(0, 0, "down").at(2, 1, "down").at(60, 0, "up")
    night.run(100)
    incident = Incident.objects.get()
    incident.post(Post("We found it.", phase="identified", undo_s=20), now=after(seconds=100))
    night.run(1)
    fan_out.sort(after(seconds=121))
    fan_out.sort(after(seconds=600))
    told = [one.notice.update.step or "person" for one in Delivery.objects.order_by("pk")]
    assert told == [Step.OPENED, "person"]


def test_two_young_incidents_become_one_and_who_heard_of_either_hears_the_rest(db):
    joining("group")
    one, two = group("A"), group("B")
    probes = [watched("Web", group=one), watched("API", group=two), watched("Chat")]
    follower = mail("follower@example.org", components=[probes[1].component])
    night = Night(probes).at(0, 0, "down").at(1, 1, "down")
    night.run(40)
    assert Delivery.objects.filter(subscriber=follower).count() == 1
    joining("all")
    Night.at(night, 50, 2, "down")
    for second in range(41, 130):
        now = after(seconds=second)
        for n, outcome in night.plan.get(second, ()):
            found(night.probes[n], outcome, now)
        fan_out.sort(now)
    live = Incident.objects.live().get()
    assert sorted(live.names()) == ["API", "Chat", "Web"]
    assert Delivery.objects.filter(subscriber=follower).count() == 2
    assert NOW + timedelta(seconds=0) == live.started_at


def letter(update):
    """The lines of the mail that tells this update, as it would go out now."""
    notice = Notice.objects.get(update=update)
    here = publisher_now()
    story = read([notice.pk], here.page_id)[notice.pk]
    mailed = emails.letter(envelope(story, house=here), after(hours=1))
    return mailed.get_body(("plain",)).get_content().splitlines()


def test_a_message_of_a_relapse_is_of_one_moment_though_it_waited(db):
    Night(five()).at(0, 0, "down").at(1, 1, "down").at(120, 0, "up").at(121, 1, "up").at(150, 0, "down").at(
        240, 0, "up"
    ).run(250)
    again, recovered = (
        Incident.objects.get()
        .updates.filter(step__in=(Step.AGAIN, Step.RECOVERED))
        .order_by("number")
        .reverse()[:2][::-1]
    )
    assert (again.step, recovered.step) == (Step.AGAIN, Step.RECOVERED)
    waited, newest = letter(again), letter(recovered)
    assert waited[0] == "MAJOR OUTAGE: Web"
    assert {"- Web: Major outage", "- API: Operational"} <= set(waited)
    assert newest[0] == "MONITORING THE FIX: Web, API"
