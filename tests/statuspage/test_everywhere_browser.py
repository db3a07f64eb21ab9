"""Nobody is shut out of any page there is: axe-core at every address, in both themes and widths.

The addresses come from the table of URLs: a new one is visited without being named here, and one that
needs a word, a person or a reason to show nothing fails until it has it.
"""

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal import auth as totp

from statuspage.staff.access import PUBLIC, marked_views, role_needed
from tests.everything import address, everything
from tests.looking import PASSWORD, staff
from tests.statuspage.staff.test_account_pages import plugged_in
from tests.whole import wait_for

# a GET of these leads elsewhere
LEADS_ON = {
    "favicon.ico",
    "console/alerts/confirm/<str:token>",
    "accounts/2fa/webauthn/login/",
    "accounts/oidc/<provider_id>/login/",
}
# nothing is there without a setting, or when asked by a browser
NOT_THERE = {
    ".well-known/security.txt",
    "metrics",  # only with METRICS_TOKEN
    "hooks/mail/<slug:provider>/tracking/",
    "accounts/oidc/<provider_id>/login/callback/",
    "console/incidents/<slug:public_id>/undo/<int:number>",
}
# what somebody mailed, in a sandbox where no script runs; letters of our own: test_mail_browser
SEALED = "console/subscribers/mails/<str:name>/html"
FACTOR = "accounts/2fa/"
FIRST_FACTOR = "accounts/2fa/totp/activate/"  # for somebody who has none yet
MID_LOGIN = "accounts/2fa/authenticate/"
PARTS = ("console/incidents", "console/components", "console/subscribers", "console/probes")  # of even length


def visit(looking, patterns, words):
    """Every page of these addresses; what is none is passed over."""
    for pattern in patterns:
        path = address(pattern, words)
        answer = looking.page.context.request.get(looking.web.url + path, max_redirects=0)
        is_page = answer.headers.get("content-type", "").startswith("text/html")
        is_file = answer.status in (200, 503) and not is_page  # 503: no worker, says /healthz
        if answer.status == 405 or is_file:
            continue
        if 300 <= answer.status < 400 and pattern in LEADS_ON:
            continue
        if answer.status == 404 and pattern in NOT_THERE:
            continue
        if pattern == SEALED:
            assert "sandbox" in answer.headers["content-security-policy"]
        elif answer.ok:
            looking.at(path, pattern)
            assert "/login/" not in looking.page.url or pattern == "accounts/login/", pattern
        else:
            looking.wrong.append(f"{pattern}: {answer.status}, seen by nobody")


def patterns(is_ours):
    return [pattern for pattern, view in marked_views() if is_ours(pattern, role_needed(view) or PUBLIC)]


def test_every_public_page(looking):
    words = everything(looking.web.folder)
    looking.web.catch_up()
    visit(looking, patterns(lambda path, mark: mark == PUBLIC and path != MID_LOGIN), words)


@pytest.mark.parametrize("part", [*PARTS, "the rest"])
def test_every_page_of_staff(looking, part):
    words = everything(looking.web.folder)
    looking.web.catch_up()
    page = looking.page
    looking.log_in(staff("ada"), f"/{FIRST_FACTOR}")
    page.get_by_role("heading", name="Confirm it's you").wait_for()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url(f"**/{FIRST_FACTOR}")

    def is_ours(path, mark):
        if mark == PUBLIC or (path.startswith(FACTOR) and path != FIRST_FACTOR):
            return False
        return path.startswith(part) if part in PARTS else not path.startswith(PARTS)

    visit(looking, patterns(is_ours), words)


def test_every_page_of_a_second_factor(looking):
    words = everything(looking.web.folder)
    page, zed = looking.page, staff("zed")
    totp.TOTP.activate(zed, totp.generate_totp_secret())
    codes = RecoveryCodes.activate(zed).get_unused_codes()
    plugged_in(page)
    looking.log_in(zed, "/accounts/2fa/webauthn/add/")
    page.get_by_role("heading", name="One more step").wait_for()
    looking.here(MID_LOGIN)
    page.get_by_label("Code").fill(codes[1])
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("heading", name="Confirm it's you").wait_for()
    page.goto(f"{looking.web.url}/accounts/2fa/reauthenticate/?next=/accounts/2fa/webauthn/add/")
    page.get_by_label("Code").fill(codes[0])
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Add the key").click()
    key = wait_for(lambda: Authenticator.objects.filter(user=zed, type="webauthn").first())
    words = {"webauthn/keys/<int:pk>": key.pk} | words
    seen = (MID_LOGIN, FIRST_FACTOR)
    visit(looking, patterns(lambda path, _: path.startswith(FACTOR) and path not in seen), words)
