"""Single sign-on against a small real provider: who is let in, who is not, and what is never dialled."""

import base64
import hashlib
import json
import re
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from allauth.account.models import EmailAddress
from cryptography.hazmat.primitives.asymmetric import rsa
from django.contrib.auth import get_user_model
from django.test import Client
from django.utils import timezone

from statuspage.accounts import door
from statuspage.accounts.door import Session
from statuspage.models import Audit, Invitation, Member, Role
from tests import hostile
from tests.targets import Raw

LOGIN = "/accounts/oidc/sso/login/"
LEFT_OUT = object()
KEYS = {name: rsa.generate_private_key(public_exponent=65537, key_size=2048) for name in ("ours", "forged")}


class Provider(ThreadingHTTPServer):
    """Discovery, authorize (played by the test), token, userinfo, jwks."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.person = {"sub": "1", "email": "bob@widgetify.example", "email_verified": True, "name": "Bob"}
        self.signed = {}  # what the ID token says otherwise; LEFT_OUT takes a claim away
        self.key, self.audience, self.challenge, self.seen = "ours", "statuspage", "", []
        self.token_url, self.logins = f"{self.url}/token", []
        self.answers, self.content_type, self.says = 200, "application/json", {}
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.shutdown()
        self.server_close()

    def userinfo(self):
        return {name: value for name, value in self.person.items() if value is not LEFT_OUT}

    def token(self, form):
        verifier = form.get("code_verifier", [""])[0]
        hashed = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        if hashed != self.challenge:
            return {"error": "invalid_grant"}
        told = {**self.person, **self.signed}
        told = {name: value for name, value in told.items() if value is not LEFT_OUT}
        claims = {**told, "iss": self.url, "aud": self.audience, "exp": int(time.time()) + 60}
        signed = jwt.encode(claims, KEYS[self.key], algorithm="RS256", headers={"kid": "one"})
        return {"access_token": "let me in", "token_type": "Bearer", "id_token": signed}


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.seen.append(self.path)
        url = self.server.url
        answers = {
            "/.well-known/openid-configuration": {
                "issuer": url,
                "authorization_endpoint": f"{url}/authorize",
                "token_endpoint": self.server.token_url,
                "userinfo_endpoint": f"{url}/userinfo",
                "jwks_uri": f"{url}/jwks",
                "token_endpoint_auth_methods_supported": ["client_secret_basic"],
            },
            "/userinfo": self.server.userinfo(),
            "/jwks": {"keys": [_jwk()]},
        }
        self.server.logins.append(self.headers.get("authorization", ""))
        self._say(self.server.says.get(self.path, answers[self.path]))

    def do_POST(self):
        self.server.seen.append(self.path)
        self.server.logins.append(self.headers.get("authorization", ""))
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self._say(self.server.token(form))

    def _say(self, body):
        text = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(self.server.answers)
        if self.server.content_type:
            self.send_header("Content-Type", self.server.content_type)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


def _jwk():
    told = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(KEYS["ours"].public_key()))
    return {**told, "kid": "one", "use": "sig", "alg": "RS256"}


@pytest.fixture
def provider(settings):
    made = Provider()
    app = settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"][0]
    settings.SOCIALACCOUNT_PROVIDERS = {
        "openid_connect": {"OAUTH_PKCE_ENABLED": True, "APPS": [app | {"settings": {"server_url": made.url}}]}
    }
    yield made
    made.close()


@pytest.fixture
def ada(db):
    user = get_user_model().objects.create_user("ada", "ada@widgetify.example", "correct-horse-battery-9")
    Member.objects.appoint(user, Role.ADMIN)
    return user


def sign_on(client, provider, **changes):
    """Through the provider and back, as a browser goes."""
    page = client.post(LOGIN, {"next": "/console/audit/"}).content.decode()
    asked = re.search(r'href="(http://[^"]+/authorize[^"]+)"', page)[1].replace("&amp;", "&")
    query = {name: values[0] for name, values in parse_qs(urlsplit(asked).query).items()}
    assert query["redirect_uri"] == "https://status.widgetify.example/accounts/oidc/sso/login/callback/"
    assert query["code_challenge_method"] == "S256"
    provider.challenge = query["code_challenge"]
    return client.get(f"{LOGIN}callback/", {"code": "c", "state": query["state"], **changes})


def invite(ada, email="bob@widgetify.example", role=Role.EDITOR):
    Invitation.objects.invite(email, role, by=ada, now=timezone.now())


def is_in(client):
    return "_auth_user_id" in client.session


def test_an_invited_person_comes_in_and_again(client, ada, provider):
    invite(ada)
    assert sign_on(client, provider).headers["location"] == "/console/audit/"
    assert is_in(client)
    bob = get_user_model().objects.get(email="bob@widgetify.example")
    assert Member.objects.role_of(bob) is Role.EDITOR
    assert not Invitation.objects.open(timezone.now()).exists()
    assert "/jwks" in provider.seen
    other = Client()
    sign_on(other, provider)
    assert is_in(other)
    assert get_user_model().objects.count() == 2


def test_a_stranger_is_refused_and_nothing_is_made_for_them(client, ada, provider):
    answer = sign_on(client, provider)
    assert answer.status_code == 403
    assert "You are not invited" in answer.content.decode()
    assert not is_in(client)
    assert get_user_model().objects.count() == 1
    assert Audit.objects.filter(act="login.failed", thing="bob@widgetify.example").exists()


def test_an_address_the_provider_does_not_vouch_for_opens_nothing(client, ada, provider):
    invite(ada)
    provider.person["email_verified"] = False
    assert sign_on(client, provider).status_code == 403
    provider.person["email"] = "ada@widgetify.example"
    assert sign_on(client, provider).status_code == 403
    assert not is_in(client)


NOT_TRUE = ("false", "False", "0", "no", "unverified", "TRUE", "True", " true", "true ", "yes", "", 0, 1, 1.0,
            [], [True], ["true"], {}, {"value": True}, None, False, LEFT_OUT)  # fmt: skip
ADA = "ada@widgetify.example"


@pytest.fixture
def proven(ada):
    """Ada's address was proven here: a provider that vouches for it leads into her account."""
    EmailAddress.objects.create(user=ada, email=ADA, verified=True, primary=True)
    return ada


@pytest.mark.parametrize("value", [True, "true"])
def test_a_proven_address_leads_into_the_account(client, proven, provider, value):
    provider.person.update(email=ADA, email_verified=value)
    assert sign_on(client, provider).status_code == 302
    assert client.session["_auth_user_id"] == str(proven.pk)


@pytest.mark.parametrize("value", NOT_TRUE)
def test_what_is_not_true_proves_no_address_of_a_member(client, proven, provider, value):
    provider.person.update(email=ADA, email_verified=value)
    assert sign_on(client, provider).status_code == 403
    assert not is_in(client)


@pytest.mark.parametrize("value", NOT_TRUE)
def test_what_is_not_true_uses_up_no_invitation(client, ada, provider, value):
    invite(ada)
    provider.person["email_verified"] = value
    assert sign_on(client, provider).status_code == 403
    assert Invitation.objects.open(timezone.now()).exists()
    assert get_user_model().objects.count() == 1


@pytest.mark.parametrize(
    ("userinfo", "signed"),
    [
        ({"email_verified": "false"}, {"email_verified": False}),  # Amazon Cognito's shape
        ({"email_verified": "true"}, {"email_verified": False}),
        ({"email_verified": True}, {"email_verified": "False"}),
        ({"email_verified": True}, {"email_verified": None}),
        ({"email_verified": "false"}, {"email_verified": True}),
        ({"email_verified": LEFT_OUT}, {"email_verified": LEFT_OUT}),
        ({"email_verified": True}, {"email": "mallory@widgetify.example"}),
        ({"email": "mallory@widgetify.example"}, {"email": ADA}),
        ({"email": [ADA]}, {}),
        ({"email": {"value": ADA}}, {}),
        ({"email": "mallory@widgetify.example", "emails": [ADA]}, {"emails": [ADA]}),
        ({"email": LEFT_OUT, "emails": [{"value": ADA, "verified": True}]}, {}),
        ({"email": LEFT_OUT}, {"email_verified": False, "email": ADA}),
        ({"email": f"{ADA},mallory@widgetify.example"}, {}),
        ({"email": f"Ada <{ADA}>"}, {}),
        ({"email": "\uff41da@widgetify.example"}, {}),  # a wide a, which only looks like hers
    ],
)
def test_where_token_and_userinfo_differ_the_stricter_counts(client, proven, provider, userinfo, signed):
    provider.person.update({"email": ADA} | userinfo)
    provider.signed = signed
    assert sign_on(client, provider).status_code == 403
    assert not is_in(client)


@pytest.mark.parametrize(
    ("userinfo", "signed"),
    [
        ({"email_verified": "true"}, {"email_verified": True}),
        ({}, {"email": LEFT_OUT, "email_verified": LEFT_OUT}),
        ({"email": LEFT_OUT, "email_verified": LEFT_OUT}, {"email": ADA, "email_verified": True}),
        ({"email": "Ada@Widgetify.example"}, {}),
    ],
)
def test_one_of_them_may_be_silent_about_the_address(client, proven, provider, userinfo, signed):
    provider.person.update({"email": ADA} | userinfo)
    provider.signed = signed
    assert sign_on(client, provider).status_code == 302
    assert client.session["_auth_user_id"] == str(proven.pk)


@pytest.mark.parametrize("userinfo", [{"sub": "2"}, {"sub": LEFT_OUT}, {"sub": ""}, {"sub": ["1"]}])
def test_a_userinfo_of_somebody_else_is_refused(client, proven, provider, userinfo):
    provider.signed = {"sub": "1"}
    provider.person.update({"email": ADA} | userinfo)
    assert sign_on(client, provider).status_code == 401
    assert not is_in(client)


def test_an_address_that_was_only_typed_here_leads_into_no_account(client, ada, provider):
    EmailAddress.objects.create(user=ada, email="ada.l@widgetify.example", verified=False, primary=True)
    for email in (ADA, "ada.l@widgetify.example"):
        provider.person["email"] = email
        assert sign_on(client, provider).status_code == 403
    assert not is_in(client)


@pytest.mark.parametrize("value", [False, "false", LEFT_OUT])
def test_a_newcomer_does_not_bring_an_unproven_address(client, proven, provider, settings, value):
    settings.OIDC_ROLE = "viewer"
    provider.person.update(email=ADA, email_verified=value, name=["Ada"], preferred_username={"a": 1})
    assert sign_on(client, provider).status_code == 302
    newcomer = get_user_model().objects.exclude(pk=proven.pk).get()
    assert newcomer.email == ""
    assert not EmailAddress.objects.filter(user=newcomer).exists()
    assert (
        Client().post("/accounts/login/", {"login": ADA, "password": "correct-horse-battery-9"}).status_code
        == 302
    )


def test_newcomers_get_the_role_of_the_settings(client, ada, provider, settings):
    settings.OIDC_ROLE = "viewer"
    provider.person["preferred_username"] = "ada@widgetify.example"
    sign_on(client, provider)
    bob = get_user_model().objects.get(email="bob@widgetify.example")
    assert Member.objects.role_of(bob) is Role.VIEWER
    assert "@" not in bob.username


def test_whoever_was_shut_out_stays_out(client, ada, provider):
    invite(ada)
    sign_on(client, provider)
    Member.objects.shut_out(get_user_model().objects.get(email="bob@widgetify.example"))
    again = Client()
    assert sign_on(again, provider).headers["location"] == "/accounts/inactive/"
    assert not is_in(again)


@pytest.mark.parametrize("lie", [{"key": "forged"}, {"audience": "somebody else"}])
def test_a_forged_token_is_refused(client, ada, provider, lie):
    invite(ada)
    for name, value in lie.items():
        setattr(provider, name, value)
    answer = sign_on(client, provider)
    assert answer.status_code == 401
    assert not is_in(client)


def test_a_login_somebody_else_began_is_refused(client, ada, provider):
    invite(ada)
    assert sign_on(client, provider, state="stolen").status_code == 401
    assert client.get(f"{LOGIN}callback/", {"code": "c"}).status_code == 401
    assert not is_in(client)


def test_it_begins_with_a_form_of_ours(client, ada, provider):
    assert client.get(LOGIN).status_code == 405
    assert client.post(LOGIN + "?process=connect").status_code == 403
    assert client.post("/accounts/oidc/other/login/").status_code == 404
    assert provider.seen == []


@pytest.fixture
def dialled(monkeypatch):
    """Every address a socket was really connected to."""
    made = []
    theirs = socket.socket.connect

    def connect(self, address):
        made.append(address)
        return theirs(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect)
    return made


def test_a_denied_address_is_never_dialled(client, ada, provider, settings, dialled):
    settings.EGRESS_ALLOW = []
    answer = client.post(LOGIN)
    assert answer.status_code == 401
    assert "Your provider did not answer" in answer.content.decode()
    assert [one for one in dialled if one[:1] == ("127.0.0.1",)] == []
    assert provider.seen == []


def test_nor_is_one_the_provider_sends_us_to(client, ada, provider, settings, dialled):
    invite(ada)
    settings.EGRESS_ALLOW = ["127.0.0.1/32"]
    provider.token_url = "http://127.9.9.9:6379/token"
    assert sign_on(client, provider).status_code == 401
    assert {one[0] for one in dialled if isinstance(one, tuple)} <= {"127.0.0.1"}


@pytest.mark.parametrize("url", ["http://169.254.169.254/", "http://[::ffff:127.0.0.1]/", "http://2130706433/",
                                 "http://0x7f.1/", "http://localhost/", "http://[::1]/"])  # fmt: skip
def test_no_spelling_gets_past_the_door(settings, dialled, url):
    settings.EGRESS_ALLOW = []
    with pytest.raises(OSError, match="private or reserved"):
        Session().get(url)
    assert dialled == []


def test_the_secret_goes_along_as_the_provider_asks(client, ada, provider):
    invite(ada)
    assert sign_on(client, provider).status_code == 302
    secret = base64.b64encode(b"statuspage:between us").decode()
    assert [one for one in provider.logins if one] == [f"Basic {secret}", "Bearer let me in"]


def test_a_token_without_a_content_type_is_read(client, ada, provider):
    invite(ada)
    provider.content_type = ""
    assert sign_on(client, provider).headers["location"] == "/console/audit/"


@pytest.mark.parametrize("said", [b"<html>", b"", b"[" * 100_000, b"\xff\xfe"])
def test_what_is_not_json_is_a_page_and_no_error(client, ada, provider, said):
    invite(ada)
    provider.says["/userinfo"] = said
    answer = sign_on(client, provider)
    assert answer.status_code == 401
    assert not is_in(client)
    provider.says = {"/.well-known/openid-configuration": said}
    assert client.post(LOGIN).status_code == 401


def test_a_provider_in_trouble_is_a_page_and_no_error(client, ada, provider):
    provider.answers = 503
    answer = client.post(LOGIN)
    assert answer.status_code == 401
    assert "Your provider did not answer" in answer.content.decode()


@pytest.mark.parametrize("place", ["ftp://127.0.0.1/token", "", 5, "http://a/\ud800", "http://127.0.0.1:0/"])
def test_an_odd_address_of_the_provider_is_a_page_and_no_error(client, ada, provider, place):
    invite(ada)
    provider.token_url = place
    assert sign_on(client, provider).status_code == 401


def test_a_provider_that_drips_holds_a_thread_no_longer_than_the_deadline(client, ada, provider, monkeypatch):
    monkeypatch.setattr(door, "DEADLINE_S", 1.0)
    with Raw(hostile.drip) as slow:
        provider.token_url = f"http://127.0.0.1:{slow.port}/token"
        invite(ada)
        began = time.monotonic()
        assert sign_on(client, provider).status_code == 401
        assert time.monotonic() - began < 4


def test_a_larger_answer_than_a_provider_has_is_not_read(client, ada, provider):
    provider.says["/.well-known/openid-configuration"] = b" " * (door.MOST_BYTES + 1)
    assert client.post(LOGIN).status_code == 401
