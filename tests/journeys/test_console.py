"""Staff in a real browser: from the first suspicion to the postmortem, together, on a phone, by keys."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from components.models import Component
from incidents import default_templates, postmortem_draft
from incidents.lifecycle import Kind
from incidents.models import Draft, Incident, Maintenance, Post, Postmortem, Template
from statuspage.models import Role
from tests.looking import faults, sticks_out, until
from tests.making import fell, found, group, rose, watched
from tests.people import session
from tests.whole import wait_for

STATES = "[...document.querySelectorAll('.compline .state')].map(one => one.offsetHeight)"


@pytest.fixture
def texts(transactional_db):
    for position, (kind, name, phase, title, body) in enumerate(default_templates.TEMPLATES, start=1):
        told = {"phase": phase, "title": title, "body": body, "position": position}
        Template.objects.get_or_create(kind=kind, name=name, defaults=told)


@pytest.fixture
def suspicion(texts):
    """Chat fails, Search beside it works; nobody has said anything yet."""
    ours, now = group(), timezone.now()
    beside, chat = (
        watched("Search", group=ours, position=2, auto="off"),
        watched("Chat", group=ours, auto="suggest"),
    )
    found(beside, "up", now - timedelta(seconds=50))
    fell(chat, now - timedelta(seconds=30))
    return chat


def body(page):
    return page.get_by_label("What customers read")


def test_from_suspicion_to_postmortem(web, browser, suspicion):
    ada = session("ada")
    page = browser.open(f"{web.url}/console/", session=ada)
    reader = browser.open(web.url)
    reader.get_by_role("heading", level=1, name="Chat is down").wait_for(timeout=12_000)
    assert reader.locator(".incident").count() == 0  # it is only suspected
    page.get_by_role("heading", name="Chat is returning errors").wait_for()
    # two actions publish a suggestion: review, publish
    page.get_by_role("link", name="Review and publish").click()
    assert "Search is working normally" in body(page).input_value()
    page.get_by_role("button", name="Publish update").click()
    page.get_by_text("Notifications go out in").wait_for()
    reader.locator(".incident .newest").get_by_text("Chat is returning errors").wait_for(timeout=12_000)
    # three actions post an update from a template: post, template, publish
    page.goto(f"{web.url}/console/")
    page.get_by_role("link", name="Post update").click()
    page.get_by_role("button", name="Investigating", exact=True).click()
    until(page, "getSelection().toString() === '{whom}'")
    page.keyboard.type("everybody")  # the blank is marked: typing fills it in
    assert "{" not in body(page).input_value()
    page.get_by_role("button", name="Publish update").click()
    page.get_by_text("Notifications go out in").wait_for()
    # what was found, and what is partly back
    page.get_by_role("link", name="Post update").click()
    page.get_by_text("Identified", exact=False).first.click()
    page.locator('[value="partial_outage"] + span').click()
    body(page).fill("The pool of **connections** is full. Search works normally. We make it larger.")
    page.locator(".pane--page strong").get_by_text("connections").wait_for()
    page.get_by_role("button", name="Publish update").click()
    reader.locator("#banner").get_by_text("Identified").wait_for(timeout=12_000)
    reader.get_by_role("heading", level=1, name="Chat partly works").wait_for(timeout=12_000)
    rose(suspicion, timezone.now())
    page.get_by_role("link", name="Post update").click()
    page.get_by_text("Resolved", exact=False).first.click()
    body(page).fill("Chat did not work for 5 min. The cause was a full pool. No data was lost.")
    page.get_by_role("button", name="Publish update").click()
    reader.get_by_role("heading", level=1, name="All systems are operational").wait_for(timeout=12_000)
    page.get_by_role("button", name="Start the postmortem").click()
    page.get_by_role("heading", level=1, name="Postmortem").wait_for()
    assert (
        page.locator("[name=line-text]")
        .first.input_value()
        .startswith("Chat is returning errors: first failed check")
    )
    page.get_by_label("Root cause").fill("A pool of five connections.")
    page.locator("[name=misled-saw]").first.fill("The database was idle.")
    page.locator("[name=misled-true]").first.fill("Nobody could connect to it.")
    page.locator("[name=action-text]").first.fill("Watch the pool")
    page.get_by_text(re.compile(r"saved \d")).wait_for()
    wait_for(lambda: Postmortem.objects.get().actions.count() == 1, 8)
    page.get_by_role("button", name="Publish", exact=True).click()
    page.get_by_text("Published.").wait_for()
    postmortem = Postmortem.objects.get()
    assert postmortem.published_at is not None
    assert postmortem.root_cause == "A pool of five connections."


def test_undo_takes_back_what_nobody_was_sent(web, browser, suspicion):
    page = browser.open(f"{web.url}/console/", session=session("ada"))
    page.get_by_role("link", name="Review and publish").click()
    body(page).fill("Too early.")
    page.get_by_role("button", name="Publish update").click()
    page.get_by_role("button", name="Undo").click()
    page.get_by_text("Undone. No one was notified.").wait_for()
    assert body(page).input_value() == "Too early."
    incident = Incident.objects.get()
    assert incident.is_suggestion
    assert incident.updates.last().kind == Kind.RETRACTED


def test_a_closed_laptop_loses_nothing(web, browser, suspicion):
    ada = session("ada")
    page = browser.open(f"{web.url}/console/", session=ada)
    page.get_by_role("link", name="Review and publish").click()
    body(page).press_sequentially(" And this is new.", delay=30)
    wait_for(lambda: any("And this is new." in one.data["body"] for one in Draft.objects.all()), 8)
    address = page.url
    page.context.close()
    again = browser.open(address, session=ada)
    assert "And this is new." in body(again).input_value()  # wherever the cursor stood


def test_two_people_write_at_once(web, browser, suspicion):
    incident = Incident.objects.get()
    address = f"{web.url}/console/incidents/{incident.public_id}/compose"
    ada = browser.open(address, session=session("ada"))
    bo = browser.open(address, session=session("bo"))
    body(bo).fill("Bo writes this.")
    wait_for(lambda: Draft.objects.filter(author__username="bo").exists(), 5)
    body(ada).fill("Ada writes that.")
    ada.get_by_text("Bo writes this.").wait_for()
    bo.get_by_role("button", name="Publish update").click()
    bo.get_by_text("Notifications go out in").wait_for()
    ada.get_by_role("button", name="Publish update").click()
    ada.get_by_role("alert").get_by_text("Bo writes this.").wait_for()
    assert body(ada).input_value() == "Ada writes that."
    ada.get_by_role("button", name="Publish update").click()
    ada.get_by_text("Notifications go out in").wait_for()
    posts = incident.updates.filter(kind=Kind.POST, author__isnull=False)
    assert [post.body for post in posts] == ["Bo writes this.", "Ada writes that."]
    browser.faults.clear()  # the refused form is a 400, which Chromium notes


def test_by_keys_alone(web, browser, suspicion):
    page = browser.open(f"{web.url}/console/", session=session("ada"))
    page.locator("#live").wait_for()
    page.keyboard.press("p")
    page.get_by_role("heading", level=1, name="Post an update").wait_for()
    page.wait_for_load_state("load")  # keys work once the script is there
    until(page, "document.activeElement?.id === 'body'")
    page.keyboard.press("Control+End")
    page.keyboard.type(" Sent by keys.")
    page.keyboard.press("Control+Enter")
    page.get_by_text("Notifications go out in").wait_for()
    assert Incident.objects.get().updates.last().body.endswith("Sent by keys.")
    page.wait_for_load_state("load")
    page.keyboard.press("u")
    page.get_by_role("heading", level=1, name="Post an update").wait_for()
    page.wait_for_load_state("load")
    until(page, "document.activeElement?.id === 'body'")
    page.keyboard.type("Fixed.")
    page.keyboard.press("Alt+3")
    assert page.locator("[name=phase]:checked").input_value() == "monitoring"
    body(page).focus()
    page.keyboard.press("Escape")
    page.keyboard.press("4")
    assert page.locator("[name=phase]:checked").input_value() == "resolved"
    assert body(page).input_value().endswith("Fixed.")
    page.keyboard.press("?")
    page.get_by_role("heading", name="Keyboard shortcuts").wait_for()
    page.keyboard.press("Escape")
    page.keyboard.press("t")
    assert page.evaluate("document.activeElement.name") == "template"


def test_on_a_phone_everything_is_within_reach(web, browser, suspicion):
    page = browser.open(f"{web.url}/console/", session=session("ada"), width=390, touch=True)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_role("link", name="Review and publish").tap()
    page.get_by_role("heading", level=1, name="Post an update").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    button = page.get_by_role("button", name="Publish update")
    box = button.bounding_box()
    assert box["y"] + box["height"] <= 900  # in view without scrolling
    assert box["height"] >= 44
    button.tap()
    page.get_by_text("Notifications go out in").wait_for()


def test_without_script_an_update_is_posted_and_resolved(web, browser, suspicion):
    page = browser.open(f"{web.url}/console/", session=session("ada"), script=False)
    page.get_by_role("link", name="Review and publish").click()
    page.get_by_role("button", name="Still investigating").click()
    body(page).fill("Still looking. Search works.")
    page.get_by_role("button", name="Publish update").click()
    page.get_by_role("link", name="Post update").click()
    page.locator("[name=phase][value=resolved]").check(force=True)
    body(page).fill("Over.")
    page.get_by_role("button", name="Publish update").click()
    page.get_by_text("Our checks still fail for Chat.").wait_for()  # asked once
    assert body(page).input_value() == "Over."
    browser.faults.clear()  # Chromium calls a 400 one
    page.get_by_label("Resolve it even though our checks still fail").check()
    page.get_by_role("button", name="Publish update").click()
    assert Incident.objects.get().resolved_at is not None
    assert Component.objects.get(name="Chat").manual_status == ""


def pages(incident):
    work = Maintenance.objects.plan("Index", "We work.", timezone.now() + timedelta(days=1),
                                    timezone.now() + timedelta(days=1, hours=1),
                                    components=Component.objects.all()[:1], now=timezone.now())  # fmt: skip
    resolved = Incident.objects.record("Old", "It was.", started_at=timezone.now() - timedelta(days=2),
                                       ended_at=timezone.now() - timedelta(days=1), now=timezone.now(),
                                       statuses={Component.objects.first(): "major_outage"})  # fmt: skip
    postmortem_draft.create(resolved, author=None, now=timezone.now())
    one = f"/console/incidents/{incident.public_id}"
    return (
        "/console/", "/console/incidents", "/console/incidents/new", one, f"{one}/compose", f"{one}/edit/1",
        "/console/maintenance", "/console/maintenance/new", f"/console/maintenance/{work.public_id}",
        "/console/postmortems", f"/console/postmortems/{resolved.public_id}",
    )  # fmt: skip


def test_nothing_stands_in_anybodys_way(web, browser, suspicion):
    Incident.objects.get().amend(timezone.now(), workaround="Use the *app*.")
    key, addresses = session("ada", Role.ADMIN), pages(Incident.objects.get())
    Component.objects.filter(name="Search").update(status="partial_outage")  # the longest of the words
    page = browser.open(f"{web.url}/console/", session=key, scheme="dark")
    for path in addresses:
        page.goto(f"{web.url}{path}")
        assert page.locator(".console").count() == 1, path  # not the login
        for width in (1280, 390):
            page.set_viewport_size({"width": width, "height": 900})
            assert not sticks_out(page), path
            assert all(height < 36 for height in page.evaluate(STATES)), path  # in one line with its sign
        if path in addresses[:4]:  # what a suspicion shows; the rest is in test_everywhere_browser
            assert faults(page) == [], path


def test_the_console_stays_light(web, browser, suspicion):
    sizes = []
    page = browser.open("about:blank", session="")
    context = page.context
    context.add_cookies([{"name": "session", "value": session("ada"), "url": web.url}])
    page.on("response", lambda answer: sizes.append(answer.request.sizes()["responseBodySize"])
            if "/live" not in answer.url else None)  # fmt: skip
    page.goto(f"{web.url}/console/", wait_until="load")
    page.get_by_role("heading", level=1, name="Overview").wait_for()
    assert sum(sizes) <= 90 * 1024


SLOW_FIRST = """() => {
  const ask = window.fetch
  let first = true
  window.fetch = async (...what) => {
    if (first) { first = false; await new Promise((go) => setTimeout(go, 3000)) }
    return ask(...what)
  }
}"""


def test_words_saved_late_do_not_replace_newer_ones(web, browser, texts):
    """The first saving is slow to arrive; what was typed after it is what is kept."""
    now = timezone.now()
    incident = Incident.objects.create(title="Chat is slow", started_at=now)
    incident.post(Post("All is well.", phase="resolved"), now=now)
    postmortem = postmortem_draft.create(incident, author=None, now=now)
    page = browser.open(f"{web.url}/console/postmortems/{incident.public_id}", session=session("ada"))
    page.evaluate(SLOW_FIRST)
    page.get_by_label("Root cause").fill("A pool.")
    page.wait_for_timeout(2300)  # the first saving is on its way
    page.get_by_label("Root cause").fill("A pool of five connections.")
    page.locator("[name=action-text]").first.fill("Watch the pool")
    wait_for(lambda: Postmortem.objects.get().root_cause == "A pool of five connections.", 10)
    first = wait_for(postmortem.actions.first, 5)
    page.locator("[name=action-team]").first.fill("Chat")
    wait_for(lambda: Postmortem.objects.get().actions.get().team == "Chat", 8)
    assert postmortem.actions.get().pk == first.pk  # the same task, saved again
    page.wait_for_timeout(1500)
    assert Postmortem.objects.get().root_cause == "A pool of five connections."
