"""Which addresses are accepted, by channel, and the message for those that are not."""

from urllib.parse import SplitResult, urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from components.egress import Door, through
from components.networks import literal_address
from components.targets import InvalidProbeError, checked_host
from subscribers import address_identity, channels
from subscribers.browsers import Browser, InvalidBrowserError, is_push_service
from subscribers.delivery.envelope import UNREACHED
from subscribers.states import Channel

MAX_LENGTH = 2_000
MAX_MAIL_LENGTH = 254  # RFC 5321, section 4.5.3.1.3
MAX_NAME_LENGTH = 64  # the same, section 4.5.3.1.1
PRIVATE = (
    "This address is on a private or reserved network: "
    f"an operator can allow it with {Door.SUBSCRIBERS.value}."
)


def checked(channel: Channel | str, text: str, *, for_staff: bool = False) -> str:
    """The address as it will be stored. Raises ValidationError for the field `address`.

    Only staff learn that an address is private: strangers get the same sentence as for an unreachable one.
    """
    channel, text = Channel(channel), text.strip()
    if channel is Channel.EMAIL:
        return _mail(text)
    if channel is Channel.WEB_PUSH:
        return _browser(text)
    if channel is Channel.APPRISE:
        raise _refused("Apprise is set up by the operator: see APPRISE_URLS.")
    return _url(channel, text, for_staff=for_staff)


def _mail(text: str) -> str:
    text = address_identity.normal(Channel.EMAIL, text)
    try:
        validate_email(text)
    except ValidationError as error:
        raise _refused("Enter an address like you@example.com.") from error
    name, _, domain = text.rpartition("@")
    if not domain.isascii():
        raise _refused("The part after the @ is not a domain: check its spelling.")
    if not name.isascii():
        raise _refused("Only ASCII letters, digits and symbols work before the @: use another address.")
    if len(text) > MAX_MAIL_LENGTH:
        raise _refused(f"An address can have at most {MAX_MAIL_LENGTH} characters.")
    if len(text.rpartition("@")[0]) > MAX_NAME_LENGTH:
        raise _refused(f"Before the @ an address can have at most {MAX_NAME_LENGTH} characters.")
    if settings.PUBLIC_HOST != "localhost" and text.rpartition("@")[2] == settings.PUBLIC_HOST:
        raise _refused("This page cannot send mail to itself: use another address.")
    return text


def _browser(text: str) -> str:
    try:
        browser = Browser.read(text)
    except InvalidBrowserError as error:
        raise _refused(str(error.__doc__)) from error
    _url(Channel.WEB_PUSH, browser.endpoint)
    if not is_push_service(browser.endpoint):
        raise _refused("We don’t know the push service of this browser, so we can’t notify it.")
    return browser.text


def _url(channel: Channel, text: str, *, for_staff: bool = False) -> str:
    if len(text) > MAX_LENGTH:
        raise _refused(f"An address can have at most {MAX_LENGTH:,} characters.")
    if any(_is_odd(character) for character in text):
        raise _refused("The address contains spaces or control characters: encode them.")
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError as error:
        raise _refused("The address is malformed: check host and port.") from error
    if url.scheme not in ("http", "https") or not url.hostname:
        raise _refused("Enter the full address, with https://.")
    if url.scheme == "http" and (channels.kind(channel).host or channel is Channel.WEB_PUSH):
        raise _refused("Use an address with https://.")
    if "@" in url.netloc:
        raise _refused("Remove the login from the address: what we send is signed.")
    if "%" in url.hostname:
        raise _refused("The address is malformed: check host and port.")
    if port == 0:
        raise _refused("Port 0 does not exist: use 1 to 65535.")
    try:
        checked_host(url.hostname)
    except InvalidProbeError as error:
        raise _refused(error.sentence) from error
    literal = literal_address(url.hostname)
    way, port = through(Door.SUBSCRIBERS), port or (443 if url.scheme == "https" else 80)
    if literal is not None and not way.may_dial(literal, port):
        raise _refused(PRIVATE if for_staff else UNREACHED)
    _refuse_stranger(channel, url)
    return address_identity.normal(channel, text) if channel is not Channel.WEB_PUSH else text


def _is_odd(character: str) -> bool:
    """Whether it is a space, a control character or a lone surrogate, which has no bytes."""
    return character.isspace() or ord(character) < 32 or "\ud800" <= character <= "\udfff"


def _refuse_stranger(channel: Channel, url: SplitResult) -> None:
    kind = channels.kind(channel)
    is_theirs = kind.host is None or kind.host.fullmatch((url.hostname or "").lower())
    if not is_theirs or (kind.path and not kind.path.fullmatch(url.path)):
        raise _refused(f"This is not a valid {channel.label} address: it should look like {kind.example}.")
    if sentence := kind.refusal(url):
        raise _refused(sentence)


def _refused(sentence: str) -> ValidationError:
    return ValidationError({"address": sentence})
