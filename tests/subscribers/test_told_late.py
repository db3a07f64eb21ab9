"""Words that reach their reader on another day than they were said: each clock is told with its day."""

import json
from datetime import timedelta

import pytest

from subscribers import channels
from subscribers.channels.web_push import written
from subscribers.delivery import message_builder
from subscribers.emails import letter
from subscribers.states import CHATS, Channel
from tests.subscribers.letters import NOW, envelope, story
from tests.subscribers.making import mail

LATE = NOW + timedelta(hours=26)  # a receiver that was down; a digest; a telephone that was off
PROMISE = "17 Nov, 04:15 UTC"


def told(channel, at):
    made = envelope(channel=channel, address="https://x.example/?chat_id=1", at=at)
    return json.dumps(channels.kind(channel).body(made), ensure_ascii=False)


@pytest.mark.parametrize("channel", CHATS)
def test_a_chat_that_is_told_late_reads_the_day_of_the_words_and_of_the_promise(channel):
    late = told(channel, LATE)
    assert f"by {PROMISE}" in late
    assert "Identified, 17 Nov, 03:46 UTC" in late
    soon = told(channel, NOW + timedelta(minutes=1))
    assert "by 04:15 UTC" in soon
    assert "Identified, " not in soon


def test_what_is_told_before_midnight_and_read_after_it_has_its_day():
    evening = NOW.replace(hour=23, minute=50)
    of = story(words=(story().words[0].__class__(3, "Identified", evening, "We look."),),
               next_update_at=evening + timedelta(minutes=5))  # fmt: skip
    for at, shown in ((evening, "by 23:55 UTC"), (evening + timedelta(minutes=11), "by 17 Nov, 23:55 UTC")):
        made = envelope(of, channel=Channel.SLACK, address="https://x.example/", at=at)
        assert shown in json.dumps(channels.kind(Channel.SLACK).body(made))


def test_earlier_words_told_together_have_a_day_if_either_day_is_another():
    words = story().words
    made = envelope(story(), channel=Channel.SLACK, address="https://x.example/", unsent=words, at=LATE)
    assert "Investigating, 17 Nov, 03:20 UTC:" in json.dumps(channels.kind(Channel.SLACK).body(made))


def test_a_notification_that_is_shown_late_has_the_day():
    assert f"by {PROMISE}" in written(envelope(channel=Channel.WEB_PUSH, at=LATE))["body"]


@pytest.mark.parametrize("others", [(), (story(key="incident:6"),)])
def test_a_mail_that_is_sent_late_and_a_digest_name_the_day_of_the_promise(others):
    made = letter(envelope(others=others, at=LATE), LATE)
    for part in ("plain", "html"):
        text = made.get_body((part,)).get_content()
        assert "Next update by 17 Nov 2026 04:15 UTC" in " ".join(text.split())
    soon = letter(envelope(others=others, at=NOW), NOW).get_body(("plain",)).get_content()
    assert "Next update by 04:15 UTC" in soon


def test_what_is_packed_knows_when(db):
    one = mail()
    one.owe("welcome", NOW)
    (packed,) = message_builder.pack([one.pk], LATE)
    assert packed.envelope.at == LATE
