"""The form of the page's look in a real browser: with script and without, down to what readers then see."""

import pytest
from django.utils import timezone

from components import colours, identity
from components.models import Page
from statuspage.models import Role
from tests.looking import faults, until
from tests.making import found, watched
from tests.people import session
from tests.pictures import png
from tests.whole import wait_for

AT = "/console/settings/look"
FILE = {"name": "logo.png", "mimeType": "image/png", "buffer": png(64, 64, (192, 32, 32))}


@pytest.fixture
def admin(web):
    found(watched("Chat"), "up", timezone.now())
    return session("root", Role.ADMIN)


def computed(page, selector, what):
    return page.eval_on_selector(selector, f"e => getComputedStyle(e)['{what}']")


def rgb(colour):
    return f"rgb({int(colour[1:3], 16)}, {int(colour[3:5], 16)}, {int(colour[5:7], 16)})"


def save(page):
    page.wait_for_load_state("networkidle")  # a preview that the next page cuts off is told as an error
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("The page shows it within seconds.").wait_for()


@pytest.mark.parametrize("script", [True, False])
def test_a_name_a_logo_and_a_colour_reach_the_page(web, browser, admin, script):
    page = browser.open(f"{web.url}{AT}", session=admin, script=script)
    page.locator("#id_name").fill("Tern")
    page.locator("#id_colour").fill("#ffd400")
    page.locator("#id_time_zone").fill("Europe/Berlin")
    page.locator("#id_logo").set_input_files(FILE)
    if script:  # the preview follows what is typed, and keeps nothing
        page.locator(".look b", has_text="Tern").first.wait_for()
        page.locator('.look img[src^="data:"]').first.wait_for()
        shades = [colours.shade("#ffd400", theme).colour for theme in (colours.LIGHT, colours.DARK)]
        for theme, shade in zip(("light", "dark"), shades, strict=True):
            mark = f'.look[data-theme="{theme}"] .brand b'
            until(
                page,
                "([mark, colour]) => getComputedStyle(document.querySelector(mark)).color === colour",
                arg=[mark, rgb(shade)],
            )
        assert Page.objects.this().name == ""
    save(page)
    identity.forget()
    here = Page.objects.this()
    assert (here.name, here.colour, here.time_zone) == ("Tern", "#ffd400", "Europe/Berlin")
    web.catch_up()
    for scheme, theme in (("light", colours.LIGHT), ("dark", colours.DARK)):
        seen = browser.open(web.url, scheme=scheme)
        shade = colours.shade("#ffd400", theme).colour
        assert computed(seen, ".brand b", "color") == rgb(shade)
        assert seen.eval_on_selector(".brand img", "e => e.naturalWidth") == 64
        assert seen.title() == "Tern Status"


def test_the_chosen_theme_of_a_reader_decides_and_a_wide_logo_has_its_words(web, browser, admin):
    page = browser.open(f"{web.url}{AT}", session=admin)
    page.locator("#id_logo").set_input_files({**FILE, "buffer": png(240, 60)})
    page.locator("#id_logo_dark").set_input_files({**FILE, "buffer": png(240, 60, (255, 255, 255))})
    save(page)
    web.catch_up()
    seen = browser.open(web.url)
    assert seen.get_by_role("link", name="Widgetify Status").count() == 1
    for choice, shown, hidden in (("Dark", "dark", "light"), ("Light", "light", "dark")):
        seen.locator(".themes label", has_text=choice).click()
        seen.locator(f'img[data-for="{shown}"]').wait_for(state="visible")
        assert not seen.locator(f'img[data-for="{hidden}"]').is_visible()


def test_what_is_wrong_is_said_at_the_field_and_nothing_is_lost(web, browser, admin):
    page = browser.open(f"{web.url}{AT}", session=admin, width=390, scheme="dark")
    page.locator("#id_name").fill("Tern")
    page.locator("#id_time_zone").fill("Europe/Belrin")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("link", name="write Europe/Berlin?").wait_for()
    assert page.locator("#id_name").input_value() == "Tern"
    browser.faults[:] = [fault for fault in browser.faults if "400" not in fault]
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= 390
    assert faults(page) == []


def test_two_readers_see_the_new_name_without_a_reload_of_the_process(web, browser, admin):
    Page.objects.filter(pk=1).update(name="Tern")
    Page.objects.bump_version()
    web.catch_up()
    wait_for(lambda: browser.open(web.url).title() == "Tern Status", 10)
