"""What each demo watches: the components and probes that its page begins with."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from components.models import Check, Component, Group, Inbox, Probe
from components.outcomes import Outcome
from statuspage.console.probe_detail.causes import find
from statuspage.models import Audit
from statuspage.ops.demo import examples

EVERY: Mapping[str, Any] = {"interval_s": 5, "timeout_s": 4, "retry_s": 2}
CONNECTIONS = 3  # that the WebSocket probe holds
USED = {"value": "chat_connections_used", "divided_by": "chat_connections_max", "full_at": "1",
        "limits": "degraded above 0.8\ndown above 0.98"}  # fmt: skip


@transaction.atomic
def seed(story: str, url: str) -> dict[str, str]:
    """Make what this story watches at this address; secret addresses by name, for its processes."""
    made = {"widgetify": _widgetify, "chat": _chat, "503": _unavailable}[story](url)
    Audit.objects.note(None, "demo.seed", Group.objects.earliest("id"), after={"target": url})
    return made


def _widgetify(url: str) -> dict[str, str]:
    """Three components of one group, and two finished postmortems to read."""
    group = Group.objects.create(name="Widgetify", position=1)
    parts = (
        ("Web app", "Dashboard and editor", "/"),
        ("REST API", "For your own programs", "/api"),
        ("Static assets", "Scripts, images, fonts", "/static/app.css"),
    )
    for position, (name, description, path) in enumerate(parts, start=1):
        component = _component(group, position, name, description)
        component.probes.create(kind="http", target=f"{url}{path}", latency_limit_ms=150, **EVERY)
    examples.load(timezone.now())
    return {}


def _chat(url: str) -> dict[str, str]:
    """A chat with a number and held connections, posts beside it, and a heartbeat of the safeguard."""
    group = Group.objects.create(name="Tern Chat", position=1)
    chat = _component(group, 1, "Chat", "Messages in real time")
    held = {"connections": CONNECTIONS, "hold_s": 1, "ping_s": 0, "echo": "are you there {id}"}
    chat.probes.create(
        name="Held connections", kind="websocket", target=url.replace("http:", "ws:") + "/chat", options=held,
        **EVERY,
    )  # fmt: skip
    chat.probes.create(
        name="Connections in use", kind="numbers", target=f"{url}/metrics", options=USED, **EVERY
    )
    posts = _component(group, 2, "Posts and comments", "What stays")
    posts.probes.create(kind="http", target=f"{url}/posts", **EVERY)
    guard = _component(group, 3, "Connection safeguard", "Closes connections that people left behind")
    beat = guard.probes.create(
        kind="heartbeat", target="5 s", options={"schedule": "simple", "grace": "10 s"},
        confirm_down=1, confirm_up=1, **EVERY,
    )  # fmt: skip
    examples.load(timezone.now())
    return {"safeguard": Inbox.objects.get(probe=beat).key}


def _unavailable(url: str) -> dict[str, str]:
    """One shop behind a proxy."""
    shop = _component(Group.objects.create(name="Shop", position=1), 1, "Shop", "Behind a proxy")
    shop.probes.create(kind="http", target=f"{url}/", **EVERY)
    return {}


def _component(group: Group, position: int, name: str, description: str) -> Component:
    return Component.objects.create(name=name, description=description, group=group, position=position)


def causes() -> list[str]:
    """What staff read in the console now: of each failing probe the surest cause, and why."""
    lines = []
    failing = (Outcome.DOWN, Outcome.DEGRADED)
    for probe in Probe.objects.filter(outcome__in=failing).select_related("component"):
        checks = list(Check.objects.filter(probe=probe).order_by("-slot")[:50])
        bad = next((check for check in checks if check.outcome in failing), None)
        found = find(probe, bad, (), checks) if bad is not None else None
        if found is None or not found.causes:
            lines.append(f"{probe.component}: no known cause matches.")
            continue
        cause = found.causes[0]
        lines.append(f"{probe.component}: {cause.name} ({cause.sure} %). {cause.because[0]}")
    return lines
