"""Reports of mail providers: addresses that are gone, and complaints.

django-anymail reads the reports of each provider and verifies their origin; it reports
by a signal. What a report means is read from the provider's own event type
(`emails.provider_reports`), as Anymail's common terms do not tell a full mailbox from an
unknown one, nor a spam filter from a complaint. Only the provider named in MAIL_EVENTS is accepted.
"""

import logging
import warnings
from collections.abc import Callable
from functools import cache
from typing import Any

from anymail.exceptions import (  # type: ignore[import-untyped]
    AnymailNotSupportedWarning,
    AnymailWebhookValidationFailure,
)
from anymail.signals import AnymailTrackingEvent, tracking  # type: ignore[import-untyped]
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.module_loading import import_string

from incidents.messages import one_line
from subscribers.emails import provider_reports
from subscribers.emails.provider_reports import Report
from subscribers.models import State, Subscriber
from subscribers.states import Channel

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


# what Anymail raises for a report that is not shaped as documented
UNREADABLE = (AttributeError, LookupError, TypeError, ValueError, OverflowError)


@cache
def reader(provider: str) -> Callable[[HttpRequest], HttpResponse]:
    """The view that reads this provider's reports; it answers 400 if the signature is wrong."""
    of_provider: Any = import_string(PROVIDERS[provider])
    patient: Any = type(of_provider.__name__, (_Patient, of_provider), {})
    with warnings.catch_warnings():
        # Anymail does not test with SendGrid itself; our tests follow SendGrid's documentation
        warnings.simplefilter("ignore", AnymailNotSupportedWarning)
        answers: Callable[[HttpRequest], HttpResponse] = patient().dispatch  # it keeps nothing of a request
    return answers


class _Patient:
    """Skips unreadable reports, so that the others are handled and the provider does not resend them."""

    def run_validators(self, request: HttpRequest) -> None:
        """Raises AnymailWebhookValidationFailure, which is answered 400."""
        try:
            super().run_validators(request)  # type: ignore[misc]
        except UNREADABLE as error:
            raise AnymailWebhookValidationFailure("This is not a delivery report.") from error

    def esp_to_anymail_event(self, *report: Any) -> AnymailTrackingEvent | None:
        """None for one that cannot be read."""
        try:
            return super().esp_to_anymail_event(*report)  # type: ignore[misc]
        except UNREADABLE as error:
            _log_unreadable(error)
            return None

    def unwrap_event(self, report: Any) -> tuple[Any, Any, Any]:
        """The parts of a SparkPost report, which Anymail unpacks before it reads any."""
        try:
            opened: tuple[Any, Any, Any] = super().unwrap_event(report)  # type: ignore[misc]
        except UNREADABLE as error:
            _log_unreadable(error)
            return None, None, report
        return opened

    def parse_events(self, request: HttpRequest) -> list[AnymailTrackingEvent]:
        """Those that can be read. Raises AnymailWebhookValidationFailure for no report at all."""
        try:
            events = super().parse_events(request)  # type: ignore[misc]
        except UNREADABLE as error:
            raise AnymailWebhookValidationFailure("This is not a delivery report.") from error
        return [event for event in events if event is not None]


def hear(event: AnymailTrackingEvent, esp_name: str, **_: Any) -> None:
    """Act on one report. May be called twice: the provider resends what we could not store."""
    subscriber = _subscriber(event.recipient) if isinstance(event.recipient, str) else None
    if subscriber is None or subscriber.state in ALREADY:
        return
    reason = one_line(str(event.mta_response or event.description or ""), most=180)
    match _meaning(event, esp_name):
        case Report.COMPLAINED:
            _leave(subscriber, f"{esp_name}: marked our mail as spam. {reason}".rstrip())
        case Report.UNSUBSCRIBED:
            _leave(subscriber, f"{esp_name}: unsubscribed through its mail program. {reason}".rstrip())
        case Report.GONE:
            why = f"{esp_name}: the address does not accept mail. {reason}".rstrip()
            subscriber.quarantine(timezone.now(), why)


def _meaning(event: AnymailTrackingEvent, esp_name: str) -> Report:
    """What the report means; Report.NOTHING if it is not shaped as documented."""
    raw: dict[str, Any] = event.esp_event if isinstance(event.esp_event, dict) else {}
    try:
        return provider_reports.read(esp_name, raw, str(event.mta_response or ""))
    except UNREADABLE as error:
        _log_unreadable(error)
        return Report.NOTHING


def _log_unreadable(error: Exception) -> None:
    log.warning("mail.report_unreadable fault=%s", one_line(repr(error), most=120))


def _leave(subscriber: Subscriber, why: str) -> None:
    subscriber.leave(timezone.now())
    subscriber.note = why[:250]
    subscriber.save(update_fields=["note"])


def _subscriber(address: str) -> Subscriber | None:
    """The subscriber with this address; also if the provider wrote it in lower case."""
    if (
        not address or not address.isprintable()
    ):  # unprintable characters are in no mailbox, and may be impossible to look up
        return None
    exact = Subscriber.objects.at(Channel.EMAIL, address)
    return exact or Subscriber.objects.filter(channel=Channel.EMAIL, shown__iexact=address).first()


tracking.connect(hear, dispatch_uid="bounces")
