"""A browser that looks at pages with axe-core, in both themes and widths."""

import os

from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.hashers import make_password

from statuspage.models import Role
from tests.people import person
from tests.whole import wait_for

PASSWORD = "correct-horse-battery-9"
RULES = {"rules": {"target-size": {"enabled": True}}, "resultTypes": ["violations"], "preload": False}
SCRIPT = Axe().axe_script
# colours do not depend on the width, nor places on the theme: all four pairs are for the long form
KINDS = [("light", 1280), ("dark", 390)]
if os.environ.get("FAULTS") == "long":
    KINDS += [("light", 390), ("dark", 1280)]


def faults(page):
    """What axe-core holds against a page as it stands: a rule and a place, a line each."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(SCRIPT)
    found = page.evaluate("(rules) => axe.run(rules).then((r) => r.violations)", RULES)
    return [f"{one['id']}: {one['nodes'][0]['html'][:140]}" for one in found]


def sticks_out(page):
    return page.evaluate("document.documentElement.scrollWidth - innerWidth") > 0


class Looking:
    """One browser that visits pages and keeps what axe-core holds against them."""

    def __init__(self, web, browser, **how):
        self.web, self.wrong = web, []
        self.page = browser.open("about:blank", **how)

    def at(self, path, name=""):
        self.page.goto(self.web.url + path, wait_until="load")
        self.here(name or path)

    def here(self, name):
        """The page as it stands, in both themes and widths."""
        for scheme, width in KINDS:
            self.page.emulate_media(color_scheme=scheme)
            self.page.set_viewport_size({"width": width, "height": 900})
            self.wrong += [f"{name} {scheme} {width}: {fault}" for fault in faults(self.page)]
            for size in ("200%", ""):  # whoever reads at twice the size, too
                self.page.evaluate("(size) => { document.documentElement.style.fontSize = size }", size)
                if sticks_out(self.page):
                    self.wrong.append(f"{name} {scheme} {width}: scrolls sideways {size and 'at 200 % text'}")

    def log_in(self, user, then):
        self.page.goto(f"{self.web.url}/accounts/login/?next={then}")
        self.page.get_by_label("Name or email").fill(user.username)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Log in", exact=True).click()


def staff(name, role=Role.ADMIN):
    """Somebody who can log in at the web process, by PASSWORD."""
    user = person(name, role)
    user.password = make_password(PASSWORD, hasher="pbkdf2_sha256")  # the web process knows no other
    user.save()
    return user


def until(page, expression, *, arg=None, timeout_s: float = 15) -> None:
    """Wait until the page answers the JavaScript `expression` with something true.

    Playwright's own `wait_for_function` evaluates text inside the page from its second look on,
    which our Content Security Policy forbids.
    """
    wait_for(lambda: page.evaluate(expression, arg), timeout_s)


def hides_text(page, selector="#main .scroll"):
    """What can only be read by moving a part of the page sideways: the first words of each such part."""
    wide = "(all) => all.filter((part) => part.scrollWidth > part.clientWidth)"
    return page.locator(selector).evaluate_all(f"{wide}.map((part) => part.innerText.slice(0, 60))")
