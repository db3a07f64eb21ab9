"""What each source's messages say, and what is wrong with those that cannot be read."""

import base64
import contextlib
import copy
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook

from components.inbound import SOURCES, Message, PayloadError, sns
from components.inbound.message import UnsignedError
from components.passive.reports import Report
from components.probers import PROBERS, InvalidProbeError
from tests.components.inbound import payloads

NOW = datetime(2026, 11, 27, 12, 0, 30, tzinfo=UTC)


def message(body, content_type="application/json", query="", at=NOW, **headers) -> Message:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Message(data, at, content_type, query, {k.replace("_", "-"): v for k, v in headers.items()})


def terms(**options):
    return PROBERS["inbound"].parse("generic", options).terms


def read(source, given, **options):
    reports = SOURCES[source].read(given, terms(**options))
    return [(str(one.kind), one.source, one.name) for one in reports]


def changed(payload, **fields):
    return {**copy.deepcopy(payload), **fields}


def alert(**fields):
    return changed(payloads.ALERTMANAGER, alerts=[{**payloads.ALERTMANAGER["alerts"][0], **fields}])


def test_alertmanager_reports_each_alert_by_its_fingerprint():
    assert read("alertmanager", message(payloads.ALERTMANAGER)) == [
        ("firing", "8a4d7dcb0b0d4a6b", "HighLatency"),
        ("resolved", "1f3c5d7e9b2a4c6d", "DiskFull"),
    ]
    first = SOURCES["alertmanager"].read(message(payloads.ALERTMANAGER), terms())[0]
    assert first.text == "p95 over 2 s\nFor ten minutes.\nalertname=HighLatency, job=api, severity=critical"
    assert first.at == NOW


def test_sources_say_since_when_by_their_own_clock():
    noon = datetime(2026, 11, 27, 12, tzinfo=UTC).timestamp()
    read_all = lambda source, given: SOURCES[source].read(given, terms())  # noqa: E731
    firing, resolved = read_all("alertmanager", message(payloads.ALERTMANAGER))
    assert (firing.changed_at, resolved.changed_at, firing.is_ordered) == (noon, noon, False)
    body = changed(payloads.SNS, Signature="eA==")
    (alarm,) = read_all("cloudwatch", message(body, "text/plain"))
    assert (alarm.changed_at, alarm.is_ordered, alarm.message_id) == (noon, True, payloads.SNS["MessageId"])
    (check,) = read_all("pingdom", message(payloads.PINGDOM))
    assert (check.changed_at, check.is_ordered) == (1451610061.0, True)
    (monitor,) = read_all("uptimerobot", message(b"", "", query=payloads.UPTIMEROBOT))
    assert (monitor.changed_at, monitor.is_ordered) == (1795780800.0, True)
    (other,) = read_all("generic", message({"id": "a", "status": "ok"}, webhook_id="msg_1"))
    assert (other.changed_at, other.message_id) == (None, "msg_1")
    assert Report.from_json(json.loads(json.dumps(alarm.as_json()))) == alarm


@pytest.mark.parametrize(
    "time", [None, "", "soon", "0001-01-01T00:00:00Z", True, [], {}, -5, 1e30, "9" * 40, float("nan"), "٣"]
)
def test_a_time_that_is_none_is_left_out(time):
    assert SOURCES["alertmanager"].read(message(alert(startsAt=time)), terms())[0].changed_at is None


def test_a_watchdog_only_shows_that_the_source_is_there():
    labels = {"alertname": "Watchdog", "severity": "none"}
    assert read("alertmanager", message(alert(labels=labels)))[0][0] == "contact"


@pytest.mark.parametrize("number", [7, 7.0, "7"])
def test_alerts_that_were_left_out_are_noted(number):
    body = changed(payloads.ALERTMANAGER, truncatedAlerts=number)
    notes = {one.note for one in SOURCES["alertmanager"].read(message(body), terms())}
    assert len(notes) == 1
    assert "left out 7 alerts" in notes.pop()


def test_grafana_knows_rules_without_data():
    assert read("grafana", message(payloads.GRAFANA)) == [
        ("firing", "57c6d9296de2ad39", "Errors"),
        ("no_data", "c5eadffa33fcdf37", "DatasourceNoData"),
    ]
    resolved = copy.deepcopy(payloads.GRAFANA)
    resolved["alerts"][1]["status"] = "resolved"
    assert read("grafana", message(resolved))[1][0] == "resolved"


@pytest.mark.parametrize(
    ("state", "kind"),
    [("alerting", "firing"), ("ok", "resolved"), ("no_data", "no_data"), ("paused", "no_data")],
)
def test_grafana_8_reports_its_panel(state, kind):
    body = changed(payloads.GRAFANA_OLD, state=state)
    assert read("grafana", message(body)) == [(kind, "17", "Panel Title alert")]


@pytest.mark.parametrize(("number", "kind"), [("1", "firing"), ("2", "resolved"), ("3", "log")])
@pytest.mark.parametrize("way", ["query", "form", "json"])
def test_uptimerobot_reports_in_three_ways(way, number, kind):
    text = payloads.UPTIMEROBOT.replace("alertType=1", f"alertType={number}")
    ways = {
        "query": message(b"", "", query=text),
        "form": message(text.encode(), "application/x-www-form-urlencoded; charset=utf-8"),
        "json": message({"monitorID": 781234567, "monitorFriendlyName": "Shop", "alertType": number}),
    }
    assert read("uptimerobot", ways[way]) == [(kind, "781234567", "Shop")]


@pytest.mark.parametrize(
    ("state", "kind"),
    [("DOWN", "firing"), ("UP", "resolved"), ("FAILING", "firing"), ("SUCCESS", "resolved")],
)
def test_pingdom_reports_a_check(state, kind):
    assert read("pingdom", message(changed(payloads.PINGDOM, current_state=state))) == [
        (kind, "12345", "Shop")
    ]


@pytest.mark.parametrize(
    ("state", "kind"), [("ALARM", "firing"), ("OK", "resolved"), ("INSUFFICIENT_DATA", "no_data")]
)
def test_cloudwatch_reports_an_alarm(state, kind):
    alarm = json.dumps(changed(payloads.ALARM, NewStateValue=state))
    body = changed(payloads.SNS, Message=alarm, Signature="eA==")
    expected = [(kind, payloads.ALARM["AlarmArn"], "api-5xx")]
    assert read("cloudwatch", message(body, "text/plain; charset=UTF-8")) == expected


def test_generic_json_is_read_by_paths():
    body = {"data": {"check": {"id": 7, "ok": False}, "text": "It broke"}}
    options = {
        "id_path": "$.data.check.id", "state_path": "$.data.check.ok", "text_path": "$.data.text",
        "firing_states": "false", "resolved_states": "true",
    }  # fmt: skip
    assert read("generic", message(body), **options) == [("firing", "7", "7")]
    assert read("generic", message({"id": "a", "status": "OK"})) == [("resolved", "a", "a")]


@pytest.mark.parametrize(
    ("source", "given", "says"),
    [
        ("alertmanager", message(b"<html>"), "The body is not valid JSON"),
        ("alertmanager", message(b"[" * 100_000), "The body is not valid JSON"),
        ("alertmanager", message([1]), "The body is not a JSON object"),
        ("alertmanager", message({}), "“alerts” must be a list"),
        ("alertmanager", message({"alerts": {}}), "“alerts” must be a list"),
        ("alertmanager", message({"alerts": [7]}), r"“alerts\[0\]” must be an object"),
        ("alertmanager", message({"alerts": [{}] * 1_001}), "more than 1000"),
        ("alertmanager", message(changed(payloads.ALERTMANAGER, version="5")), "“version” must be “4”"),
        ("alertmanager", message(alert(status="open")), r"“alerts\[0\].status” must be"),
        ("alertmanager", message(alert(fingerprint=None)), r"“alerts\[0\].fingerprint” is missing"),
        ("alertmanager", message(alert(fingerprint={})), r"“alerts\[0\].fingerprint” must be a text"),
        ("alertmanager", message(alert(labels=[])), r"“alerts\[0\].labels” must be an object"),
        ("alertmanager", message(changed(payloads.ALERTMANAGER, truncatedAlerts="x")), "“truncatedAlerts”"),
        ("alertmanager", message(changed(payloads.ALERTMANAGER, truncatedAlerts=True)), "“truncatedAlerts”"),
        ("alertmanager", message(changed(payloads.ALERTMANAGER, truncatedAlerts=1.5)), "“truncatedAlerts”"),
        ("alertmanager", message(changed(payloads.ALERTMANAGER, truncatedAlerts="٣")), "“truncatedAlerts”"),
        ("alertmanager", message(changed(payloads.ALERTMANAGER, truncatedAlerts="1_0")), "“truncatedAlerts”"),
        ("grafana", message(changed(payloads.GRAFANA_OLD, state="new")), "“state” must be one of"),
        ("uptimerobot", message(b"", ""), "“alertType” is missing"),
        ("uptimerobot", message(b"", "", query="alertType=9"), "“alertType” must be 1"),
        ("uptimerobot", message(b"", "", query="alertType=1"), "“monitorID” is missing"),
        ("uptimerobot", message(b"", "", query="&".join(["a=1"] * 300)), "more than 200 parameters"),
        ("pingdom", message(changed(payloads.PINGDOM, current_state="SIDEWAYS")), "“current_state” must be"),
        ("pingdom", message(changed(payloads.PINGDOM, check_id=None)), "“check_id” is missing"),
        ("cloudwatch", message({"Type": "Other"}), "“Type” must be one of"),
        ("cloudwatch", message(changed(payloads.SNS, Signature="")), "“Signature” is missing"),
        (
            "cloudwatch",
            message(changed(payloads.SNS, Signature="eA==", Message="hi")),
            "“Message” is not valid",
        ),
        ("cloudwatch", message(changed(payloads.SNS, Signature="eA==", SignatureVersion="3")), "“1” or “2”"),
        ("generic", message({"status": "up"}), "where id_path points to"),
        ("generic", message({"id": 1, "status": "sideways"}), "“sideways”: add it"),
        ("generic", message({"id": 1, "status": {"a": 1}}), "where state_path points to"),
    ],
)
def test_what_cannot_be_read_is_refused_in_a_sentence_that_names_the_field(source, given, says):
    with pytest.raises(PayloadError, match=says):
        read(source, given)


def test_odd_words_can_be_stored():
    body = alert(
        fingerprint="a\0b\ud800",
        labels={"alertname": "\0\ud800" + "x" * 900},
        annotations={"summary": "\udfff" + "y" * 50_000},
    )
    one = SOURCES["alertmanager"].read(message(body), terms())[0]
    assert (one.source, len(one.name), len(one.text.encode())) == ("a·b?", 200, 10 * 1024)
    assert (one.name[:3], one.text[:2]) == ("·?x", "?y")
    long = SOURCES["alertmanager"].read(message(alert(fingerprint="f" * 300)), terms())[0]
    assert long.source.startswith("sha256:")


SECRET = "whsec_" + base64.b64encode(b"twenty-four bytes of key").decode()


def test_standard_webhooks_are_verified():
    body = b'{"id": 1, "status": "down"}'
    signed = Webhook(SECRET).sign("msg_1", NOW, body.decode())
    headers = {
        "webhook_id": "msg_1",
        "webhook_timestamp": str(int(NOW.timestamp())),
        "webhook_signature": signed,
    }
    generic = SOURCES["generic"]
    generic.verify(message(body, **headers), SECRET)
    generic.verify(message(body, **{**headers, "webhook_signature": f"v1,bm8= {signed}"}), SECRET)
    wrong = [
        message(body + b" ", **headers),
        message(body, at=NOW + timedelta(minutes=6), **headers),
        message(body, **{**headers, "webhook_id": "msg_2"}),
        message(body, **{**headers, "webhook_timestamp": "soon"}),
        message(body, **{**headers, "webhook_signature": ""}),
        message(body),
    ]
    for one in wrong:
        with pytest.raises(UnsignedError):
            generic.verify(one, SECRET)
    with pytest.raises(UnsignedError):
        generic.verify(message(body, **headers), "whsec_" + base64.b64encode(b"another key").decode())


def test_grafana_signatures_are_verified():
    body, stamp = b"{}", str(int(NOW.timestamp()))
    plain = hmac.new(b"between us", body, hashlib.sha256).hexdigest()
    timed = hmac.new(b"between us", f"{stamp}:".encode() + body, hashlib.sha256).hexdigest()
    verify = SOURCES["grafana"].verify
    verify(message(body, x_grafana_alerting_signature=plain), "between us")
    both = {"x_grafana_alerting_signature": timed, "x_grafana_alerting_timestamp": stamp}
    verify(message(body, **both), "between us")
    for one in (
        message(body), message(b"{ }", x_grafana_alerting_signature=plain),
        message(body, at=NOW + timedelta(minutes=6), **both),
        message(body, **{**both, "x_grafana_alerting_timestamp": "²"}),
    ):  # fmt: skip
        with pytest.raises(UnsignedError):
            verify(one, "between us")


@pytest.mark.parametrize(
    ("url", "is_amazon"),
    [
        ("https://sns.eu-west-1.amazonaws.com/x.pem", True),
        ("https://sns.cn-north-1.amazonaws.com.cn/x.pem", True),
        ("http://sns.eu-west-1.amazonaws.com/x.pem", False),
        ("https://sns.eu-west-1.amazonaws.com.evil.example/x.pem", False),
        ("https://evil.example/sns.eu-west-1.amazonaws.com/x.pem", False),
        ("https://sns.eu-west-1.amazonaws.com@evil.example/x.pem", False),
        ("https://sns.evil.example#.eu-west-1.amazonaws.com/", False),
        ("https://sns.a.b.amazonaws.com/", False),
        ("https://s3.eu-west-1.amazonaws.com/x.pem", False),
        ("https://sns.eu-west-1.amazonaws.com:8443/x.pem", False),
        ("https://sns.eu-west-1.amazonaws.com:x/x.pem", False),
        ("https://[::1", False),
        ("", False),
    ],
)
def test_only_amazon_s_own_addresses_are_trusted(url, is_amazon):
    assert sns.is_amazon(url) is is_amazon


@pytest.mark.parametrize(
    ("target", "options", "field"),
    [
        ("nagios", {}, "target"),
        ("alertmanager", {"silence": "soon"}, "silence"),
        ("alertmanager", {"auth": "bearer"}, "secret"),
        ("alertmanager", {"auth": "signature", "secret": "x"}, "auth"),
        ("generic", {"auth": "signature", "secret": "no base64!"}, "secret"),
        ("generic", {"auth": "basic", "secret": "no colon"}, "secret"),
        ("generic", {"id_path": "$["}, "id_path"),
        ("generic", {"firing_states": "up"}, "resolved_states"),
        ("generic", {"firing": "sideways"}, "firing"),
    ],
)
def test_what_staff_enter_wrongly_is_refused_by_its_field(target, options, field):
    with pytest.raises(InvalidProbeError) as refused:
        PROBERS["inbound"].parse(target, options)
    assert refused.value.field == field


def test_a_kept_secret_is_opened():
    order = PROBERS["inbound"].parse("generic", {"auth": "signature", "secret": SECRET})
    assert order.secret == SECRET


DEPTHS = range(200, 1_001, 20)


@pytest.mark.parametrize("place", ["labels", "annotations", "name"])
def test_what_is_nested_deeply_is_read_or_refused_with_a_sentence(place):
    """As deep as JSON is read at all: what makes a text of it must not go deeper."""
    for depth in DEPTHS:
        deep = "[" * depth + "]" * depth
        field = {
            "labels": f'"labels": {{"alertname": "A", "x": {deep}}}',
            "annotations": f'"labels": {{}}, "annotations": {{"summary": {deep}}}',
            "name": f'"labels": {{"alertname": {deep}}}',
        }[place]
        body = f'{{"alerts": [{{"status": "firing", "fingerprint": "f", {field}}}]}}'.encode()
        with contextlib.suppress(PayloadError):
            (one,) = SOURCES["alertmanager"].read(message(body), terms())
            assert len(one.text) < 100
            assert "[[" not in f"{one.text}{one.name}"


@pytest.mark.parametrize("number", [10**18, -(10**18), "9" * 4_000, 1e300])
def test_the_number_of_alerts_left_out_is_one_that_can_be_meant(number):
    body = changed(payloads.ALERTMANAGER, truncatedAlerts=number)
    with pytest.raises(PayloadError, match="truncatedAlerts"):
        SOURCES["alertmanager"].read(message(body), terms())
