"""The page in a real browser: alive without a reload, honest without a server, usable by all."""

import re
from datetime import timedelta

import httpx
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import make_password
from django.utils import timezone

from components.models import Component, Probe
from incidents.models import Incident, Post
from statuspage.serving.snapshot import Snapshot
from tests.looking import sticks_out
from tests.making import fell, found, group, rose, watched


def fleet():
    """Three components of one group, all well since a minute ago."""
    ours, now = group(), timezone.now()
    probes = [
        watched(name, group=ours, position=n) for n, name in enumerate(("Web app", "API", "Search"), start=1)
    ]
    for probe in probes:
        found(probe, "up", now - timedelta(seconds=40))
        probe.refresh_from_db()
    return probes


def outage(probe):
    fell(probe, timezone.now() - timedelta(seconds=12))
    return Incident.objects.get()


def headline(page, text, timeout=12_000):
    page.get_by_role("heading", level=1, name=text).wait_for(timeout=timeout)


def test_an_outage_and_its_end_appear_without_a_reload(web, browser):
    one, *_ = fleet()
    page = browser.open(web.url)
    headline(page, "All systems are operational")
    page.evaluate("window.here = 'the same page'")
    icon = page.get_attribute("link[rel=icon]", "href")
    outage(one)
    headline(page, "Web app is down")
    assert page.title() == "Down: Widgetify"
    assert page.get_attribute("link[rel=icon]", "href") != icon
    assert page.locator(".incident").count() == 1
    assert "Web app is returning errors (since" in page.inner_text(".incident")
    Incident.objects.get().post(Post("We found the **cause**.", phase="identified"), now=timezone.now())
    page.locator("#banner").get_by_text("Identified").wait_for(timeout=12_000)
    assert page.inner_html(".incident .newest") == "<p>We found the <strong>cause</strong>.</p>"
    rose(one, timezone.now())
    Incident.objects.get().post(Post("Done.", phase="resolved"), now=timezone.now())
    headline(page, "All systems are operational")
    assert page.locator(".incident").count() == 0
    assert page.evaluate("window.here") == "the same page"


def test_what_the_reader_holds_is_not_taken_away(web, browser):
    one, *_ = fleet()
    outage(one)
    web.catch_up()
    page = browser.open(web.url)
    link = page.get_by_role("link", name="Web app is returning errors")
    link.focus()
    Incident.objects.get().post(Post("News.", phase="identified"), now=timezone.now())
    headline(page, "Web app is down")
    page.locator("#banner").get_by_text("Identified").wait_for(timeout=12_000)
    page.wait_for_timeout(500)
    assert link.evaluate("e => e === document.activeElement")
    link.blur()
    page.locator(".incident").get_by_text("News.").wait_for(timeout=12_000)


def test_a_page_that_hears_nothing_turns_grey_by_itself(web, browser):
    fleet()
    web.catch_up()
    page = browser.open("about:blank")
    page.clock.install(time=timezone.now())
    page.goto(web.url)
    headline(page, "All systems are operational")
    web.stop()
    page.clock.run_for(2 * 60_000)
    assert page.get_attribute("#fresh", "data-step") in ("late", "stale")
    assert "All systems are operational" in page.inner_text("h1")
    page.clock.run_for(4 * 60_000)
    headline(page, "We don’t currently know the status")
    assert page.get_attribute("#banner", "data-status") == "unknown"
    rows = page.locator(".row[data-status]")
    assert {row.get_attribute("data-status") for row in rows.all()} == {"unknown"}
    assert "operational at" in page.inner_text(".row >> nth=0")
    assert page.title().startswith("Unknown")
    web.start()


def test_late_data_is_delayed_since_its_newest_check_and_names_the_day_after_midnight(web, browser):
    fleet()
    web.catch_up()
    page = browser.open("about:blank")
    page.clock.install(time=timezone.now())
    page.goto(web.url)
    page.clock.run_for(130_000)
    assert re.match(r"Monitoring delayed since (\d\d? \w+,? )?\d\d:\d\d:\d\d", page.inner_text("#fresh"))
    assert "last check" not in page.inner_text("#fresh")
    web.stop()
    page.clock.fast_forward(23 * 3600_000)
    page.clock.run_for(2_000)
    assert re.search(r"Shown as of \d\d? \w{3},? \d\d:\d\d:\d\d", page.inner_text("#fresh"))
    web.start()


def test_without_script_the_door_turns_it_grey(web, browser):
    fleet()
    old = int(timezone.now().timestamp()) - 400
    Probe.objects.update(heard_s=old)
    web.stop()
    web.start()
    page = browser.open(web.url, script=False)
    headline(page, "We don’t currently know the status")
    assert "That says nothing about Widgetify itself" in page.inner_text("#banner")
    assert "Is Widgetify working for you?" in page.inner_text("main")
    assert "Contact support" in page.inner_text("main")


def test_without_script_nothing_is_missing(web, browser):
    one, *_ = fleet()
    incident = outage(one)
    web.catch_up()
    page = browser.open(web.url, script=False)
    headline(page, "Web app is down")
    assert re.search(r"\d\d:\d\d UTC", page.inner_text("#banner"))
    assert "Updates automatically" not in page.inner_text("main")
    page.get_by_role("link", name="Full timeline and evidence").click()
    assert incident.title in page.inner_text("h1")
    assert "First failed check" in page.inner_text("main")
    assert "503 Service Unavailable" in page.inner_text("main")
    page.goto(web.url)
    page.locator("a.strip").first.click()
    assert "Day by day" in page.inner_text("main")


def pages(incident, probe):
    return {
        "overview": "/",
        "component": f"/components/{probe.component.public_id}",
        "incident": f"/incidents/{incident.public_id}",
        "history": "/history",
        "not found": "/nothing",
    }


def test_nothing_scrolls_sideways(web, browser):
    one, *_ = fleet()
    watched("A component whose name is quite a bit longer than anybody would wish for", position=9)
    incident = outage(one)
    incident.amend(timezone.now(), workaround=f"https://example.org/{'long' * 60}")
    web.catch_up()
    page = browser.open(web.url)
    for name, path in pages(incident, one).items():
        page.goto(web.url + path)
        for width in (390, 320):
            page.set_viewport_size({"width": width, "height": 900})
            assert not sticks_out(page), f"{name} {width}"
    browser.faults = [fault for fault in browser.faults if "404" not in fault]


def test_the_first_visit_is_small_and_asks_nobody_else(web, browser):
    one, *_ = fleet()
    outage(one)
    web.catch_up()
    page = browser.open("about:blank")
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    asked, sizes = {}, {}
    session.on("Network.requestWillBeSent", lambda e: asked.update({e["requestId"]: e["request"]["url"]}))
    session.on("Network.loadingFinished", lambda e: sizes.update({e["requestId"]: e["encodedDataLength"]}))
    page.goto(web.url, wait_until="load")
    page.wait_for_timeout(500)
    # each once: news that comes in the first half second is fetched as well
    addresses = {address for address in asked.values() if not address.startswith("data:")}
    assert all(address.startswith(web.url) for address in addresses)
    assert len(addresses) <= 4, addresses
    assert sum(sizes.values()) < 30_000
    assert page.context.cookies() == []


def test_the_theme_is_the_readers_choice_and_is_kept(web, browser):
    fleet()
    web.catch_up()
    page = browser.open(web.url, scheme="light")
    dark = "getComputedStyle(document.body).backgroundColor === 'rgb(13, 17, 22)'"
    assert not page.evaluate(dark)
    page.get_by_text("Dark", exact=True).click()
    assert page.evaluate(dark)
    page.reload()
    assert page.evaluate(dark)
    page.get_by_text("Auto", exact=True).click()
    assert not page.evaluate(dark)


def test_times_are_the_readers_own_with_a_switch_to_utc(web, browser):
    one, *_ = fleet()
    incident = outage(one)
    web.catch_up()
    page = browser.open(web.url, zone="Asia/Tokyo")
    here = (incident.started_at + timedelta(hours=9)).strftime("%H:%M")
    there = incident.started_at.strftime("%H:%M")
    assert here in page.inner_text(".facts")
    assert page.inner_text("[data-zone]") == "Asia/Tokyo"
    page.get_by_role("button", name="Show UTC").click()
    assert f"{there} UTC" in page.inner_text(".facts")


def test_every_day_opens_by_key_pointer_and_touch(web, browser):
    one, *_ = fleet()
    incident = outage(one)
    web.catch_up()
    page = browser.open(web.url)
    strip = page.locator(".strip").first
    assert strip.get_attribute("role") == "slider"
    strip.focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowRight")
    assert "major outage" in strip.get_attribute("aria-valuetext")
    assert page.locator(".pop a").inner_text() == incident.title
    page.keyboard.press("PageUp")
    assert "no problems" in strip.get_attribute("aria-valuetext") or "no data" in strip.get_attribute(
        "aria-valuetext"
    )
    page.keyboard.press("Escape")
    assert page.locator(".pop").count() == 0
    box = strip.bounding_box()
    page.mouse.move(box["x"] + box["width"] - 1, box["y"] + 10)
    assert "major outage" in page.inner_text(".pop")
    page.mouse.move(5, 5)
    page.keyboard.press("Tab")  # into the popover, to the incident
    assert page.evaluate("document.activeElement.textContent") == incident.title
    page.keyboard.press("Tab")
    assert page.locator(".pop").count() == 0
    phone = browser.open(web.url, width=390, touch=True)
    phone.locator(".strip").first.tap()
    before = phone.inner_text(".pop div")
    phone.get_by_role("button", name="Previous day").tap()
    assert phone.inner_text(".pop div") != before
    size = phone.get_by_role("button", name="Previous day").bounding_box()
    assert min(size["width"], size["height"]) >= 44


def test_the_keyboard_reaches_everything_in_order(web, browser):
    fleet()
    web.catch_up()
    page = browser.open(web.url)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to status"
    seen = []
    for _ in range(60):
        page.keyboard.press("Tab")
        seen.append(page.evaluate("document.activeElement.textContent.trim().slice(0, 30)"))
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        if page.evaluate("document.activeElement === document.body"):
            break
        assert outline != "none" or page.evaluate("document.activeElement.type") == "radio"
    assert "Atom" in seen


def test_scrolled_past_the_news_the_reader_is_told(web, browser):
    one, *_ = fleet()
    for n in range(25):
        found(watched(f"Part {n}", position=20 + n), "up", timezone.now())
    web.catch_up()
    page = browser.open(web.url)
    page.locator("details.group").first.evaluate(
        "e => document.querySelectorAll('details').forEach(d => d.open = true)"
    )
    page.mouse.wheel(0, 1500)
    page.wait_for_timeout(300)
    outage(one)
    page.get_by_role("link", name="New update").wait_for(timeout=12_000)


def test_staff_see_three_steps_and_no_source_is_refused(web, browser):
    ada = get_user_model().objects.create_superuser("ada")
    ada.password = make_password("long enough 9", hasher="pbkdf2_sha256")  # the web process knows no other
    ada.save()
    page = browser.open(f"{web.url}/console/")
    page.get_by_label("Name or email").fill("ada")
    page.get_by_label("Password").fill("long enough 9")
    page.get_by_role("button", name="Log in", exact=True).click()
    page.get_by_role("heading", name="Set up your page in three steps").wait_for()
    page.get_by_role("link", name="Add a component").first.click()
    page.fill("#id_name", "Sending messages")
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_role("heading", level=1, name="Sending messages").wait_for()
    one = Component.objects.get(name="Sending messages")
    page.goto(f"{web.url}/console/components/{one.public_id}/probe")
    page.get_by_label("Target").fill("ftp://x")
    page.get_by_role("button", name="Save", exact=True).last.click()
    page.get_by_text("Enter the full address, with http:// or https://").first.wait_for()
    browser.faults.clear()  # the refused form is a 400, which Chromium notes
    assert (
        httpx.get(f"{web.url}/accounts/login/")
        .headers["content-security-policy"]
        .startswith("default-src 'none'")
    )


def test_on_a_phone_a_grey_row_still_reads(web, browser):
    """The long words of a stale row do not squeeze its name into a column of letters."""
    fleet()
    Probe.objects.update(heard_s=int(timezone.now().timestamp()) - 400)
    web.stop()
    web.start()
    page = browser.open(web.url, width=390)
    headline(page, "We don’t currently know the status")
    # in one go: the script may exchange the rows between two questions
    heights = page.locator(".row__name a").evaluate_all(
        "all => all.map(a => a.getBoundingClientRect().height)"
    )
    assert heights
    assert max(heights) < 60


def test_an_old_copy_is_not_told_as_lost_sight(web, browser):
    """It says since when it is shown; only an old newest check turns it grey, in script as at the door."""
    now = timezone.now()
    probe = watched("API")
    found(probe, "up", now - timedelta(minutes=7))
    url = probe.component.get_absolute_url()
    copy = Snapshot(web.folder / "another").begin(url).whole().old.plain
    page = browser.open(f"{web.url}/how-we-count")
    timing = {"server-timing": f"checked;dur={(now.timestamp() - 5) * 1000:.0f}"}

    def serve(more):
        headers = {"content-type": "text/html; charset=utf-8", **more}
        page.route(f"**{url}", lambda route: route.fulfill(body=copy, headers=headers))
        page.goto(f"{web.url}{url}")
        page.wait_for_timeout(1500)
        page.evaluate("dispatchEvent(new Event('online'))")  # fetched again, the same old copy
        page.wait_for_timeout(500)

    serve(timing)
    assert "Shown as of" in page.inner_text("#fresh")
    assert page.get_attribute("#fresh", "data-step") == "current"
    assert page.get_attribute("#banner", "data-status") == "operational"
    page.unroute(f"**{url}")
    serve({})
    assert page.get_attribute("#fresh", "data-step") == "stale"
    assert page.get_attribute("#banner", "data-status") == "unknown"
