"""The program's own settings, on servers that this run started and will end.

TEST_DATABASE chooses the database: sqlite (a file, as in real life) or postgres.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

from tests import once
from tests.servers import PostgreSQL, Running, Valkey

SHARED, IS_FIRST = once.folder()
VAR = Path(tempfile.mkdtemp(prefix="own-", dir=SHARED))
atexit.register(shutil.rmtree, SHARED if IS_FIRST else VAR, ignore_errors=True)
(VAR / "static").mkdir()
VALKEY = Valkey()
atexit.register(VALKEY.close)
POSTGRES = None
if os.environ.get("TEST_DATABASE") == "postgres":
    POSTGRES = PostgreSQL() if IS_FIRST else Running(int(os.environ["TESTS_POSTGRES"]))
    if IS_FIRST:
        os.environ["TESTS_POSTGRES"] = str(POSTGRES.port)
        atexit.register(POSTGRES.close)

os.environ.update(
    VAR_DIR=str(VAR),
    REDIS_URL=VALKEY.url,
    DATABASE_URL=POSTGRES.url("postgres") if POSTGRES else "",
    PAGE_NAME="Widgetify",
    PUBLIC_URL="https://status.widgetify.example",
    EGRESS_ALLOW="127.0.0.0/8,::1/128",
    SUBSCRIBER_EGRESS_ALLOW="127.0.0.0/8,::1/128",
    PUSH_SERVICES="push.example,127.0.0.1",
    OIDC_NAME="Acme",
    OIDC_ISSUER="http://127.0.0.1:9",  # tests/oidc.py puts a real one in its place
    OIDC_CLIENT_ID="statuspage",
    OIDC_CLIENT_SECRET="between us",
)
for name in ("SECRET_KEY", "PAGE_TIME_ZONE", "SUPPORT_URL", "HOST", "PORT", "DEBUG", "ALLOWED_HOSTS"):
    os.environ.pop(name, None)

from statuspage.settings import *  # noqa: E402, F403
from statuspage.settings import DATABASES  # noqa: E402

if POSTGRES is None:
    DATABASES["default"]["TEST"] = {"NAME": str(VAR / "test.sqlite3")}
PASSWORD_HASHERS = [f"django.contrib.auth.hashers.{name}PasswordHasher" for name in ("MD5", "PBKDF2")]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
ALLOWED_HOSTS = ["*"]
SECURE_HSTS_SECONDS = 0
SELF_TEST = False  # who tests it, and the whole program, has it on
TELL_AFTER_S = 0  # who tests the bundling of messages sets it
