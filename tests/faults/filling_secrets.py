"""Run with the environment of the program under test: a recognizable secret in everything that has one.

Prints JSON: the session of an admin, and secrets that the program made itself. The words are `canary-…-0815`.
"""

import json
import os
import sys

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.contrib.auth import get_user_model  # noqa: E402
from django.test import Client  # noqa: E402
from django.utils import timezone  # noqa: E402

from components.models import Component, DeployAddress, Probe, RemoteRegion  # noqa: E402
from components.probers import PROBERS  # noqa: E402
from components.sealed_options import place_of, sealed, secrets_of  # noqa: E402
from incidents.hooks import targets  # noqa: E402
from incidents.models import Hook, Incident  # noqa: E402
from statuspage.models import Invitation, Member, Role  # noqa: E402
from subscribers.models import AlertChannel, State, Subscriber  # noqa: E402

echo, closed, mail, well = sys.argv[1:5]  # the host and port of each; the last one answers at first
NOW = timezone.now()
STEPS = [
    {"name": "Log in", "url": "/login", "json": {"password": "{{secret.password}}"},
     "headers": {"Authorization": "Bearer {{secret.password}}"}},
]  # fmt: skip
PROBES = (
    ("postgres", closed, {"user": "page"}),
    ("mysql", echo, {"user": "page"}),
    ("redis", echo, {}),
    ("smtp", mail, {"user": "page", "tls": "starttls"}),
    ("imap", echo, {"user": "page", "tls": "starttls"}),
    ("grpc", echo, {"tls": False}),
    ("steps", f"http://{echo}/", {"steps": json.dumps(STEPS)}),
)
NAMES = {"metadata": "token: {}", "secrets": "password: {}"}  # of options that hold several


def canary(name: str) -> str:
    return f"canary-{name}-0815"


def probes(component: Component) -> None:
    for kind, target, options in PROBES:
        prober = PROBERS[kind]
        words = {
            o.name: NAMES.get(o.name, "{}").format(canary(f"{kind}-{o.name}")) for o in secrets_of(prober)
        }
        place = place_of(prober, prober.parse(target, {**options, **words}))
        hidden = {name: sealed(text, place) for name, text in words.items()}
        probe = Probe(component=component, kind=kind, target=target, interval_s=10, timeout_s=4)
        probe.options = {**options, **hidden}
        probe.full_clean(exclude=["component"])
        probe.save()


def subscribers() -> None:
    for channel, address in (
        ("webhook", f"http://{echo}/hook?key={canary('webhook')}"),
        ("slack", f"http://{echo}/services/T0/B0/{canary('slack')}"),
        ("mattermost", f"http://{echo}/hooks/{canary('mattermost')}"),
        ("discord", f"http://{echo}/api/webhooks/1/{canary('discord')}"),
    ):
        row = Subscriber(
            channel=channel, state=State.ACTIVE, created_at=NOW, confirmed_at=NOW, wants_component=True
        )
        row.point_to(address)
        row.save()
        if channel == "webhook":
            row.rotate(NOW)
    mails = Subscriber(
        channel="email", state=State.ACTIVE, created_at=NOW, confirmed_at=NOW, wants_component=True
    )
    mails.point_to("reader@widgetify.example")
    mails.save()


def hook(component: Component) -> None:
    url = f"http://{echo}/restart"  # no secret: docs/self-recovery.md
    row = Hook(component=component, name="Restart", url=url, is_armed=True)
    row.target = targets.target_of(url)
    row.keep_secret("whsec_" + "Y2FuYXJ5" * 6)
    row.save()


def main() -> None:
    user = get_user_model().objects.create_user(
        "boss", password=canary("password"), email="boss@widgetify.example"
    )
    Member.objects.appoint(user, Role.ADMIN)
    component = Component.objects.create(name="Chat", auto_incidents="publish")
    probes(component)
    subscribers()
    web = Component.objects.create(name="Web", auto_incidents="publish")
    Probe.objects.create(component=web, kind="http", target=f"http://{well}/", interval_s=5, timeout_s=4)
    hook(web)
    for channel, address in (
        ("slack", f"http://{echo}/services/{canary('alert')}"),
        ("email", "boss@widgetify.example"),
    ):
        row = AlertChannel(user=user, channel=channel, created_at=NOW)
        row.point_to(address, "shown")
        row.save()
    passive = Probe.objects.create(
        component=Component.objects.create(name="Backup job"), kind="heartbeat", target="10 min"
    )
    Incident.objects.open("Slow", "We look.", now=NOW, author=user)
    _, invitation = Invitation.objects.invite("eve@widgetify.example", Role.VIEWER, by=user, now=NOW)
    _, deploy = DeployAddress.objects.add("CI", None)
    _, region = RemoteRegion.objects.add("far", own="local")
    browser = Client()
    browser.force_login(user)
    made = {"invitation": invitation, "deploy": deploy, "region": region, "webhook": _secret_of_webhook(),
            "hook": "Y2FuYXJ5" * 6, "inbox": passive.inbox.key}  # fmt: skip
    session = browser.cookies[settings.SESSION_COOKIE_NAME]
    print(json.dumps({"cookie": [session.key, session.value], "made": made}))


def _secret_of_webhook() -> str:
    return str(Subscriber.objects.get(channel="webhook").secrets(NOW)[0])


if __name__ == "__main__":
    assert os.environ["VAR_DIR"]
    main()
