"""What is kept, for how long, and what is never told twice because it was forgotten."""

import datetime as dt

from django.utils import timezone

from incidents import postmortem_draft
from incidents.models import Incident, Notice, Post, Postmortem
from subscribers.delivery import fan_out
from subscribers.models import Delivery, DeliveryState, State, Subscriber
from tests.making import component
from tests.subscribers.making import mail, webhook

LATER = timezone.now() + dt.timedelta(days=31)


def told():
    """An incident with its postmortem, given to everybody and delivered."""
    now = timezone.now()
    incident = Incident.objects.open("Chat is down", "We look.", now=now, components=[component()])
    incident.post(Post("Over.", phase="resolved"), now=now)
    report = postmortem_draft.create(incident, author=None, now=now)
    Postmortem.objects.filter(pk=report.pk).update(summary="What happened.", root_cause="A pool.")
    report.refresh_from_db()
    report.publish(now)
    fan_out.sort(now)
    Delivery.objects.update(state=DeliveryState.SENT, finished_at=now)
    return report


def test_the_log_is_kept_for_thirty_days_and_nothing_owed_is_ever_forgotten(db):
    mail()
    told()
    one = webhook("https://hooks.example/a")
    one.owe("test", timezone.now())
    fan_out.forget_old(timezone.now() + dt.timedelta(days=29))
    assert Delivery.objects.count() == 4
    fan_out.forget_old(LATER)
    assert list(Delivery.objects.values_list("state", flat=True)) == ["owed"]


def test_a_postmortem_that_is_shown_again_after_a_month_is_not_told_again(db):
    mail()
    report = told()
    fan_out.forget_old(LATER)
    report.withdraw()
    report.publish(LATER)
    assert list(Notice.objects.values_list("kind", flat=True)) == ["postmortem"]
    assert fan_out.sort(LATER) == 0


def test_who_left_or_never_answered_is_forgotten_and_who_may_come_back_is_not(db):
    now = timezone.now()
    long_ago = now - dt.timedelta(days=91)
    mail("left@example.org", state=State.LEFT, left_at=long_ago)
    mail("stopped@example.org", state=State.QUARANTINED, quarantined_at=long_ago)
    mail("unsure@example.org", state=State.UNCONFIRMED, created_at=now - dt.timedelta(days=8))
    mail("new@example.org", state=State.UNCONFIRMED)
    mail("reader@example.org")
    owner = mail("owner@example.org", state=State.LEFT, left_at=long_ago)
    webhook("https://hooks.example/a", owner=owner)
    fan_out.forget_old(now)
    kept = {"new@example.org", "reader@example.org", "owner@example.org", "hooks.example/a"}
    assert set(Subscriber.objects.values_list("shown", flat=True)) == kept
