"""The account pages in a real browser: usable by all, quiet under the policy, with a real passkey."""

import base64
import time

import pytest
from allauth.account.utils import user_pk_to_url_str
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import make_password
from django.utils import timezone

from statuspage.models import Audit, Invitation, Member, Role
from tests.statuspage.test_browser import RULES

PASSWORD = "correct-horse-battery-9"


@pytest.fixture
def ada(transactional_db):
    user = get_user_model().objects.create(
        username="ada",
        email="ada@widgetify.example",
        password=make_password(PASSWORD, hasher="pbkdf2_sha256"),
    )
    Member.objects.appoint(user, Role.ADMIN)
    return user


def log_in(page, web):
    page.goto(f"{web.url}/accounts/login/?next=/accounts/2fa/")
    page.get_by_label("Name or email").fill("ada")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in", exact=True).click()


def prove(page):
    page.get_by_role("heading", name="Is it you?").wait_for()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Go on").click()


OUTSIDE = {
    "login": "/accounts/login/",
    "reset": "/accounts/password/reset/",
    "reset sent": "/accounts/password/reset/done/",
    "reset link": "/accounts/password/reset/key/1-x/",
    "reset done": "/accounts/password/reset/key/done/",
    "inactive": "/accounts/inactive/",
    "gone": "/accounts/invitation/x/",
}
INSIDE = {
    "password": "/accounts/password/change/",
    "factors": "/accounts/2fa/",
    "app": "/accounts/2fa/totp/activate/",
    "keys": "/accounts/2fa/webauthn/",
    "new key": "/accounts/2fa/webauthn/add/",
    "new codes": "/accounts/2fa/recovery-codes/generate/",
    "sessions": "/accounts/sessions/",
    "again": "/accounts/reauthenticate/",
    "people": "/console/people/",
    "audit": "/console/audit/",
}


def test_nobody_is_shut_out_of_the_account_pages(web, browser, ada):
    _, token = Invitation.objects.invite("bob@widgetify.example", Role.VIEWER, by=ada, now=timezone.now())
    outside = OUTSIDE | {"invitation": f"/accounts/invitation/{token}/"}
    Audit.objects.note(None, "x", "y", before={"title": "a"}, after={"title": "b"})
    axe, wrong = Axe(), []

    def look(page, pages, kind):
        for name, path in pages.items():
            page.goto(web.url + path)
            faults = axe.run(page, options=RULES).response["violations"]
            wrong.extend(f"{name} {kind}: {one['id']}: {one['nodes'][0]['html'][:120]}" for one in faults)
            if page.evaluate("document.documentElement.scrollWidth - innerWidth") > 0:
                wrong.append(f"{name} {kind} scrolls sideways")

    for scheme, width in (("light", 1280), ("dark", 390)):
        page = browser.open("about:blank", scheme=scheme, width=width)
        look(page, outside, f"{scheme} {width}")
        log_in(page, web)
        page.goto(f"{web.url}/accounts/2fa/totp/activate/")
        prove(page)
        look(page, INSIDE, f"{scheme} {width}")
        page.context.close()
    browser.faults = [fault for fault in browser.faults if "410" not in fault]
    assert wrong == [], "\n".join(wrong)


def test_a_wrong_password_is_told_on_top_and_heard(web, browser, ada):
    page = browser.open(f"{web.url}/accounts/login/")
    page.get_by_label("Name or email").fill("ada")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Log in", exact=True).click()
    summary = page.get_by_role("alert")
    summary.get_by_text("do not match").wait_for()
    assert summary.evaluate("e => e === document.activeElement")
    assert page.title().startswith("Error:")
    assert page.get_by_label("Name or email").input_value() == "ada"


def test_an_authenticator_app_from_the_code_on_the_screen(web, browser, ada):
    page = browser.open("about:blank")
    log_in(page, web)
    page.get_by_role("link", name="Add an app").click()
    prove(page)
    assert page.locator("img.qr").evaluate("e => e.complete && e.naturalWidth > 0")
    page.get_by_text("It cannot be scanned").click()
    secret = page.locator("details code").inner_text()
    page.get_by_label("Authenticator code").fill(
        format_hotp_value(hotp_value(secret, int(time.time()) // 30))
    )
    page.get_by_role("button", name="Add the app").click()
    page.get_by_role("heading", name="Recovery codes").wait_for()
    assert page.locator(".codes li").count() == 10


def plugged_in(page):
    """A key that verifies its user, in this browser: (the tools that drive it, its id)."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    made = devtools.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )
    return devtools, made["authenticatorId"]


def test_a_passkey_logs_in_without_a_password(web, browser, ada):
    page = browser.open("about:blank")
    plugged_in(page)
    log_in(page, web)
    page.goto(f"{web.url}/accounts/2fa/webauthn/add/")
    prove(page)
    page.get_by_label("Passwordless").check()
    page.get_by_role("button", name="Add the key").click()
    page.get_by_role("heading", name="Recovery codes").wait_for()
    assert Authenticator.objects.get(type="webauthn").wrap().is_passwordless
    page.get_by_role("button", name="Log out").click()
    page.goto(f"{web.url}/accounts/login/?next=/accounts/sessions/")
    page.get_by_role("button", name="Log in with a passkey").click()
    page.get_by_role("heading", name="Where you are logged in").wait_for()
    page.goto(f"{web.url}/accounts/login/")
    page.get_by_role("button", name="Log out").click()
    log_in(page, web)
    page.get_by_role("button", name="Use a passkey or security key").click()
    page.get_by_role("heading", name="Second factor").wait_for()


def test_a_second_factor_alone_opens_nothing(web, browser, ada):
    """Whatever the browser told of the key, and although it verifies its user and knows whose it is."""
    page = browser.open("about:blank")
    devtools, key = plugged_in(page)
    log_in(page, web)
    page.goto(f"{web.url}/accounts/2fa/webauthn/add/")
    prove(page)
    page.evaluate(
        """() => { const json = PublicKeyCredential.prototype.toJSON
        PublicKeyCredential.prototype.toJSON = function () { const found = json.call(this)
          found.clientExtensionResults = { credProps: { rk: true } }
          return found } }"""
    )
    page.get_by_role("button", name="Add the key").click()
    page.get_by_role("heading", name="Recovery codes").wait_for()
    assert Authenticator.objects.get(type="webauthn").wrap().is_passwordless is False
    page.get_by_role("button", name="Log out").click()
    (one,) = devtools.send("WebAuthn.getCredentials", {"authenticatorId": key})["credentials"]
    devtools.send("WebAuthn.clearCredentials", {"authenticatorId": key})
    handle = base64.b64encode(user_pk_to_url_str(ada).encode()).decode()
    kept = {**one, "isResidentCredential": True, "userHandle": handle}
    devtools.send("WebAuthn.addCredential", {"authenticatorId": key, "credential": kept})
    page.goto(f"{web.url}/accounts/login/?next=/accounts/sessions/")
    page.get_by_role("button", name="Log in with a passkey").click()
    page.get_by_text("This key is a second factor").wait_for()
    page.goto(f"{web.url}/accounts/sessions/")
    page.get_by_role("heading", name="Log in").wait_for()


def test_without_script_the_login_is_whole(web, browser, ada):
    page = browser.open("about:blank", script=False)
    log_in(page, web)
    page.get_by_role("heading", name="Second factor").wait_for()
