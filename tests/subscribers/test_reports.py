"""Reports of each mail provider, by the event types it documents."""

import pytest

from subscribers.emails.provider_reports import Report, read

GONE, COMPLAINED, UNSUBSCRIBED, NOTHING = (
    Report.GONE, Report.COMPLAINED, Report.UNSUBSCRIBED, Report.NOTHING,
)  # fmt: skip

PASSING = (1, *range(20, 26), 40, *range(50, 55), 60, 70, 80, 90, 100)  # of SparkPost's bounce classes


def failed(reason, code, message, severity="permanent"):
    status = {"code": code, "message": message}
    return {
        "event-data": {"event": "failed", "severity": severity, "reason": reason, "delivery-status": status}
    }


def bounced(**bounce):
    return {"type": "email.bounced", "data": {"bounce": bounce}}


def sparkpost(kind, bounce_class=""):
    return {"msys": {"message_event": {"type": kind, "bounce_class": bounce_class}}}


def mailjet(error, hard):
    return {"event": "bounce", "hard_bounce": hard, "error": error}


def suppressed(reason, origin):
    change = {"RecordType": "SubscriptionChange", "SuppressSending": True}
    return {**change, "SuppressionReason": reason, "Origin": origin}


@pytest.mark.parametrize(
    ("provider", "raw", "follows"),
    [
        ("Postmark", {"RecordType": "Bounce", "Type": "HardBounce"}, GONE),
        ("Postmark", {"RecordType": "Bounce", "Type": "BadEmailAddress"}, GONE),
        ("Postmark", {"RecordType": "Bounce", "Type": "SpamNotification"}, NOTHING),
        ("Postmark", {"RecordType": "Bounce", "Type": "DnsError"}, NOTHING),
        ("Postmark", {"RecordType": "SpamComplaint", "Type": "SpamComplaint"}, COMPLAINED),
        ("Postmark", suppressed("ManualSuppression", "Recipient"), UNSUBSCRIBED),
        ("Postmark", suppressed("ManualSuppression", "Customer"), NOTHING),
        ("Postmark", suppressed("HardBounce", "Recipient"), GONE),
        ("Postmark", {"RecordType": "SubscriptionChange", "SuppressSending": False}, NOTHING),
        ("Mailgun", failed("bounce", 550, "5.1.1 No such user"), GONE),
        ("Mailgun", failed("suppress-bounce", 605, ""), GONE),
        ("Mailgun", failed("bounce", 550, "5.7.1 Relay access denied"), NOTHING),
        ("Mailgun", failed("bounce", 552, "5.2.2 Mailbox full"), NOTHING),
        ("Mailgun", failed("generic", 550, "5.1.1 No such user", "temporary"), NOTHING),
        ("Mailgun", failed("suppress-complaint", 607, ""), NOTHING),
        ("Mailgun", failed("suppress-unsubscribe", 606, ""), NOTHING),
        ("Mailgun", {"event-data": {"event": "complained"}}, COMPLAINED),
        ("Mailgun", {"event-data": {"event": "unsubscribed"}}, UNSUBSCRIBED),
        ("Mailgun", {"event-data": {"event": "rejected"}}, NOTHING),
        ("Mailjet", mailjet("user unknown", True), GONE),
        ("Mailjet", mailjet("mailbox inactive", True), GONE),
        ("Mailjet", mailjet("user unknown", False), NOTHING),
        ("Mailjet", mailjet("mailbox inactive", False), NOTHING),
        ("Mailjet", mailjet("invalid domain", False), NOTHING),
        ("Mailjet", mailjet("quota exceeded", False), NOTHING),
        ("Mailjet", mailjet("quota exceeded", True), NOTHING),
        ("Mailjet", mailjet("relay/access denied", True), NOTHING),
        ("Mailjet", {"event": "blocked", "error": "user unknown"}, NOTHING),
        ("Mailjet", {"event": "spam"}, COMPLAINED),
        ("Mailjet", {"event": "unsub"}, UNSUBSCRIBED),
        ("Resend", bounced(type="Permanent", subType="General"), GONE),
        ("Resend", bounced(type="Permanent", subType="NoEmail"), GONE),
        ("Resend", bounced(type="Permanent", subType="Suppressed"), NOTHING),
        ("Resend", bounced(type="Undetermined", subType="Undetermined"), NOTHING),
        ("Resend", bounced(type="Transient", subType="MailboxFull"), NOTHING),
        ("Resend", {"type": "email.bounced", "data": None}, NOTHING),
        ("Resend", {"type": "email.complained"}, COMPLAINED),
        ("Resend", {"type": "email.suppressed"}, NOTHING),
        ("SendGrid", {"event": "bounce", "type": "bounce", "reason": "550 5.1.1 User unknown"}, GONE),
        ("SendGrid", {"event": "bounce", "type": "bounce", "reason": "550 blocked by policy"}, NOTHING),
        ("SendGrid", {"event": "bounce", "bounce_classification": "Invalid Address"}, GONE),
        ("SendGrid", {"event": "bounce", "bounce_classification": "Reputation"}, NOTHING),
        ("SendGrid", {"event": "bounce", "type": "blocked", "reason": "User unknown"}, NOTHING),
        ("SendGrid", {"event": "dropped", "reason": "Bounced Address"}, GONE),
        ("SendGrid", {"event": "dropped", "reason": "Spam Reporting Address"}, NOTHING),
        ("SendGrid", {"event": "dropped", "reason": "Unsubscribed Address"}, UNSUBSCRIBED),
        ("SendGrid", {"event": "spamreport"}, COMPLAINED),
        ("SendGrid", {"event": "group_unsubscribe"}, UNSUBSCRIBED),
        ("SparkPost", sparkpost("bounce", "10"), GONE),
        ("SparkPost", sparkpost("out_of_band", "30"), GONE),
        *(("SparkPost", sparkpost("bounce", name), NOTHING) for name in PASSING),
        ("SparkPost", sparkpost("policy_rejection", "25"), NOTHING),
        ("SparkPost", sparkpost("spam_complaint"), COMPLAINED),
        ("SparkPost", sparkpost("list_unsubscribe"), UNSUBSCRIBED),
        ("SparkPost", {"msys": {}}, NOTHING),
        ("Brevo", {"event": "hard_bounce"}, GONE),
        ("Brevo", {"event": "invalid_email"}, GONE),
        ("Brevo", {"event": "soft_bounce"}, NOTHING),
        ("Brevo", {"event": "blocked"}, NOTHING),
        ("Brevo", {"event": "spam"}, COMPLAINED),
        ("Brevo", {"event": "unsubscribe"}, UNSUBSCRIBED),
        ("Of tomorrow", {"event": "hard_bounce"}, NOTHING),
    ],
)
def test_what_follows_from_a_report(provider, raw, follows):
    assert read(provider, raw, "") is follows


@pytest.mark.parametrize(
    "said",
    [
        "550 relay not permitted",
        "550 Blocked: your IP is listed",
        "552 mailbox full, over quota",
        "550 5.7.1 RESOLVER.RST.AuthRequired; authentication required",
    ],
)
def test_a_bounce_whose_words_are_about_us_or_may_pass_stops_nobody(said):
    assert read("Brevo", {"event": "hard_bounce"}, said) is NOTHING
