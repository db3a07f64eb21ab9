"""Names as long as they may be: what stands beside them stays whole."""

import pytest
from django.utils import timezone

from tests.making import found, group, watched

LONG = "Payments, invoices and everything about money in Europe, Africa and the Americas"


@pytest.mark.parametrize("width", [1280, 390])
def test_the_head_of_a_group_keeps_its_words_whole(web, browser, transactional_db, width):
    ours = group(LONG)
    for number in range(3):
        found(watched(f"C{number}", group=ours, position=number), "up", timezone.now())
    web.catch_up()
    page = browser.open(web.url, width=width)
    head = page.locator(".group > summary", has_text=LONG)
    if head.locator(".group__state").is_hidden():
        head.click()
    for part in (head.locator("small"), head.locator(".group__state b")):
        box = part.bounding_box()
        assert box["height"] < 30, part.inner_text()  # one line
        assert box["x"] + box["width"] < width - 16
