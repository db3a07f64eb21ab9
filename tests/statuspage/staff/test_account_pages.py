"""The account pages in a real browser: usable by all, quiet under the policy, with a real passkey."""

import base64
import time

import pytest
from allauth.account.utils import user_pk_to_url_str
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import make_password

from statuspage.models import Member, Role

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
    page.get_by_role("heading", name="Confirm it's you").wait_for()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Continue").click()


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
    page.get_by_text("Can't scan it?").click()
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
