"""The page of one's own alerts in a real browser: readable, without faults, light and dark."""

import os

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone

from statuspage.models import Role
from subscribers.models import Alert
from tests.browser import widths
from tests.people import cookie, person
from tests.statuspage.test_account_pages import RULES
from tests.subscribers.test_alerts import channel


@pytest.mark.django_db(transaction=True)
def test_the_page_of_alerts_is_without_faults(web, browser):
    ada, now = person("ada", Role.ADMIN), timezone.now()
    mail = channel(ada, "ada@example.org", "email", last_sent_at=now)
    mail.shown = "ada@example.org"
    mail.save()
    channel(ada, "json://127.0.0.1/x", last_error="Apprise could not deliver it.")
    title = "The message worker is not running."
    Alert.objects.create(kind="other", subject="x", title=title, url="/console/", opened_at=now)
    session, axe, pages = cookie(ada), Axe(), 0
    for scheme in ("light", "dark"):
        for width in widths(scheme):
            with browser.open(
                f"{web.url}/console/alerts/", scheme=scheme, width=width, session=session
            ) as page:
                assert page.locator("h1").inner_text() == "Alerts"
                if folder := os.environ.get("PICTURES"):
                    page.screenshot(path=f"{folder}/alerts-{scheme}-{width}.png", full_page=True)
                faults = axe.run(page, options=RULES).response["violations"]
                assert not faults, [(one["id"], one["nodes"][0]["html"]) for one in faults]
                wide = page.evaluate("document.documentElement.scrollWidth")
                assert wide <= width
                pages += 1
    assert pages
    assert not browser.faults
