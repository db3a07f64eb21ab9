"""What each demo watches: the components and probes that its page begins with."""

import secrets
from collections.abc import Mapping
from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils import timezone

from components.diagnosis import diagnose
from components.models import Check, Component, Group, Inbox, Probe
from components.models.component import AutoIncidents
from components.outcomes import Outcome
from incidents import probe_facts
from incidents.hooks import targets
from incidents.models import Act, Hook
from statuspage.models import Audit, Member, Role
from statuspage.ops.demo import examples

EVERY: Mapping[str, Any] = {"interval_s": 5, "timeout_s": 4, "retry_s": 2}
PERSON = "kim"
CONNECTIONS = 3  # that the WebSocket probe holds
USED = {"value": "chat_connections_used", "divided_by": "chat_connections_max", "full_at": "1",
        "limits": "degraded above 0.8\ndown above 0.98"}  # fmt: skip


@transaction.atomic
def seed(story: str, url: str, agent: str, secret: str) -> dict[str, str]:
    """Make what this story watches at this address; secret addresses by name, for its processes.

    `agent`: the address of a recovery hook, signed with this secret; empty without one.
    """
    made = _chat(url, agent, secret) if story == "chat" else {"503": _shop}.get(story, _widgetify)(url)
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
    # here staff decide: what is found is suggested to them
    Component.objects.filter(group=group, name="Static assets").update(auto_incidents=AutoIncidents.SUGGEST)
    examples.load(timezone.now())
    return {"person": PERSON, "password": _person()}


def _person() -> str:
    """Someone who works on incidents; their password."""
    password = secrets.token_urlsafe(15)
    user = get_user_model().objects.create_user(PERSON, password=password, first_name="Kim")
    Member.objects.appoint(user, Role.RESPONDER)
    return password


def _chat(url: str, agent: str, secret: str) -> dict[str, str]:
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
    restart = Hook(
        component=chat, name="Restart the chat server", url=agent, target=targets.target_of(agent),
        deadline_s=5, settle_s=10, cooldown_s=60, is_announced=True,
    )  # fmt: skip
    restart.keep_secret(secret)
    restart.save()
    restart.arm()
    posts = _component(group, 2, "Posts and comments", "What stays")
    posts.probes.create(kind="http", target=f"{url}/posts", **EVERY)
    guard = _component(group, 3, "Connection safeguard", "Closes connections that people left behind")
    beat = guard.probes.create(
        kind="heartbeat", target="5 s", options={"schedule": "simple", "grace": "10 s"},
        confirm_down=1, confirm_up=1, **EVERY,
    )  # fmt: skip
    examples.load(timezone.now())
    return {"safeguard": Inbox.objects.get(probe=beat).key}


def _shop(url: str) -> dict[str, str]:
    """One page behind a proxy."""
    shop = _component(Group.objects.create(name="Shop", position=1), 1, "Shop", "Behind nginx")
    shop.probes.create(kind="http", target=f"{url}/", **EVERY)
    return {}


def _component(group: Group, position: int, name: str, description: str) -> Component:
    return Component.objects.create(name=name, description=description, group=group, position=position)


def causes() -> list[str]:
    """What staff read in the console now: of each failing probe the surest cause, and why."""
    lines = []
    failing = (Outcome.DOWN, Outcome.DEGRADED)
    for probe in Probe.objects.filter(outcome__in=failing).select_related("component"):
        checks = Check.objects.newest(probe, 50)
        bad = next((check for check in checks if check.outcome in failing), None)
        named = diagnose(probe_facts.of(probe, bad, good=(), checks=checks)) if bad is not None else ()
        if named:
            lines.append(f"{probe.component}: {named[0].name} ({named[0].sure} %). {named[0].because[0]}")
        else:
            lines.append(f"{probe.component}: no known cause matches.")
    return lines


def acts() -> list[str]:
    """The calls of recovery hooks, as the incident's timeline has them."""
    return [
        f"{act.hook_name}: {act.get_state_display()}. {act.answer_excerpt} {act.get_helped_display()}".strip()
        for act in Act.objects.all()
    ]
