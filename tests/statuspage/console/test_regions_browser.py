"""Settings, Regions, in a real browser: a region is added and its key shown, with nothing in anyone's way."""

from components.models import RemoteRegion
from statuspage.models import Role
from tests.looking import faults
from tests.people import session


def test_a_region_is_added_and_its_key_is_shown(web, browser):
    page = browser.open(f"{web.url}/console/settings/regions", session=session("root", Role.ADMIN))
    page.get_by_label("Name").fill("frankfurt")
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_role("heading", name="The key of region frankfurt").wait_for()
    assert "REGION_KEY=whsec_" in page.locator("pre").inner_text()
    assert faults(page) == []
    assert RemoteRegion.objects.get().name == "frankfurt"
