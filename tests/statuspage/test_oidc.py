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
from cryptography.hazmat.primitives.asymmetric import rsa
from django.contrib.auth import get_user_model
from django.test import Client
from django.utils import timezone

from statuspage.accounts.door import Session
from statuspage.models import Audit, Invitation, Member, Role

LOGIN = "/accounts/oidc/sso/login/"
KEYS = {name: rsa.generate_private_key(public_exponent=65537, key_size=2048) for name in ("ours", "forged")}


class Provider(ThreadingHTTPServer):
    """Discovery, authorize (played by the test), token, userinfo, jwks."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.person = {"sub": "1", "email": "bob@widgetify.example", "email_verified": True, "name": "Bob"}
        self.key, self.audience, self.challenge, self.seen = "ours", "statuspage", "", []
        self.token_url = f"{self.url}/token"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.shutdown()
        self.server_close()

    def token(self, form):
        verifier = form.get("code_verifier", [""])[0]
        hashed = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        if hashed != self.challenge:
            return {"error": "invalid_grant"}
        claims = {**self.person, "iss": self.url, "aud": self.audience, "exp": int(time.time()) + 60}
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
            "/userinfo": self.server.person,
            "/jwks": {"keys": [_jwk()]},
        }
        self._say(answers[self.path])

    def do_POST(self):
        self.server.seen.append(self.path)
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self._say(self.server.token(form))

    def _say(self, body):
        text = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
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
