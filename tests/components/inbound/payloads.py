"""Messages of other monitors, as their documentation and their programs show them."""

import json

ALERTMANAGER = {
    "version": "4",
    "groupKey": '{}:{alertname="HighLatency"}',
    "truncatedAlerts": 0,
    "status": "firing",
    "receiver": "status-page",
    "groupLabels": {"alertname": "HighLatency"},
    "commonLabels": {"alertname": "HighLatency", "severity": "critical"},
    "commonAnnotations": {},
    "externalURL": "http://alertmanager.example:9093",
    "alerts": [
        {
            "status": "firing",
            "labels": {"alertname": "HighLatency", "job": "api", "severity": "critical"},
            "annotations": {"summary": "p95 over 2 s", "description": "For ten minutes."},
            "startsAt": "2026-11-27T12:00:00.000Z",
            "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "http://prometheus.example/graph",
            "fingerprint": "8a4d7dcb0b0d4a6b",
        },
        {
            "status": "resolved",
            "labels": {"alertname": "DiskFull", "job": "db"},
            "annotations": {},
            "startsAt": "2026-11-27T11:00:00.000Z",
            "endsAt": "2026-11-27T12:00:00Z",
            "generatorURL": "",
            "fingerprint": "1f3c5d7e9b2a4c6d",
        },
    ],
}
GRAFANA = {
    "receiver": "status page",
    "status": "firing",
    "orgId": 1,
    "alerts": [
        {
            "status": "firing",
            "labels": {"alertname": "Errors", "grafana_folder": "Web"},
            "annotations": {"summary": "5 % of requests fail"},
            "startsAt": "2026-11-27T12:00:00Z",
            "endsAt": "0001-01-01T00:00:00Z",
            "values": {"B": 5.2, "C": 1},
            "valueString": "[ var='B' value=5.2 ]",
            "generatorURL": "https://grafana.example/alerting/grafana/x/view",
            "fingerprint": "57c6d9296de2ad39",
            "silenceURL": "https://grafana.example/alerting/silence/new",
            "dashboardURL": "",
            "panelURL": "",
        },
        {
            "status": "firing",
            "labels": {"alertname": "DatasourceNoData", "rulename": "Queue"},
            "annotations": {},
            "startsAt": "2026-11-27T12:00:00Z",
            "endsAt": "0001-01-01T00:00:00Z",
            "fingerprint": "c5eadffa33fcdf37",
        },
    ],
    "groupLabels": {},
    "commonLabels": {},
    "commonAnnotations": {},
    "externalURL": "https://grafana.example/",
    "version": "1",
    "groupKey": "{}:{}",
    "truncatedAlerts": 2,
    "title": "[FIRING:2]",
    "state": "alerting",
    "message": "**Firing**",
}
GRAFANA_OLD = {
    "dashboardId": 1,
    "evalMatches": [{"value": 100, "metric": "High value", "tags": None}],
    "message": "Someone should look",
    "orgId": 1,
    "panelId": 2,
    "ruleId": 17,
    "ruleName": "Panel Title alert",
    "ruleUrl": "http://grafana.example/d/x?tab=alert",
    "state": "alerting",
    "title": "[Alerting] Panel Title alert",
}
UPTIMEROBOT = (
    "monitorID=781234567&monitorURL=https%3A%2F%2Fexample.org&monitorFriendlyName=Shop&alertType=1"
    "&alertTypeFriendlyName=Down&alertDetails=Connection+Timeout&alertDuration=60&alertDateTime=1795780800"
)
PINGDOM = {
    "check_id": 12345,
    "check_name": "Shop",
    "check_type": "HTTP",
    "check_params": {"basic_auth": False, "encryption": True, "hostname": "www.example.com", "port": 443},
    "tags": ["example_tag"],
    "previous_state": "UP",
    "current_state": "DOWN",
    "importance_level": "HIGH",
    "state_changed_timestamp": 1451610061,
    "state_changed_utc_time": "2016-01-01T01:01:01",
    "long_description": "Invalid HTTP Response",
    "description": "Timeout",
    "first_probe": {"ip": "123.4.5.6", "location": "Stockholm, Sweden"},
    "second_probe": {"ip": "123.4.5.6", "location": "Austin, US", "version": 1},
}
ALARM = {
    "AlarmName": "api-5xx",
    "AlarmDescription": "Too many errors",
    "AWSAccountId": "123456789012",
    "NewStateValue": "ALARM",
    "NewStateReason": "Threshold Crossed: 1 datapoint (10.0) was greater than the threshold (1.0).",
    "StateChangeTime": "2026-11-27T12:00:00.000+0000",
    "Region": "EU (Ireland)",
    "AlarmArn": "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:api-5xx",
    "OldStateValue": "OK",
    "Trigger": {"MetricName": "5xx", "Namespace": "AWS/ApiGateway"},
}
SNS = {
    "Type": "Notification",
    "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
    "TopicArn": "arn:aws:sns:eu-west-1:123456789012:MyTopic",
    "Subject": "ALARM: api-5xx",
    "Message": json.dumps(ALARM),
    "Timestamp": "2026-11-27T12:00:05.000Z",
    "SignatureVersion": "1",
    "Signature": "",
    "SigningCertURL": "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-f3ecfb.pem",
    "UnsubscribeURL": "https://sns.eu-west-1.amazonaws.com/?Action=Unsubscribe",
}
