"""What a mail provider reports later: addresses that are gone, and people who call our mail spam.

django-anymail reads the reports of each provider and checks that they are
theirs; it tells us by a signal, which is its only way to tell. Only the
provider named in MAIL_EVENTS is heard.
"""

import logging
from collections.abc import Callable
from functools import cache
from typing import Any

from anymail.signals import (  # type: ignore[import-untyped]
    AnymailTrackingEvent,
    EventType,
    RejectReason,
)
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.module_loading import import_string

from incidents.messages import one_line
from subscribers.channels import Channel
from subscribers.models import State, Subscriber

log = logging.getLogger(__name__)
# Each provider's reports as Anymail reads them. Not here: Amazon SES, which needs boto3.
PROVIDERS = {
    "brevo": "anymail.webhooks.brevo.BrevoTrackingWebhookView",
    "mailgun": "anymail.webhooks.mailgun.MailgunTrackingWebhookView",
    "mailjet": "anymail.webhooks.mailjet.MailjetTrackingWebhookView",
    "postmark": "anymail.webhooks.postmark.PostmarkTrackingWebhookView",
    "resend": "anymail.webhooks.resend.ResendTrackingWebhookView",
    "sendgrid": "anymail.webhooks.sendgrid.SendGridTrackingWebhookView",
    "sparkpost": "anymail.webhooks.sparkpost.SparkPostTrackingWebhookView",
}
# Anymail calls these bounces like the lasting ones; in each provider's own words they are passing
PASSING = {
    ("Type", "SoftBounce"),  # Postmark
    ("event", "soft_bounce"),  # Brevo
    *(("bounce_class", name) for name in ("20", "21", "22", "23", "24", "40", "70")),  # SparkPost
    ("type", "blocked"),  # SendGrid
}
ALREADY = (State.LEFT, State.QUARANTINED)


@cache
def reader(provider: str) -> Callable[[HttpRequest], HttpResponse]:
    """The view that reads this provider's reports and answers 400 to strangers."""
    view: Callable[[HttpRequest], HttpResponse] = import_string(PROVIDERS[provider]).as_view()
    return view


def hear(event: AnymailTrackingEvent, esp_name: str, **_: Any) -> None:
    """Act on one report. Twice is once; the provider sends again what we could not write down."""
    subscriber = _subscriber(event.recipient or "")
    if subscriber is None or subscriber.state in ALREADY:
        return
    said = one_line(str(event.mta_response or event.description or ""), most=180)
    if event.event_type in (EventType.COMPLAINED, EventType.UNSUBSCRIBED) or event.reject_reason in (
        RejectReason.SPAM,
        RejectReason.UNSUBSCRIBED,
    ):
        is_complaint = event.event_type == EventType.COMPLAINED or event.reject_reason == RejectReason.SPAM
        why = "marked our mail as spam" if is_complaint else "left by its mail program"
        _leave(subscriber, f"{esp_name}: {why}. {said}".rstrip())
    elif _is_lasting(event):
        subscriber.quarantine(timezone.now(), f"{esp_name}: the address does not take mail. {said}".rstrip())


def _leave(subscriber: Subscriber, why: str) -> None:
    subscriber.leave(timezone.now())
    subscriber.note = why[:250]
    subscriber.save(update_fields=["note"])


def _is_lasting(event: AnymailTrackingEvent) -> bool:
    """A bounce that says the address itself is bad. A block or a full mailbox may pass."""
    if event.event_type not in (EventType.BOUNCED, EventType.REJECTED):
        return False
    if event.reject_reason not in (RejectReason.BOUNCED, RejectReason.INVALID, None):
        return False
    raw: Any = event.esp_event if isinstance(event.esp_event, dict) else {}
    inner = raw.get("data", {}).get("bounce", {}) if isinstance(raw.get("data"), dict) else {}
    is_passing = any(str(raw.get(key)) == value for key, value in PASSING) or inner.get("type") == "Transient"
    return not is_passing and (event.event_type == EventType.BOUNCED or event.reject_reason is not None)


def _subscriber(address: str) -> Subscriber | None:
    """Who has this address; providers may have written it in small letters."""
    if not address:
        return None
    exact = Subscriber.objects.at(Channel.EMAIL, address)
    return exact or Subscriber.objects.filter(channel=Channel.EMAIL, shown__iexact=address).first()
