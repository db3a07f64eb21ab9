"""A small real identity provider, and the way through it and back. `provider` and `ada` become fixtures."""

import base64
import hashlib
import json
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from django.contrib.auth import get_user_model
from django.utils import timezone

from statuspage.models import Invitation, Member, Role

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


def provider(settings):
    """A fixture: the page knows this provider."""
    made = Provider()
    app = settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"][0]
    settings.SOCIALACCOUNT_PROVIDERS = {
        "openid_connect": {"OAUTH_PKCE_ENABLED": True, "APPS": [app | {"settings": {"server_url": made.url}}]}
    }
    yield made
    made.close()


def ada(db):
    """A fixture: an admin with a password."""
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
