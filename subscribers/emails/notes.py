"""Mails about the subscription itself: short, with one button."""

from dataclasses import dataclass

from django.conf import settings
from django.urls import reverse

from incidents import messages
from incidents.messages import one_line
from subscribers.delivery.envelope import Envelope
from subscribers.emails.sheet import Sheet, rendered, scope
from subscribers.models import Purpose


@dataclass(frozen=True, slots=True)
class _Note:
    """A short mail. `after` is shown below the button, `reason` is why it was sent."""

    title: str
    paragraphs: tuple[str, ...]
    button: tuple[str, str]
    after: str = ""
    reason: str = ""


def note(envelope: Envelope) -> Sheet:
    """The mail for the envelope's purpose; an unknown purpose gets the text for KNOWN."""
    page = one_line(envelope.house.name, most=100)
    written = NOTES.get(envelope.purpose, _known)(envelope, page)
    subject = messages.header(written.title)
    label, address = written.button
    text = [subject, "", *(f"{paragraph}\n" for paragraph in written.paragraphs), f"{label}:", address, ""]
    text += [written.after, ""] if written.after else []
    text += ["-- ", written.reason]
    html = rendered("note", envelope, subject, note=written)
    return Sheet(subject, "\n".join(text) + "\n", html)


def _confirm(envelope: Envelope, page: str) -> _Note:
    return _Note(
        f"Confirm your subscription to {page}",
        (
            (
                f"Someone (hopefully you) asked for status updates from {page} at this address, "
                f"about {scope(envelope)}."
            ),
            "You won’t get any updates until you confirm. The link works for 7 days.",
        ),
        ("Confirm", envelope.links.confirm),
        "If this wasn’t you, do nothing: the address will be deleted.",
        f"You are receiving this one email because the address was entered on {envelope.house.url}.",
    )


def _known(envelope: Envelope, page: str) -> _Note:
    if envelope.context.get("asked"):
        return _the_link(envelope, page)
    return _Note(
        f"You are already subscribed to {page}",
        (
            (
                f"This address was entered again on the status page of {page}. It is already subscribed, "
                f"to {scope(envelope)}, and nothing has changed."
            ),
        ),
        ("Choose components or unsubscribe", envelope.links.manage),
        "If this wasn’t you, do nothing.",
        f"You are receiving this one email because the address was entered on {envelope.house.url}.",
    )


def _the_link(envelope: Envelope, page: str) -> _Note:
    """For a subscriber who opened the confirmation link again and asked for the link to the settings."""
    return _Note(
        f"Your subscription to {page}",
        (f"You asked for the link to your subscription to {scope(envelope)}.",),
        ("Choose components or unsubscribe", envelope.links.manage),
        reason=messages.why(scope(envelope), page),
    )


def _welcome(envelope: Envelope, page: str) -> _Note:
    return _Note(
        f"You are subscribed to {page}",
        (f"From now on you will get updates about {scope(envelope)}.",),
        ("Choose components or unsubscribe", envelope.links.manage),
        reason=messages.why(scope(envelope), page),
    )


def _test(envelope: Envelope, page: str) -> _Note:
    return _Note(
        f"A test from {page}",
        ("This is a test; nothing is wrong. Incident updates will reach you the same way.",),
        ("Choose components or unsubscribe", envelope.links.manage),
        reason=messages.why(scope(envelope), page),
    )


def _stopped(envelope: Envelope, page: str) -> _Note:
    """Their webhook was stopped after failures. `context`: what, why, and its key."""
    what = one_line(str(envelope.context.get("what", "")), most=200) or "Your webhook"
    why = one_line(str(envelope.context.get("why", "")), most=300)
    key = str(envelope.context.get("key", ""))
    restore = f"{settings.PUBLIC_URL}{reverse('subscription', args=[key])}" if key else envelope.links.manage
    return _Note(
        f"{page} no longer sends messages to {what}",
        (
            f"Messages to {what} could not be delivered, so we have stopped sending them.",
            *((f"The last failure: {why}",) if why else ()),
            "Once it works, start it again. Missed updates are not sent later; they are on the page.",
        ),
        ("Review it and start it again", restore),
        reason=f"You get this because you gave this address as the contact of {what}.",
    )


NOTES = {
    Purpose.CONFIRM.value: _confirm,
    Purpose.KNOWN.value: _known,
    Purpose.WELCOME.value: _welcome,
    Purpose.TEST.value: _test,
    Purpose.STOPPED.value: _stopped,
}
