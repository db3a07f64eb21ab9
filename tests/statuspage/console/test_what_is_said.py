"""The page of a probe whose target says how it is: its number, the part it blames, another page's words."""

from datetime import timedelta

import pytest
from django.utils import timezone

from components.models import Check, Flip, Inbox
from components.outcomes import Failure, Reading
from components.passive.alerts import Alert, AlertState
from statuspage.console.probe_detail import reports, results, trials, vendor
from statuspage.models import Role
from tests.making import after, component, found, watched
from tests.people import person

RATIO = {"value": "$.used", "divided_by": "$.max", "limits": "degraded above 0.8, down above 0.98"}
pytestmark = pytest.mark.django_db


@pytest.fixture
def editor(client):
    client.force_login(person("ada", Role.EDITOR))
    return client


def page(client, probe):
    return client.get(f"/console/probes/{probe.public_id}").content.decode()


def measured(value, parts="", **more):
    facts = {"value": str(value), **({"parts": parts} if parts else {})}
    return Reading(20.0, status_code=200, transfer_ms=1.0, first_byte_ms=1.0, facts=facts, **more)


def numbers(**more):
    return watched("Chat", kind="numbers", options=RATIO, **more)


def test_the_number_is_shown_last_and_per_result(editor):
    probe, now = numbers(), timezone.now()
    for back, value in ((3, 0.5), (2, 0.61)):
        found(probe, measured(value), now - timedelta(minutes=back))
    sentence = "$.used / $.max is 0.83 (830 of 1,000), above the limit of 0.8."
    found(probe, measured(0.83, "830 of 1,000", degraded=sentence), now - timedelta(minutes=1))
    text = page(editor, probe)
    assert "<dt>Value</dt> <dd><b>0.83</b> <small>830 of 1,000</small></dd>" in text
    for result in ("<b>0.5</b>", "<b>0.61</b>", "<b>0.83, degraded</b>"):
        assert result in text
    assert sentence in text
    assert 'data-status="degraded_performance"' in text


def test_a_number_beyond_its_limit_says_so_and_not_200_ok(editor):
    probe, now = numbers(), timezone.now()
    found(probe, measured(0.5), now - timedelta(minutes=2))
    sentence = "$.used / $.max is 0.99 (990 of 1,000), above the limit of 0.98."
    found(probe, measured(0.99, failure=Failure.LIMIT, detail=sentence), now - timedelta(minutes=1))
    text = page(editor, probe)
    assert "<b>0.99, value beyond its limit</b>" in text
    assert "200 OK" not in text
    assert sentence in text


def test_many_numbers_fold_to_their_range(editor):
    probe, now = numbers(), timezone.now()
    end = int(now.timestamp())
    Check.objects.bulk_create(
        Check(probe=probe, slot=end - 60 * back, region="local", outcome="up", total_ms=9,
              facts={"value": str(back / 100)})
        for back in range(1, 41)
    )  # fmt: skip
    assert "35 more results, from 0.05 to 0.39" in page(editor, probe)


def test_a_row_with_a_value_that_is_no_number_costs_no_page(editor):
    probe = numbers()
    for minute, value in enumerate(("much", "nan", None, [1])):
        found(probe, Reading(9.0, facts={"value": value}), timezone.now() - timedelta(minutes=9 - minute))
    assert "Last results" in page(editor, probe)


def test_a_dry_run_keeps_what_a_target_said_itself():
    probe, now = numbers(confirm_down=2, confirm_up=2), timezone.now()
    for back in range(30, 0, -1):
        degraded = "It is above the limit." if 10 <= back < 20 else ""
        found(probe, measured(0.5, degraded=degraded), now - timedelta(minutes=back))
    probe.refresh_from_db()
    assert Flip.objects.filter(probe=probe, old="up", new="degraded").count() == 1
    same = trials.dry_run(probe, probe, now)
    assert same.words.startswith("With these settings, no change: 2 flips")


def test_a_degraded_check_is_not_called_a_certificate(client):
    """What anybody may read of one hour."""
    probe = numbers()
    found(probe, measured(0.5), after(minutes=-50))
    found(probe, measured(0.83, degraded="Above."), after(minutes=-30))
    hour = after(minutes=-30)
    address = f"/components/{probe.component.public_id}/days/{hour:%Y-%m-%d}/{hour:%H}"
    text = client.get(address).content.decode()
    assert "Value near its limit" in text
    assert "Certificate" not in text


SAID = {"vendor_since": after(minutes=12).isoformat(), "vendor_status": "major_outage"}


def vendor_pair():
    ours = watched("Payments", kind="http")
    theirs = watched("x", kind="vendor", target="https://status.example.org/")
    theirs.component = ours.component
    theirs.save()
    return ours, theirs


def flip(probe, new, at, old="up"):
    return Flip.objects.create(probe=probe, old=old, new=new, at=at, noticed_at=at)


def test_how_much_later_they_spoke_than_our_own_checks_failed():
    ours, theirs = vendor_pair()
    flip(ours, "down", after(minutes=0))
    assert vendor.spoke(theirs, Check(facts=SAID)) == (
        "They said so 12 min after our own checks of Payments failed (08:00 UTC)."
    )


def test_or_how_much_earlier():
    ours, theirs = vendor_pair()
    flip(ours, "down", after(minutes=15))
    expected = "They said so 3 min before our own checks of Payments failed (08:15 UTC)."
    assert vendor.spoke(theirs, Check(facts=SAID)) == expected


def test_another_failure_is_not_held_against_them():
    ours, theirs = vendor_pair()
    flip(ours, "down", after(hours=-8))  # too far
    flip(ours, "up", after(hours=-7), old="down")
    flip(ours, "down", after(hours=-3))
    flip(ours, "up", after(hours=-2), old="down")  # long over
    flip(theirs, "down", after(minutes=12))
    assert vendor.spoke(theirs, Check(facts=SAID)) == ""
    assert vendor.spoke(theirs, Check(facts=None)) == ""
    assert vendor.spoke(theirs, Check(facts={"vendor_since": "soon"})) == ""
    flip(ours, "down", after(minutes=-5))
    assert "17 min after" in vendor.spoke(theirs, Check(facts=SAID))


def test_alerts_of_other_monitors_are_no_checks_of_ours():
    ours, theirs = vendor_pair()
    alerts = watched("y", kind="inbound", target="alertmanager")
    alerts.component = ours.component
    alerts.save()
    flip(alerts, "down", after(minutes=0))
    assert vendor.spoke(theirs, Check(facts=SAID)) == ""


def test_the_text_of_an_alert_is_for_those_who_may_edit_probes():
    probe = watched("Disk", kind="inbound", target="generic")
    state = AlertState(heard_at=9.0, alerts={"1": Alert("firing", 9.0, 9.0, "", "db-7.internal is full")})
    Inbox.objects.filter(probe=probe).update(state=state.as_json)
    shown = [reports.reported(probe, after(minutes=0), is_whole=is_whole) for is_whole in (True, False)]
    assert [each and tuple(alert.name for alert in each.open) for each in shown] == [
        ("db-7.internal is full",),
        ("an alert without a name",),
    ]


def test_their_words_and_their_delay_are_on_the_page(editor):
    ours, theirs = vendor_pair()
    now = timezone.now()
    found(theirs, Reading(9.0, status_code=200), now - timedelta(minutes=30))
    since = (now - timedelta(minutes=10)).isoformat()
    said = Reading(
        9.0, Failure.REPORTED, "They report a major outage of “API”: “Errors”.", status_code=200,
        excerpt="Errors (identified)\n<b>We</b> look.", facts={**SAID, "vendor_since": since},
    )  # fmt: skip
    found(theirs, said, now - timedelta(minutes=9))
    found(theirs, said, now - timedelta(minutes=8))
    flip(ours, "down", now - timedelta(minutes=15))
    text = page(editor, theirs)
    assert "They report a major outage of “API”: “Errors”." in text
    assert "They said so 5 min after our own checks of Payments failed" in text
    assert "&lt;b&gt;We&lt;/b&gt; look." in text
    assert "<b>Reports a problem</b>" in text


def test_each_kind_can_be_added_in_the_console_and_says_what_is_wrong(editor, target):
    made = component("Chat")
    sent = {
        "kind": "numbers", "target": target.url, "interval_s": 60, "timeout_s": 10, "retry_s": 5,
        "confirm_down": 2, "confirm_up": 2, "unsteady_count": 3, "unsteady_window": 10,
        "down_status": "major_outage", "region": "local", "numbers__value": "$.used",
        "numbers__divided_by": "$.max", "numbers__limits": "degraded above 0.8\r\ndown above 98%",
        "numbers__several": "unknown", "numbers__unread": "down", "numbers__warn_minutes": "30",
    }  # fmt: skip
    address = f"/console/components/{made.public_id}/probe"
    refused = editor.post(address, {**sent, "numbers__limits": "high"})
    assert refused.status_code == 400
    assert "write “degraded above 0.8”" in refused.content.decode()
    target.json({"used": 830, "max": 1000})
    tried = editor.post(address, {**sent, "do": "try"}).content.decode()
    assert "$.used / $.max is 0.83 (830 of 1,000), above the limit of 0.8." in tried
    editor.post(address, sent)
    probe = made.probes.get()
    assert probe.options == {
        "value": "$.used", "divided_by": "$.max", "limits": "degraded above 0.8\r\ndown above 98%",
    }  # fmt: skip


def test_a_number_that_is_tried_is_said(settings, target):
    settings.EGRESS_ALLOW = ["127.0.0.0/8"]
    target.says = b'{"used": 5, "max": 10}'
    options = {"value": "$.used", "divided_by": "$.max", "limits": "degraded above 80%"}
    probe = watched(kind="numbers", target=target.url, options=options)
    assert trials.try_out(probe).words.endswith("It measured 0.5 (5 of 10).")


def test_an_answer_that_is_good_but_for_its_content_is_not_said_to_be_200_ok():
    check = Check(outcome="down", failure="assertion", status_code=200, total_ms=5, facts={})
    (*_, last) = results.ladder(check, "http")
    assert (last.name, last.state, last.text) == ("As expected", "failed", "unexpected content")
    check = Check(outcome="down", failure="status", status_code=500, total_ms=5, facts={})
    assert "500 Internal Server Error" in [rung.text for rung in results.ladder(check, "http")]
