"""The exact request that a hook would send now; nothing is sent and nothing is stored."""

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from components import encryption
from components.models import Component
from components.wire import fields
from incidents.hooks import acting, call, causes
from incidents.models import Hook, Incident


@dataclass(frozen=True, slots=True)
class Trial:
    """The request as text, and why it would not be sent now; empty if it would."""

    request: str
    refusal: str


def signed_request(hook: Hook, now: datetime) -> Trial:
    """For the component's open incident, or for one that is made up."""
    incident = _incident(hook.component, now)
    refusal = "The component has no open incident."
    if incident.pk is not None:
        refusal = acting.refusal(hook, incident, now)
    act = acting.new_act(hook, incident, causes.failing(hook.component), now)
    try:
        order = call.order(act, hook, now)
    except encryption.DecryptionError as error:
        return Trial("", f"The signing secret cannot be read. {error.__doc__}")
    url = urlsplit(order.url)
    headers = order.headers(int(now.timestamp()))
    path = url.path + (f"?{url.query}" if url.query else "")
    rows = [f"{name}: {value}" for name, value in fields("POST", url.netloc, headers, order.body)]
    text = "\n".join([f"POST {path} HTTP/1.1", *rows, "", order.body.decode()])
    return Trial(text, refusal)


def _incident(component: Component, now: datetime) -> Incident:
    places = component.affected.filter(incident__resolved_at=None, incident__deleted_at=None)
    place = places.filter(incident__merged_into=None).select_related("incident").order_by("-id").first()
    return place.incident if place else Incident(title="An example", started_at=now)
