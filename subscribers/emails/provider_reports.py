"""What a mail provider's report means for the subscriber it names, by the provider's own event types.

Only a report that says the mailbox is unknown or disabled stops it; only the recipient's own complaint or
unsubscription is a leave. Full mailboxes, blocks, filters, relays that refuse us, suppressions whose
reason is not given, and undocumented types change nothing.
"""

from collections.abc import Callable
from enum import Enum, auto
from typing import Any

from subscribers.delivery import refusals
from subscribers.delivery.refusals import Blame

Raw = dict[str, Any]


class Report(Enum):
    """What follows for the subscriber."""

    GONE = auto()
    COMPLAINED = auto()
    UNSUBSCRIBED = auto()
    NOTHING = auto()


def read(provider: str, raw: Raw, reply: str) -> Report:
    """What a report means. `provider` as Anymail names it; `reply`: the mail server's text in it."""
    report = READERS.get(provider, _nothing)(raw)
    return Report.NOTHING if report is Report.GONE and refusals.clears_mailbox(reply) else report


def _postmark(raw: Raw) -> Report:
    """A complaint has its own record type; "SpamNotification" is a bounce by a filter."""
    match raw.get("RecordType"):
        case "SpamComplaint":
            return Report.COMPLAINED
        case "SubscriptionChange" if raw.get("SuppressSending"):
            return _postmark_suppression(raw)
        case "Bounce":
            return _BOUNCES.get(str(raw.get("Type")), Report.NOTHING)
    return Report.NOTHING


def _postmark_suppression(raw: Raw) -> Report:
    """Addresses suppressed manually by staff do not count as unsubscribed by the recipient."""
    is_by_hand = raw.get("SuppressionReason") == "ManualSuppression"
    if is_by_hand and raw.get("Origin", "Recipient") != "Recipient":
        return Report.NOTHING
    return _SUPPRESSED.get(str(raw.get("SuppressionReason")), Report.NOTHING)


_BOUNCES = {
    "HardBounce": Report.GONE,
    "BadEmailAddress": Report.GONE,
    "SpamComplaint": Report.COMPLAINED,
}
_SUPPRESSED = {
    "HardBounce": Report.GONE,
    "SpamComplaint": Report.COMPLAINED,
    "ManualSuppression": Report.UNSUBSCRIBED,
}


def _mailgun(raw: Raw) -> Report:
    """A permanent failure has many reasons; the server's own code and text decide."""
    event = raw.get("event-data", raw)
    kind = event.get("event")
    if kind in ("complained", "unsubscribed"):
        return Report.COMPLAINED if kind == "complained" else Report.UNSUBSCRIBED
    if kind != "failed" or event.get("severity") != "permanent":
        return Report.NOTHING
    status = event.get("delivery-status") or {}
    text = (
        f"{status.get('enhanced-code') or ''} {status.get('message') or ''} {status.get('description') or ''}"
    )
    code = status.get("code")
    is_unknown = refusals.blame(code if isinstance(code, int) else 550, text) is Blame.MAILBOX
    is_gone = event.get("reason") == "suppress-bounce" or (event.get("reason") == "bounce" and is_unknown)
    return Report.GONE if is_gone else Report.NOTHING


def _mailjet(raw: Raw) -> Report:
    """Only `hard_bounce` is permanent; a quota or a relay's refusal is not about the mailbox."""
    match raw.get("event"):
        case "spam":
            return Report.COMPLAINED
        case "unsub":
            return Report.UNSUBSCRIBED
        case "bounce" if (
            raw.get("hard_bounce") in (True, 1, "true", "1") and raw.get("error") in _MAILJET_GONE
        ):
            return Report.GONE
    return Report.NOTHING


_MAILJET_GONE = ("user unknown", "mailbox inactive", "invalid domain", "no mail host", "typofix")


def _resend(raw: Raw) -> Report:
    """Bounces are Permanent, Transient or Undetermined; a suppressed address bounced for another sender."""
    if raw.get("type") == "email.complained":
        return Report.COMPLAINED
    data = raw.get("data")
    bounce = data.get("bounce") if isinstance(data, dict) else None
    if raw.get("type") != "email.bounced" or not isinstance(bounce, dict):
        return Report.NOTHING
    lasts = bounce.get("type") == "Permanent" and bounce.get("subType", "General") in ("General", "NoEmail")
    return Report.GONE if lasts else Report.NOTHING


def _sendgrid(raw: Raw) -> Report:
    """A block is a bounce of type "blocked"; newer reports carry a classification."""
    match raw.get("event"):
        case "spamreport":
            return Report.COMPLAINED
        case "unsubscribe" | "group_unsubscribe":
            return Report.UNSUBSCRIBED
        case "dropped" if str(raw.get("reason")).lower() == "unsubscribed address":
            return Report.UNSUBSCRIBED
        case "dropped" if str(raw.get("reason")).lower() in ("bounced address", "invalid"):
            return Report.GONE
        case "bounce" if raw.get("type", "bounce") == "bounce":
            return _classified(raw)
    return Report.NOTHING


def _classified(raw: Raw) -> Report:
    if "bounce_classification" in raw:
        return Report.GONE if raw["bounce_classification"] == "Invalid Address" else Report.NOTHING
    text = f"{raw.get('status') or ''} {raw.get('reason') or ''}"
    return Report.GONE if refusals.blame(550, text) is Blame.MAILBOX else Report.NOTHING


def _sparkpost(raw: Raw) -> Report:
    """Two bounce classes are about the mailbox: 10, an invalid recipient, and 30, no RCPT."""
    event: Any = raw
    if isinstance(raw.get("msys"), dict):
        event = next(iter(raw["msys"].values()), {})
    match event.get("type"):
        case "spam_complaint":
            return Report.COMPLAINED
        case "list_unsubscribe" | "link_unsubscribe":
            return Report.UNSUBSCRIBED
        case "bounce" | "out_of_band" if str(event.get("bounce_class")) in ("10", "30"):
            return Report.GONE
    return Report.NOTHING


def _brevo(raw: Raw) -> Report:
    match raw.get("event"):
        case "spam" | "complaint":
            return Report.COMPLAINED
        case "unsubscribe" | "unsubscribed":
            return Report.UNSUBSCRIBED
        case "hard_bounce" | "invalid_email":
            return Report.GONE
    return Report.NOTHING


def _nothing(_: Raw) -> Report:
    return Report.NOTHING


READERS: dict[str, Callable[[Raw], Report]] = {
    "Brevo": _brevo,
    "Mailgun": _mailgun,
    "Mailjet": _mailjet,
    "Postmark": _postmark,
    "Resend": _resend,
    "SendGrid": _sendgrid,
    "SparkPost": _sparkpost,
}
