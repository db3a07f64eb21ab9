"""What a mail provider reports later: addresses that are gone, and people who call our mail spam.

django-anymail reads the reports of each provider and checks that they are
theirs; it tells us by a signal, which is its only way to tell. What a report
means is read from the provider's own words (`reports`), as Anymail's common
terms make one of a full mailbox and an unknown one, and of a spam filter and a
reader who complains. Only the provider named in MAIL_EVENTS is heard.
"""

import logging
from collections.abc import Callable
from functools import cache
from typing import Any

from anymail.signals import AnymailTrackingEvent  # type: ignore[import-untyped]
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.module_loading import import_string

from incidents.messages import one_line
from subscribers import reports
from subscribers.channels import Channel
from subscribers.models import State, Subscriber
from subscribers.reports import Report

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
    raw: dict[str, Any] = event.esp_event if isinstance(event.esp_event, dict) else {}
    match reports.read(esp_name, raw, str(event.mta_response or "")):
        case Report.COMPLAINED:
            _leave(subscriber, f"{esp_name}: marked our mail as spam. {said}".rstrip())
        case Report.UNSUBSCRIBED:
            _leave(subscriber, f"{esp_name}: left by its mail program. {said}".rstrip())
        case Report.GONE:
            why = f"{esp_name}: the address does not take mail. {said}".rstrip()
            subscriber.quarantine(timezone.now(), why)


def _leave(subscriber: Subscriber, why: str) -> None:
    subscriber.leave(timezone.now())
    subscriber.note = why[:250]
    subscriber.save(update_fields=["note"])


def _subscriber(address: str) -> Subscriber | None:
    """Who has this address; providers may have written it in small letters."""
    if not address:
        return None
    exact = Subscriber.objects.at(Channel.EMAIL, address)
    return exact or Subscriber.objects.filter(channel=Channel.EMAIL, shown__iexact=address).first()
