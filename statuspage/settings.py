"""Every setting, read from the environment once, with a default that works with nothing set.

`docs/settings.md` documents each; a test holds the two together.
"""

import json
import os
import secrets
from pathlib import Path
from urllib.parse import urlsplit

import dj_database_url
from environs import Env, EnvError

env = Env()
BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = Path(env.str("VAR_DIR", str(BASE_DIR / "var"))).resolve()


def _kept_secret() -> str:
    """A secret key of this installation's own, made once and readable by its owner alone."""
    path = VAR_DIR / "secret_key"
    try:
        VAR_DIR.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(50))
    except FileExistsError:
        pass
    except OSError:
        return secrets.token_urlsafe(50)  # `up` refuses to start with a sentence; others may read on
    return path.read_text() or secrets.token_urlsafe(50)


def _of_running() -> dict[str, str]:
    """What a running `manage.py up` chose in this folder: other commands find its broker by it."""
    try:
        found: dict[str, str] = json.loads((VAR_DIR / "running.json").read_text())
    except (OSError, ValueError):
        return {}
    return found


RUNNING = _of_running()

# Who we are
PAGE_NAME = env.str("PAGE_NAME", "Our services")
PAGE_TIME_ZONE = env.str("PAGE_TIME_ZONE", "UTC")
SUPPORT_URL = env.str("SUPPORT_URL", "")
HOST = env.str("HOST", "127.0.0.1")
PORT = env.int("PORT", 8000)
PUBLIC_URL = env.str("PUBLIC_URL", f"http://localhost:{PORT}").rstrip("/")

# Django
SECRET_KEY = env.str("SECRET_KEY", "") or _kept_secret()
DEBUG = env.bool("DEBUG", False)
IS_HTTPS = PUBLIC_URL.startswith("https://")
ALLOWED_HOSTS = env.list(
    "ALLOWED_HOSTS", [urlsplit(PUBLIC_URL).hostname or "localhost", "localhost", "127.0.0.1", "[::1]", HOST]
)
ROOT_URLCONF = "statuspage.urls"
WSGI_APPLICATION = "statuspage.wsgi.application"
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "components",
    "incidents",
    "subscribers",
    "statuspage",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "statuspage.middleware.HeadersMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "statuspage.middleware.FirstPasswordMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "statuspage.console.frame.frame",
            ]
        },
    }
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LANGUAGE_CODE = "en"
USE_TZ = True
TIME_ZONE = "UTC"
STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
WHITENOISE_MAX_AGE = 3600

# Data
DATABASE_URL = env.str("DATABASE_URL", "") or f"sqlite:///{VAR_DIR / 'statuspage.sqlite3'}"
if not DATABASE_URL.startswith(("sqlite://", "postgres://", "postgresql://")):
    raise EnvError(
        "DATABASE_URL names a database we do not know: write it as postgres://user:password@host/name."
    )
try:
    DATABASES = {"default": dict(dj_database_url.parse(DATABASE_URL))}
except ValueError as error:
    raise EnvError(
        f"DATABASE_URL cannot be read ({error}): write it as postgres://user:password@host/name."
    ) from error
if str(DATABASES["default"]["ENGINE"]).endswith("sqlite3"):
    # measured: without IMMEDIATE most transactions of four writers fail at once
    DATABASES["default"]["OPTIONS"] = {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;",
    }
else:
    DATABASES["default"]["OPTIONS"] = {
        "connect_timeout": 3,
        "application_name": f"statuspage {env.str('ROLE', 'shell')}",
        "options": "-c statement_timeout=15000 -c lock_timeout=5000"
        " -c idle_in_transaction_session_timeout=15000",
    }
REDIS_URL = env.str("REDIS_URL", RUNNING.get("REDIS_URL", "redis://127.0.0.1:6379/0"))
SNAPSHOT_DIR = VAR_DIR / "snapshots"
SNAPSHOT_EAGER = "statuspage.views.eager_paths"
STREAMS_MAX = env.int("STREAMS_MAX", 20_000)
CSP_SCRIPT_HASHES: list[str] = []
CHECK_RETENTION_DAYS = env.int("CHECK_RETENTION_DAYS", 14)
HOUR_RETENTION_DAYS = env.int("HOUR_RETENTION_DAYS", 400)

# Checks and incidents
EGRESS_ALLOW: list[str] = [
    network.strip()
    for network in env.str("EGRESS_ALLOW", RUNNING.get("EGRESS_ALLOW", "")).split(",")
    if network.strip()
]
REGION = env.str("REGION", "local")
WORKER_CONCURRENCY = env.int("WORKER_CONCURRENCY", 2)
WORKER_SILENCE_S = env.int("WORKER_SILENCE_S", 60)
JOIN_WINDOW_S = env.int("JOIN_WINDOW_S", 120)
SETTLE_S = env.int("SETTLE_S", 120)
PUBLISH_DELAY_S = env.int("PUBLISH_DELAY_S", 90)
UNDO_S = env.int("UNDO_S", 20)

# Security
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL] if IS_HTTPS else []
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = IS_HTTPS
SESSION_COOKIE_NAME = "__Host-session" if IS_HTTPS else "session"
CSRF_COOKIE_NAME = "__Host-csrf" if IS_HTTPS else "csrf"
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SECURE_HSTS_SECONDS = 31_536_000 if IS_HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = IS_HTTPS
SECURE_SSL_REDIRECT = False  # the proxy in front does that
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if IS_HTTPS else None
X_FRAME_OPTIONS = "DENY"

LOG_LEVEL = env.str("LOG_LEVEL", "INFO")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": "statuspage.logs.LineFormatter",
            "format": "%(asctime)s %(levelname)s %(name)s %(message)s",
        }
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
}
