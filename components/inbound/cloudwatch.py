"""Amazon CloudWatch alarms, by SNS. Signatures are verified by `sns`.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-actions.html
"""

from dataclasses import replace

from components.inbound import sns
from components.inbound.message import (
    MAX_ID_LENGTH,
    Message,
    Source,
    Terms,
    as_object,
    kind_at,
    moment_at,
    report,
    text_at,
)
from components.passive.reports import Kind, Report

STATES = {"OK": Kind.RESOLVED, "ALARM": Kind.FIRING, "INSUFFICIENT_DATA": Kind.NO_DATA}


def read(message: Message, terms: Terms) -> list[Report]:
    """The one report of a notification; of a subscription only that SNS is there. Raises PayloadError."""
    envelope = sns.envelope(message.body)
    if envelope["Type"] != sns.NOTIFICATION:
        return [report(message, Kind.CONTACT, "")]
    alarm = as_object(envelope["Message"], "The field “Message”")
    kind = kind_at(alarm, "NewStateValue", STATES, where="Message.")
    name = text_at(alarm, "AlarmName", needed=False)
    source = text_at(alarm, "AlarmArn", where="Message.")
    texts = [text_at(alarm, field, needed=False) for field in ("NewStateReason", "AlarmDescription")]
    changed_at = moment_at(alarm, "StateChangeTime")
    said = report(message, kind, source, name=name, texts=texts, changed_at=changed_at)
    return [replace(said, is_ordered=True, message_id=envelope["MessageId"][:MAX_ID_LENGTH])]


CLOUDWATCH = Source(
    "cloudwatch",
    "Amazon CloudWatch (SNS)",
    "Subscribe its address (HTTPS) to the alarm’s SNS topic, without raw message delivery.",
    read,
)
