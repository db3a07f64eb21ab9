"""The page of an incident as its picture shows it: the newest words, the evidence, and ways to pass it on."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from incidents.models import Incident, Post
from tests.making import fell, found, group, rose, watched


@pytest.fixture
def outage(web):
    now, ours = timezone.now(), group()
    probe = watched("API", group=ours)
    found(watched("Search", group=ours, position=2), "up", now - timedelta(minutes=6))
    fell(probe, now - timedelta(minutes=5))
    incident = Incident.objects.get()
    incident.post(Post("We found the cause.", phase="identified"), now=now)
    web.catch_up()
    return incident


def test_the_newest_words_stand_on_a_card(web, browser, outage):
    page = browser.open(web.url + outage.get_absolute_url())
    first, second = page.locator(".timeline > .told").all()[:2]
    assert "We found the cause." in first.inner_text()
    colours = [one.evaluate("e => getComputedStyle(e).backgroundColor") for one in (first, second)]
    assert colours == ["rgb(255, 255, 255)", "rgba(0, 0, 0, 0)"]
    assert "Identified" in first.locator("h3").inner_text()
    heading, meta = first.locator("h3").bounding_box(), first.locator(".meta").bounding_box()
    assert abs(heading["y"] - meta["y"]) < 6  # on one line


def test_the_evidence_is_told_in_a_sentence_under_the_banner(web, browser, outage):
    page = browser.open(web.url + outage.get_absolute_url())
    first = (outage.started_at).strftime("%H:%M:%S UTC")
    assert f"1 of 1 probe fails (503 Service Unavailable), first at {first}" in page.inner_text("#seen")
    page.get_by_role("link", name="See the evidence").click()
    assert page.url.endswith("#evidence")
    rose(outage.affected.get().component.probes.get(), timezone.now())
    page.locator("#seen", has_text="1 of 1 probe detected it, first at").wait_for(timeout=12_000)


def test_a_link_is_copied_and_the_page_printed_with_script_alone(web, browser, outage):
    page = browser.open("about:blank")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(web.url + outage.get_absolute_url())
    page.get_by_role("button", name="Copy link").click()
    page.get_by_role("button", name="Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == web.url + outage.get_absolute_url()
    page.evaluate("window.print = () => { window.printed = true }")
    outage.post(Post("More news.", phase="identified"), now=timezone.now())
    page.get_by_text("More news.").wait_for(timeout=12_000)
    page.get_by_role("button", name="Print").click()
    assert page.evaluate("window.printed")
    assert page.get_by_role("link", name="JSON").get_attribute("href") == f"{outage.get_absolute_url()}.json"
    plain = browser.open(web.url + outage.get_absolute_url(), script=False)
    assert plain.get_by_role("button", name="Copy link").is_hidden()
    assert plain.get_by_role("button", name="Print").is_hidden()
    plain.get_by_role("link", name="JSON").wait_for()


def test_on_paper_it_says_where_it_is_from_and_when(web, browser, outage):
    page = browser.open(web.url + outage.get_absolute_url())
    line = page.locator(".printed")
    assert line.is_hidden()
    page.emulate_media(media="print")
    assert outage.get_absolute_url() in line.inner_text()
    assert "times in UTC" in line.inner_text()
    assert page.get_by_role("button", name="Print").is_hidden()
    assert page.locator(".tell").is_hidden()


def test_an_incident_keeps_its_banner_when_monitoring_grows_old(web, browser, outage):
    page = browser.open("about:blank")
    page.clock.install(time=timezone.now())
    page.goto(web.url + outage.get_absolute_url())
    web.stop()
    page.clock.run_for(6 * 60_000)
    assert page.get_attribute("#fresh", "data-step") in ("late", "stale")
    assert page.inner_text("#fresh").startswith(("Connection lost", "No monitoring data since"))
    assert page.get_attribute("#banner", "data-status") == "major_outage"
    assert page.inner_text("#banner h1") == outage.title
    web.start()


def contrast_on_white(page, selector):
    """The WCAG ratio of the text of the first such element to a white page."""
    colour = page.locator(selector).first.evaluate("e => getComputedStyle(e).color")
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05)


def test_on_paper_every_word_can_be_read_in_a_dark_theme_too(web, browser, outage):
    page = browser.open(web.url + outage.get_absolute_url())
    page.get_by_text("Dark", exact=True).click()
    page.emulate_media(media="print")
    for selector in (
        "#banner h1",
        "#banner .banner__word",
        "#banner dt",
        "#told h3",
        "#told .words",
        "#facts dt",
    ):
        assert contrast_on_white(page, selector) > 4.5, selector
    assert page.locator("#banner > .icon").evaluate("e => getComputedStyle(e).fill") == "rgb(0, 0, 0)"


def test_in_forced_colours_icons_and_buttons_keep_their_shape(web, browser, outage):
    page = browser.open(web.url + outage.get_absolute_url())
    page.emulate_media(forced_colors="active")
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert page.locator("#banner > .icon").evaluate("e => getComputedStyle(e).fill") != paper
    for button in (
        page.get_by_role("link", name="Get updates"),
        page.get_by_role("button", name="Notify me"),
    ):
        assert button.evaluate("e => getComputedStyle(e).borderTopStyle") == "solid"
