"""Settings, Deploys in a real browser: a new address fits the page, and so does the message of its removal."""

from components.models import DeployAddress, DeployMarker
from tests.looking import staff
from tests.making import NOW, watched


def test_a_new_address_fits_every_width_and_its_removal_is_announced(looking):
    shop = watched("Checkout with a rather long name").component
    DeployAddress.objects.add("The jobs of the payments team", shop)
    DeployMarker.objects.create(
        at=NOW, text="release-2026-11-28-build-20451-with-a-long-name", component=shop
    )
    looking.log_in(staff("ada"), "/console/settings/deploys")
    page = looking.page
    page.get_by_label("Name").fill("Jenkins")
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_role("heading", name="The address for Jenkins").wait_for()
    looking.here("a new address")
    page.get_by_text("Remove Jenkins").click()
    page.get_by_role("button", name="Remove the address for Jenkins").click()
    page.get_by_role("status").get_by_text("no longer accepts reports").wait_for()
    looking.here("a removed address")
