"""A row of everything there is: for tests that ask at every address."""

import re
from datetime import timedelta

from django.utils import timezone

from components.identity import Identity
from components.models import DeployAddress, Group, Page, Picture, RemoteRegion
from incidents import postmortem_draft
from incidents.models import Act, ActionItem, Draft, Incident, Maintenance, Post, Template
from statuspage.models import Invitation, Role
from statuspage.public.brand import stylesheet_url
from subscribers import confirming, importing
from subscribers.models import State
from tests.incidents.hooks.making import hook as recovery_hook
from tests.making import fell, found, group, rose, watched
from tests.people import person
from tests.pictures import png
from tests.subscribers.making import mail, webhook
from tests.subscribers.test_staff import LETTER


def everything(folder):
    """A row of everything, and the words that stand for them in addresses; `folder` is the program's own."""
    now = timezone.now()
    boss = person("boss", Role.ADMIN)
    probe = watched("API", group=group())
    found(probe, "up", now - timedelta(hours=3))
    fell(probe, now - timedelta(hours=2))
    rose(probe, now - timedelta(hours=1))
    over = Incident.objects.get()
    over.post(Post("All is well.", phase="resolved"), now=now - timedelta(minutes=50), author=boss)
    report = postmortem_draft.create(over, author=boss, now=now)
    report.keep({"summary": "Down.", "root_cause": "A pool."}, now, author=boss)
    report.publish(now)
    action = ActionItem.objects.create(postmortem=report, text="Watch the pool", team="Storage")
    incident = Incident.objects.open("Slow", "We look.", now=now, author=boss, components=[probe.component])
    Draft.objects.keep(incident, boss, {"body": "So far"}, now)
    work = Maintenance.objects.plan(
        "Move", "We move.", starts_at=now + timedelta(hours=1), ends_at=now + timedelta(hours=2), now=now,
        components=[probe.component],
    )  # fmt: skip
    text = Template.objects.create(kind="update", name="Ours", body="Words")
    invitation, token = Invitation.objects.invite("eve@widgetify.example", Role.VIEWER, by=boss, now=now)
    Page.objects.this()
    told = mail(state=State.UNCONFIRMED)
    hook = webhook("http://127.0.0.1:9/hook")
    delivery = hook.owe("test", now)
    sheet = importing.begin("a.csv", ["email\n", "a@x.example\n"], now, author="boss")
    restart = recovery_hook(probe.component, "http://127.0.0.1:9/restart", needs_approval=True)
    act = Act.objects.create(
        hook=restart, hook_name=restart.name, action="restart", target=restart.target, incident=incident,
        component=probe.component, created_at=now,
    )  # fmt: skip
    logo = Picture.objects.of(png())
    Picture.objects.keep(logo)
    (folder / "mail").mkdir(exist_ok=True)
    (folder / "mail" / "1.eml").write_bytes(LETTER)
    return {
        "subscribe/<slug:channel>": "email",
        "hooks/mail/<slug:provider>": "mailgun",
        "confirm/<str:signed>": confirming.link(told).rsplit("/", 1)[1],
        "postmortems/<slug:public_id>": over.public_id,
        "incidents/<slug:public_id>": incident.public_id,
        "maintenance/<slug:public_id>": work.public_id,
        "groups/<slug:public_id>": Group.objects.get().public_id,
        "probes/<slug:public_id>": probe.public_id,
        "hooks/<slug:public_id>": restart.public_id,
        "<slug:key>": act.key,
        "subscribers/<slug:public_id>": hook.public_id,
        "<slug:message_id>": delivery.message_id,
        "imports/<int:pk>": sheet.pk,
        "mails/<str:name>": "1.eml",
        "brand/<str:name>": logo.name,
        "brand/<slug:name>": stylesheet_url(Identity("Tern", "UTC", colour="#0b5fff"))[7:-4],
        "<key:key>": hook.key,
        "<slug:public_id>": probe.component.public_id,
        "templates/<int:pk>": text.pk,
        "regions/<int:pk>": RemoteRegion.objects.add("far", own="local")[0].pk,
        "deploys/<int:pk>": DeployAddress.objects.add("CI", None)[0].pk,
        "actions/<int:pk>": action.pk,
        "invitations/<int:pk>": invitation.pk,
        "<int:pk>": person("zoe", Role.VIEWER).pk,
        "<int:number>": 1,
        "<feed:form>": "feed.json",
        "<day:on>": str((now - timedelta(hours=2)).date()),
        "<hour:hour>": f"{now - timedelta(hours=2):%H}",
        "<month:month>": f"{now:%Y-%m}",
        "<str:month>": f"{now:%Y-%m}",
        "<str:token>": token,
        "<provider_id>": "oidc",
        "^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$": "password/reset/key/1-set-password/",
    }


def address(pattern, words):
    """The pattern with words of real rows in it."""
    for blank, word in words.items():
        kept = blank.split("<", 1)[0] if not blank.startswith("^") else ""
        pattern = pattern.replace(blank, f"{kept}{word}")
    assert not re.search(r"[<>^$]", pattern), f"{pattern} needs a word in `world`"
    return f"/{pattern}"
