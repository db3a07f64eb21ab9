"""The page of one's own alerts in a real browser: readable, without faults, light and dark."""

import os

import pytest
from django.utils import timezone

from statuspage.models import Role
from subscribers.models import Alert
from tests.looking import faults, sticks_out
from tests.people import cookie, person
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
    page = browser.open(f"{web.url}/console/alerts/", session=cookie(ada))
    assert page.locator("h1").inner_text() == "Alerts"
    for scheme, width in (("light", 1280), ("dark", 390)):
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 900})
        if folder := os.environ.get("PICTURES"):
            page.screenshot(path=f"{folder}/alerts-{scheme}-{width}.png", full_page=True)
        assert not faults(page)
        assert not sticks_out(page)
    assert not browser.faults
