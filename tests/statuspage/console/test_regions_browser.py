"""Settings, Regions, in a real browser: a region is added and its key shown, with nothing in anyone's way."""

import os

from components.models import RemoteRegion
from statuspage.models import Role
from tests.looking import faults, hides_text, sticks_out
from tests.people import session


def test_a_region_is_added_and_its_key_is_shown(web, browser):
    page = browser.open(f"{web.url}/console/settings/regions", session=session("root", Role.ADMIN))
    page.get_by_label("Name").fill("frankfurt")
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_role("heading", name="The key of region frankfurt").wait_for()
    assert "REGION_KEY=whsec_" in page.locator("pre").inner_text()
    assert faults(page) == []
    assert RemoteRegion.objects.get().name == "frankfurt"


def test_a_region_is_removed_only_by_two_presses(web, browser):
    RemoteRegion.objects.add("far", own="local")
    page = browser.open(f"{web.url}/console/settings/regions", session=session("root", Role.ADMIN))
    button = page.get_by_role("button", name="Remove “far”")
    assert not button.is_visible()
    for name in ("New key for far", "Remove far"):
        page.locator("summary").filter(has_text=name).click()
    for scheme, width in [("light", 390), ("light", 1280), ("dark", 390), ("dark", 1280)]:
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 900})
        assert faults(page) == []
        assert not sticks_out(page)
        assert width != 390 or hides_text(page) == []
        if folder := os.environ.get("PICTURES"):
            page.screenshot(path=f"{folder}/regions-{scheme}-{width}.png", full_page=True)
    button.click()
    page.get_by_text("Region far was removed").wait_for()
    assert not RemoteRegion.objects.exists()
