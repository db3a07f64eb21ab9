"""Settings, Deploys in a real browser: a new address fits, and its removal is announced."""

import os

from components.models import DeployAddress, DeployMarker
from tests.looking import faults, hides_text, staff, sticks_out
from tests.making import NOW, after, watched


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
    page.get_by_role("button", name="Remove “Jenkins”").click()
    page.get_by_role("status").get_by_text("no longer accepts reports").wait_for()
    looking.here("a removed address")


def test_on_a_phone_each_row_is_a_card_and_on_a_desk_it_is_a_table(looking):
    shop = watched("Checkout with a rather long name").component
    DeployAddress.objects.add("The jobs of the payments team", shop)
    DeployAddress.objects.add("A" * 60, None)
    for minutes in (0, 3):
        DeployMarker.objects.create(
            at=NOW,
            finished_at=after(minutes=minutes),
            text="release-2026-11-28-build-20451-" + "x" * 60,
            component=shop,
        )
    looking.log_in(staff("ada"), "/console/settings/deploys")
    page = looking.page
    page.get_by_text("Remove The jobs").click()
    for scheme, width in [("light", 390), ("dark", 390), ("light", 1280), ("dark", 1280)]:
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 900})
        if folder := os.environ.get("PICTURES"):
            page.screenshot(path=f"{folder}/deploys-{scheme}-{width}.png", full_page=True)
        assert faults(page) == []
        assert not sticks_out(page)
        assert hides_text(page) == []
        (row,) = page.get_by_role("row").filter(has_text="The jobs of the payments team").all()
        assert row.get_by_role("rowheader").inner_text() == "The jobs of the payments team"
        assert row.get_by_role("cell").count() == 3
        boxes = [cell.bounding_box() for cell in row.get_by_role("cell").all()]
        is_card = boxes[0]["x"] == boxes[1]["x"] and boxes[0]["y"] < boxes[1]["y"]
        assert is_card is (width == 390)
