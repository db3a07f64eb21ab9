"""A deploy as CI reports it: {"component": …, "version": …, "state": "started" or "finished"}."""

from collections.abc import Mapping

from components.inbound.message import Message, PayloadError, text_at
from components.passive.reports import Kind, Report

MAX_VERSION_LENGTH = 200  # of a marker's text
STATES = {"": Kind.DEPLOY, "started": Kind.DEPLOY_STARTED, "finished": Kind.DEPLOY_FINISHED}


class UnknownComponentError(PayloadError):
    """No component has this name or id: the list may be old."""


def read(message: Message, names: Mapping[str, str], *, only: str = "") -> Report:
    """The report of a message. `names` by component id; `only`: the id that the address is limited to.

    Its `source` is the component's id, empty for all of them. Raises PayloadError.
    """
    body = message.json_object
    version = " ".join(text_at(body, "version").split())
    if not version or len(version) > MAX_VERSION_LENGTH:
        raise PayloadError(f"The field “version” must have 1 to {MAX_VERSION_LENGTH} characters.")
    state = text_at(body, "state", needed=False).strip().lower()
    if state not in STATES:
        raise PayloadError("The field “state” must be “started” or “finished”.")
    component = _component(text_at(body, "component", needed=False).strip(), names)
    if only and component not in ("", only):
        raise PayloadError(f"This address is for the component “{names.get(only, only)[:80]}” alone.")
    return Report(message.at, STATES[state], source=component or only, text=version)


def _component(given: str, names: Mapping[str, str]) -> str:
    """Its id, by id or name; empty for all. Raises PayloadError."""
    if not given or given in names:
        return given
    found = [public_id for public_id, name in names.items() if name == given]
    if len(found) > 1:
        raise PayloadError(
            f"Several components are called “{given[:80]}”: give the id, from its page's address."
        )
    if not found:
        raise UnknownComponentError(f"There is no component “{given[:80]}”: give its name or its id.")
    return found[0]
