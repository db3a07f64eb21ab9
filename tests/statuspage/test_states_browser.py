"""Nobody is shut out of a page in any of its states: axe-core on what an address alone does not show."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.cache import SessionStore
from django.middleware.csrf import get_token
from django.test import RequestFactory
from django.utils import timezone
from django.views import csrf, defaults
from playwright.sync_api import expect

from components.models import Component, Probe
from incidents import automation
from incidents.models import Incident, Maintenance, Post
from statuspage.models import Role
from statuspage.staff.login.views import too_many
from subscribers import confirming
from subscribers.models import State
from tests.looking import Looking, staff
from tests.making import fell, found, group, rose, watched
from tests.people import session
from tests.subscribers.making import mail, webhook

NOW = timezone.now().replace(microsecond=0)
LONG = "Zahlungen und Rechnungen und alles um das liebe Geld in Europa und Uebersee, Teil 42"
WORD = "Donaudampfschifffahrtselektrizitaetenhauptbetriebswerkbauunterbeamtengesellschaftx"
HEBREW = "הודעות אינן נשלחות לרוב המשתמשים"


def outage(**more):
    probe = watched("Chat", group=group(), **more)
    found(watched("Posts", group=probe.component.group, position=2), "up", NOW - timedelta(minutes=6))
    fell(probe, NOW - timedelta(minutes=5))
    return probe, Incident.objects.get()


def test_the_front_page_in_all_its_states(looking):
    web = looking.web

    def see(name):
        web.catch_up()
        looking.at("/", name)

    see("nothing yet")
    probe = watched("Chat")
    see("checking")
    found(probe, "up", NOW)
    Maintenance.objects.plan(
        "Move", "We *move*.", starts_at=NOW + timedelta(hours=1), ends_at=NOW + timedelta(hours=2), now=NOW,
        components=[probe.component],
    )  # fmt: skip
    see("operational, with work to come")
    Maintenance.objects.get().begin(NOW)
    see("maintenance")
    automation.complete_maintenance(Maintenance.objects.get(), NOW)
    for status in ("degraded_performance", "partial_outage", "major_outage"):
        Component.objects.update(manual_status=status)
        Component.objects.get().refresh(NOW)
        see(status)
    Component.objects.update(manual_status="")
    Probe.objects.update(heard_s=int(NOW.timestamp()) - 400)
    web.stop()
    web.start()
    looking.at("/", "stale")


def test_an_incident_in_all_its_states(looking):
    probe, incident = outage()
    web = looking.web

    def see(name):
        web.catch_up()
        looking.at(incident.get_absolute_url(), name)

    see("automatic")
    before = NOW - timedelta(minutes=2)
    promised = before + timedelta(minutes=1)
    incident.post(Post("We found it.", phase="identified", next_update_at=promised), now=before)
    incident.amend(NOW, workaround="Use the *app*.\n\n1. Open it\n2. Wait")
    see("overdue, with advice")
    rose(probe, NOW)
    incident.post(Post("It recovered.", phase="monitoring"), now=NOW + timedelta(seconds=20))
    see("monitoring")
    incident.post(Post("Over.", phase="resolved"), now=NOW + timedelta(seconds=30))
    see("resolved")
    Component.objects.update(is_shown=False)
    see("of hidden components")


@pytest.mark.parametrize("name", [LONG, WORD, HEBREW])
def test_names_as_long_and_as_foreign_as_they_may_be(looking, name):
    ours = group(name[:80])
    for number in range(3):
        probe = watched(f"{name[:76]} {number}", group=ours, position=number)
        found(probe, "up", NOW - timedelta(minutes=6))
    Component.objects.update(description=name)
    fell(probe, NOW - timedelta(minutes=5))
    incident = Incident.objects.get()
    incident.amend(NOW, title=name, workaround=f"{name} https://example.org/{'long' * 60}")
    incident.post(Post(f"{name}\n\n- {name}", phase="identified"), now=NOW)
    Maintenance.objects.plan(
        name, name, starts_at=NOW + timedelta(hours=1), ends_at=NOW + timedelta(days=2), now=NOW,
        components=[probe.component],
    )  # fmt: skip
    looking.web.catch_up()
    work = Maintenance.objects.get().public_id
    pages = ("/", incident.get_absolute_url(), probe.component.get_absolute_url(), f"/maintenance/{work}")
    for path in (*pages, "/maintenance", "/history", "/subscribe/email"):
        looking.at(path, f"{path} {name[:20]}")


def test_without_script(looking):
    """Our scripts stay empty: axe-core needs a browser that runs its own."""
    probe, incident = outage()
    looking.web.catch_up()
    looking.page.route("**/*.js", lambda route: route.fulfill(body="", content_type="text/javascript"))
    for path in ("/", incident.get_absolute_url(), probe.component.get_absolute_url(), "/history"):
        looking.at(path, f"{path} without script")
    for path in ("/subscribe", "/subscribe/webhook", "/subscribe/browser", "/accounts/login/"):
        looking.at(path, f"{path} without script")


def answered(view, *args, **more):
    """What this view says, as Django answers it."""
    request = RequestFactory().get("/", **more)
    request.user, request.session = AnonymousUser(), SessionStore()
    get_token(request)
    answer = view(request, *args)
    return getattr(answer, "render", lambda: answer)().content.decode()


def serving(html):
    return lambda route: route.fulfill(body=html, content_type="text/html")


def test_what_a_refusal_says(looking):
    page = looking.page
    looking.at("/nothing", "404")
    looking.at("/console/incidents/x/publish", "405 or the login")
    looking.at("/accounts/logout/", "405")
    looking.at("/accounts/invitation/x/", "an invitation that never was")
    looking.at("/accounts/password/reset/key/1-x/", "a link that was used")
    words = {
        "400": answered(defaults.bad_request, ValueError()),
        "429": answered(too_many),
        "500": answered(defaults.server_error),
        "403 of a form": answered(csrf.csrf_failure),
    }
    for name, html in words.items():
        page.route("**/refused", serving(html))
        looking.at("/refused", name)
        page.unroute("**/refused")


def test_what_somebody_of_a_lower_role_is_told(web, browser):
    looking = Looking(web, browser, session="")
    eve = session("eve", Role.VIEWER)
    looking.page.context.add_cookies([{"name": "session", "value": eve, "url": web.url}])
    looking.at("/console/settings/look", "403")
    for path in ("/console/", "/console/incidents", "/console/components", "/console/probes"):
        looking.at(path, f"{path} of a viewer")
    browser.faults = [fault for fault in browser.faults if "status of 4" not in fault]
    assert looking.wrong == [], "\n".join(looking.wrong)


def test_subscribing_in_all_its_states(looking):
    web, page = looking.web, looking.page
    watched("Chat", group=group())
    reader, hook = mail("a@example.org"), webhook("https://hooks.example.org/status", confirmed_at=NOW)
    waiting, left = mail("b@example.org", state=State.UNCONFIRMED), mail("c@example.org", state=State.LEFT)
    over = confirming.link(waiting).rsplit("/", 1)[1]
    mail("d@example.org", state=State.UNCONFIRMED)
    for name, path in {
        "manage": reader.get_absolute_url(),
        "said": f"{reader.get_absolute_url()}?said=saved",
        "a webhook": hook.get_absolute_url(),
        "not confirmed": waiting.get_absolute_url(),
        "left": left.get_absolute_url(),
        "confirm": f"/confirm/{over}",
        "a link that never was": "/confirm/x",
        "leave": f"/unsubscribe/{reader.key}",
        "left already": f"/unsubscribe/{left.key}",
        "delete": f"{reader.get_absolute_url()}/delete",
    }.items():
        looking.at(path, name)
    page.goto(f"{web.url}/subscribe/webhook")
    page.get_by_label("Address of your endpoint").fill("ftp://example.org/x")
    page.get_by_role("button", name="Subscribe").click()
    page.get_by_role("alert").wait_for()
    looking.here("a form refused")
    page.goto(f"{web.url}/confirm/{over}")
    page.get_by_role("button", name="Yes, send me updates").click()
    page.get_by_role("heading", level=1, name="Your updates").wait_for()
    looking.at(f"/confirm/{over}", "confirmed already")
    page.goto(f"{web.url}/unsubscribe/{waiting.key}")
    page.get_by_role("button", name="Unsubscribe").click()
    page.get_by_role("heading", level=1, name="You're unsubscribed").wait_for()
    looking.here("unsubscribed")
    page.goto(f"{web.url}{waiting.get_absolute_url()}/delete")
    page.get_by_role("button", name="Delete everything").click()
    page.get_by_role("heading", level=1, name="Everything was deleted").wait_for()
    looking.here("erased")


def test_forms_of_staff_that_are_refused(looking):
    probe, incident = outage()
    web, page = looking.web, looking.page
    staff("ada")
    looking.page.goto(f"{web.url}/accounts/login/")
    page.get_by_label("Name or email").fill("ada")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Log in", exact=True).click()
    page.get_by_role("alert").wait_for()
    looking.here("a wrong password")
    cookie = {"name": "session", "value": session("mira", Role.ADMIN), "url": web.url}
    page.context.add_cookies([cookie])
    for name, path, button in (
        ("probe", f"/console/probes/{probe.public_id}/edit", "Save"),
        ("component", "/console/components/new", re.compile("^Add$")),
        ("maintenance", "/console/maintenance/new", "Announce"),
        ("update", f"/console/incidents/{incident.public_id}/compose", "Publish update"),
        ("template", "/console/templates/new", "Save"),
    ):
        page.goto(f"{web.url}{path}")
        if name == "probe":
            page.get_by_label("Target").fill("ftp://x")
        if name == "update":
            page.locator("#body").fill("{Cause} stops it.")  # a blank is asked about once
        page.evaluate("document.querySelectorAll('form').forEach((f) => { f.noValidate = true })")
        page.get_by_role("button", name=button).last.click()
        expect(page.get_by_role("alert").first, name).to_be_visible(timeout=15_000)
        looking.here(f"{name} refused")
