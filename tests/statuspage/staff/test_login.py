"""The way in: guesses are few, sessions end when they must, links lead home."""

import re
import time
from base64 import b32decode

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value
from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.core import mail
from django.core.cache import cache
from django.db import DatabaseError
from django.test import Client
from django.urls import NoReverseMatch, reverse

from statuspage.models import Audit, Member, Role, Throttle
from statuspage.staff.access import marked_views
from statuspage.staff.login.throttle import ThrottleCache
from tests.faults.faults import length

PASSWORD = "correct-horse-battery-9"
LOGIN = "/accounts/login/"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


@pytest.fixture
def ada(db):
    user = get_user_model().objects.create_user("ada", "ada@widgetify.example", PASSWORD)
    Member.objects.appoint(user, Role.ADMIN)
    return user


@pytest.fixture
def checks(monkeypatch):
    """Every password that was really compared, in order."""
    made = []
    theirs = AbstractBaseUser.check_password

    def counted(self, password):
        made.append(password)
        return theirs(self, password)

    monkeypatch.setattr(AbstractBaseUser, "check_password", counted)
    return made


@pytest.fixture
def clock(monkeypatch):
    """Lets time pass for the limits."""
    theirs = time.time
    passed = [0.0]
    monkeypatch.setattr(time, "time", lambda: theirs() + passed[0])

    def wait(seconds):
        passed[0] += seconds

    return wait


def log_in(client, password=PASSWORD, *, login="ada", path=LOGIN, **more):
    return client.post(path, {"login": login, "password": password}, **more)


def is_in(client):
    return "_auth_user_id" in client.session and client.get("/accounts/2fa/").status_code == 200


def code_now():
    return format_hotp_value(hotp_value(SECRET, int(time.time()) // 30))


def protect(user):
    assert b32decode(SECRET)
    TOTP.activate(user, SECRET)


def test_a_hundred_guesses_from_one_place_are_ten_a_minute_and_five_a_person(client, ada, checks, clock):
    for number in range(length(100, 1000)):
        log_in(client, f"guess {number}")
    assert len(checks) == 5
    others = length(30, 100)
    for name in range(others):
        get_user_model().objects.create_user(f"person{name}", password="x" * 12)
    clock(301)
    checks.clear()
    answers = [log_in(client, "guess", login=f"person{name}") for name in range(others)]
    assert len(checks) == 10
    assert answers[-1].status_code == 429
    assert "Too many attempts" in answers[-1].content.decode()


def test_a_hundred_places_together_guess_sixty_times_an_hour(client, ada, checks):
    for number in range(length(120, 300)):
        log_in(client, f"guess {number}", REMOTE_ADDR=f"9.9.9.{number % 100 + 1}")
    assert len(checks) == 60


def test_one_place_guesses_ten_times_an_hour(client, ada, checks, clock):
    for _ in range(12):
        for number in range(7):
            log_in(client, f"guess {number}")
        clock(290)
    assert len(checks) == 10


def test_no_storm_of_guesses_keeps_a_known_browser_out(ada, checks):
    known, new = Client(REMOTE_ADDR="7.7.7.7"), Client(REMOTE_ADDR="7.7.7.8")
    assert log_in(known).status_code == 302
    cookie = known.cookies["known_browser"]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/accounts/")
    for number in range(length(130, 140)):  # from everywhere, and from the owner's own address too
        log_in(Client(), f"guess {number}", REMOTE_ADDR=f"9.9.9.{number}" if number % 2 else "7.7.7.7")
    assert known.post("/accounts/reauthenticate/", {"password": PASSWORD}).status_code == 302
    known.post("/accounts/logout/")
    assert not is_in(known)
    assert log_in(known).status_code == 302
    assert is_in(known)
    assert log_in(new).status_code == 429  # the limit for everybody else is used up


def test_a_known_browser_guesses_no_faster(ada, checks):
    known = Client()
    log_in(known)
    known.post("/accounts/logout/")
    checks.clear()
    answers = [log_in(known, f"guess {number}", REMOTE_ADDR=f"9.9.{number}.1") for number in range(30)]
    assert len(checks) == 5
    assert answers[-1].status_code == 429


@pytest.mark.parametrize("change", ["person", "mark", "signature", "empty"])
def test_a_cookie_of_another_or_a_forged_one_is_no_fresh_start(ada, checks, change):
    bob = get_user_model().objects.create_user("bob", password=PASSWORD)
    assert bob.pk != ada.pk
    guesser = Client()
    log_in(guesser, login="bob")
    guesser.post("/accounts/logout/")
    mine = guesser.cookies["known_browser"].value
    _, rest = mine.split(":", 1)
    forged = {
        "person": mine,  # bob's own, for ada
        "mark": f"{ada.pk}:{rest}",
        "signature": f"{ada.pk}:x:{rest.rsplit(':', 1)[1]}",
        "empty": "",
    }
    checks.clear()
    for number in range(30):
        guesser.cookies["known_browser"] = forged[change]
        log_in(guesser, f"guess {number}")
    assert len(checks) == 5


def test_a_name_and_its_address_are_one_person(client, ada, checks):
    for number in range(length(75, 100)):
        where = f"9.9.9.{number + 1}"
        name = ("ada", "ADA", "ada@widgetify.example", "Ada@Widgetify.example")[number % 4]
        log_in(client, "guess", login=name, REMOTE_ADDR=where, HTTP_HOST=f"host{number}.example")
    assert len(checks) == 60


def test_a_forged_forwarding_header_is_no_fresh_start(client, db, checks):
    for number in range(length(25, 50)):
        get_user_model().objects.create_user(f"person{number}", password="x" * 12)
        log_in(client, "guess", login=f"person{number}", HTTP_X_FORWARDED_FOR=f"8.8.{number}.8")
    assert len(checks) == 10


def test_behind_a_trusted_proxy_only_its_own_word_counts(client, db, checks, settings):
    settings.TRUSTED_PROXIES = 1
    for number in range(length(25, 50)):
        get_user_model().objects.create_user(f"person{number}", password="x" * 12)
        forged = f"8.8.{number}.8, 5.5.5.5"
        log_in(client, "guess", login=f"person{number}", HTTP_X_FORWARDED_FOR=forged)
    assert len(checks) == 10
    log_in(client, "guess", login="person5", HTTP_X_FORWARDED_FOR="5.5.5.5, 6.6.6.6")
    assert len(checks) == 11


def test_the_admin_has_no_login_of_its_own(client, ada, checks):
    answer = client.get("/admin/login/?next=/admin/incidents/")
    assert answer.headers["location"] == "/accounts/login/?next=%2Fadmin%2Fincidents%2F"
    for number in range(length(20, 100)):
        client.post("/admin/login/", {"username": "ada", "password": f"guess {number}"})
    assert checks == []
    for number in range(length(20, 100)):
        log_in(client, f"guess {number}", path="/accounts/login/?next=/admin/")
    assert len(checks) == 5


def test_asking_for_the_password_again_inside_is_limited_too(client, ada, checks):
    log_in(client)
    checks.clear()
    for number in range(length(25, 100)):
        client.post("/accounts/reauthenticate/", {"password": f"guess {number}"})
    assert len(checks) <= 10


def test_guesses_from_one_place_do_not_keep_the_owner_out_at_another(ada, clock):
    attacker, owner = Client(REMOTE_ADDR="9.9.9.9"), Client(REMOTE_ADDR="7.7.7.7")
    for _ in range(10):
        for number in range(10):
            log_in(attacker, f"guess {number}")
        clock(299)
    assert log_in(owner).status_code == 302
    assert is_in(owner)


def test_what_cannot_be_counted_is_refused(client, ada, checks, monkeypatch):
    monkeypatch.setattr(ThrottleCache, "_base_set", lambda self, mode, *_: mode == "add")
    client.raise_request_exception = False
    assert log_in(client).status_code == 500
    assert checks == []
    with pytest.raises(DatabaseError):
        cache.set("x", 1)


def test_counters_outlive_a_flood_and_expired_ones_go(client, ada, checks, monkeypatch):
    monkeypatch.setattr(cache._connections[cache._alias], "_max_entries", 20, raising=False)
    for number in range(5):
        log_in(client, f"guess {number}")
    for number in range(60):
        cache.set(f"flood{number}", 1, 60)
        cache.set(f"old{number}", 1, -5)
    log_in(client, "guess")
    assert len(checks) == 5
    assert Throttle.objects.filter(cache_key__contains="flood").count() == 60
    assert Throttle.objects.filter(cache_key__contains="old").count() <= 1


def test_the_session_id_changes_at_the_login(client, ada):
    client.get(LOGIN)
    session = client.session
    session["planted"] = True
    session.save()
    planted = session.session_key
    log_in(client)
    assert is_in(client)
    assert client.session.session_key != planted


@pytest.fixture
def two(ada):
    """The same person at two places, with what is needed to change something at the first."""
    here, there = Client(), Client()
    for one in (here, there):
        log_in(one)
        assert is_in(one)
    here.post("/accounts/reauthenticate/", {"password": PASSWORD})
    return here, there


def test_a_new_password_ends_the_other_sessions(two):
    here, there = two
    new = "another-horse-battery-9"
    here.post("/accounts/password/change/", {"oldpassword": PASSWORD, "password1": new, "password2": new})
    assert is_in(here)
    assert not is_in(there)


@pytest.mark.django_db(transaction=True)
def test_a_new_or_a_removed_factor_ends_the_other_sessions(two):
    here, there = two
    here.get("/accounts/2fa/totp/activate/")
    secret = here.session["mfa.totp.secret"]
    code = format_hotp_value(hotp_value(secret, int(time.time()) // 30))
    assert here.post("/accounts/2fa/totp/activate/", {"code": code}).status_code == 302
    assert Authenticator.objects.filter(type="totp").exists()
    assert is_in(here)
    assert not is_in(there)
    log_in(there)
    codes = Authenticator.objects.get(type="recovery_codes").wrap().get_unused_codes()
    there.post("/accounts/2fa/authenticate/", {"code": codes[0]})
    assert is_in(there)
    here.post("/accounts/2fa/totp/deactivate/")
    assert not Authenticator.objects.exists()
    told = set(Audit.objects.filter(act__startswith="factor").values_list("act", flat=True))
    assert told >= {"factor.add", "factor.remove"}
    assert is_in(here)
    assert not is_in(there)


def test_a_code_of_the_app_works_once(client, ada):
    protect(ada)
    second = Client()
    for one in (client, second):
        assert log_in(one).headers["location"] == "/accounts/2fa/authenticate/"
        assert not is_in(one)
    code = code_now()
    assert client.post("/accounts/2fa/authenticate/", {"code": code}).status_code == 302
    assert is_in(client)
    assert second.post("/accounts/2fa/authenticate/", {"code": code}).status_code == 200
    assert not is_in(second)


def test_codes_cannot_be_tried_out(client, ada):
    protect(ada)
    log_in(client)
    answers = [client.post("/accounts/2fa/authenticate/", {"code": "000000"}).status_code for _ in range(7)]
    assert answers == [200] * 5 + [429] * 2


ELSEWHERE = (
    "//evil.example",
    "\\\\evil.example",
    "/\\evil.example",
    "https:evil.example",
    "https://evil.example/",
    "javascript:alert(1)",
    "///evil.example",
)
NOT_HERE = (
    "account_signup",
    "account_email",
    "account_set_password",
    "account_confirm_email",
    "socialaccount_signup",
    "socialaccount_connections",
)


@pytest.mark.parametrize("target", ELSEWHERE)
def test_a_login_never_leads_off_this_page(ada, target):
    client = Client()
    answer = client.post(LOGIN, {"login": "ada", "password": PASSWORD, "next": target})
    assert answer.status_code == 302
    assert answer.headers["location"] in ("/console/", "/admin/")
    assert client.get(LOGIN, {"next": target}).headers["location"] in ("/console/", "/admin/")
    assert "evil" not in client.post("/accounts/logout/", {"next": target}).headers["location"]


def test_a_login_leads_back_to_where_one_was_going(client, ada):
    asked = client.get("/console/audit/?words=x").headers["location"]
    assert asked == "/accounts/login/?next=%2Fconsole%2Faudit%2F%3Fwords%3Dx"
    answer = client.post(asked, {"login": "ada", "password": PASSWORD, "next": "/console/audit/?words=x"})
    assert answer.headers["location"] == "/console/audit/?words=x"


@pytest.mark.parametrize("host", ["evil.example", "status.widgetify.example:1@evil.example", "localhost"])
def test_a_forged_host_does_not_get_into_a_mail(client, ada, host, settings):
    settings.ALLOWED_HOSTS = ["*"]
    client.post(
        "/accounts/password/reset/",
        {"email": "ada@widgetify.example"},
        HTTP_HOST=host,
        HTTP_X_FORWARDED_HOST="evil.example",
    )
    text = "".join(str(one.message()) for one in mail.outbox)
    links = re.findall(r"https?://[^\s]+", text)
    assert all(link.startswith("https://status.widgetify.example/accounts/") for link in links)
    assert "evil" not in text


def test_a_forgotten_password_is_reset_by_a_link_that_works_once(client, ada):
    assert client.post("/accounts/password/reset/", {"email": "ada@widgetify.example"}).status_code == 302
    (letter,) = mail.outbox
    link = re.search(r"https://status.widgetify.example(\S+)", letter.body)[1]
    form = client.get(link).headers["location"]
    new = "another-horse-battery-9"
    assert client.post(form, {"password1": new, "password2": new}).status_code == 302
    assert log_in(Client(), new).status_code == 302
    assert "This link has already been used" in Client().get(link, follow=True).content.decode()


def test_nobody_learns_who_has_an_account(client, ada):
    known = client.post("/accounts/password/reset/", {"email": "ada@widgetify.example"})
    strange = client.post("/accounts/password/reset/", {"email": "bob@widgetify.example"})
    assert known.headers["location"] == strange.headers["location"]
    assert len(mail.outbox) == 1


def staff_forms():
    """Each of our addresses that takes a form, filled in."""
    for path, _ in marked_views():
        if path.startswith(("accounts/", "console/")):
            plain = re.sub(r"\(\?P<uidb36>.*\$", "1-set-password/", path.replace("^", ""))
            plain = re.sub(r"<int:[a-z]+>", "1", plain)
            plain = plain.replace("<provider_id>", "sso").replace("<str:token>", "x")
            yield "/" + re.sub(r"<[^>]+>", "x", plain)


@pytest.mark.parametrize("path", sorted(set(staff_forms())))
def test_no_form_is_accepted_from_another_site(ada, path):
    client = Client(enforce_csrf_checks=True)
    client.force_login(ada)
    assert client.post(path, {}, HTTP_ORIGIN="https://evil.example").status_code in (403, 405)


def test_logging_out_takes_a_form(client, ada):
    log_in(client)
    assert client.get("/accounts/logout/").status_code == 405
    assert is_in(client)
    assert client.post("/admin/logout/").status_code == 307
    client.post("/accounts/logout/")
    assert not is_in(client)


@pytest.mark.parametrize("name", NOT_HERE)
def test_what_is_not_in_the_small_table_is_not_there(name):
    with pytest.raises(NoReverseMatch):
        reverse(name)


def test_who_is_no_admin_does_not_get_into_djangos_admin(client, ada):
    Member.objects.appoint(get_user_model().objects.create_user("eve", password="x" * 12), Role.ADMIN)
    Member.objects.appoint(ada, Role.EDITOR)
    log_in(client)
    assert client.get("/admin/", follow=True).status_code == 403
    assert client.get("/console/people/").status_code == 403


def test_pages_behind_the_login_are_kept_nowhere(client, ada):
    log_in(client)
    assert client.get("/accounts/2fa/").headers["cache-control"].startswith(("private", "max-age=0"))
    assert "no-store" in client.get("/console/people/").headers["cache-control"]
