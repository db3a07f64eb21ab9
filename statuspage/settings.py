"""Every setting, read from the environment, with a default that works when nothing is set.

`docs/settings.md` documents each; a test holds the two together.
"""

import json
import os
import secrets
from pathlib import Path
from urllib.parse import unquote, urlsplit

import dj_database_url
from environs import Env, EnvError

from components.places import data_folder
from components.texts import one_line

env = Env()
BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = Path(env.str("VAR_DIR", "") or data_folder()).resolve()


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
        return secrets.token_urlsafe(50)  # `up` refuses to start, with a sentence; other commands can go on
    return path.read_text() or secrets.token_urlsafe(50)


def _of_running() -> dict[str, str]:
    """What a running `manage.py up` chose in this folder, by which other commands find its broker."""
    try:
        chosen: dict[str, str] = json.loads((VAR_DIR / "running.json").read_text())
    except (OSError, ValueError):
        return {}
    return chosen


RUNNING = _of_running()


def _parts(text: str) -> list[str]:
    """The parts between commas, without spaces."""
    return [part.strip() for part in text.split(",") if part.strip()]


# The page's identity
PAGE_NAME = one_line(env.str("PAGE_NAME", "")) or "Our services"
PAGE_TIME_ZONE = env.str("PAGE_TIME_ZONE", "UTC")
SUPPORT_URL = env.str("SUPPORT_URL", "")
SECURITY_CONTACT = env.str("SECURITY_CONTACT", "")
HOST = env.str("HOST", "127.0.0.1")
PORT = env.int("PORT", 8000)
PUBLIC_URL = env.str("PUBLIC_URL", f"http://localhost:{PORT}").rstrip("/")
try:
    PUBLIC_HOST = urlsplit(PUBLIC_URL).hostname or "localhost"
except ValueError as error:
    raise EnvError(
        "PUBLIC_URL cannot be read: write the full address, such as https://status.example.org."
    ) from error

# Django
SECRET_KEY = env.str("SECRET_KEY", "") or _kept_secret()
SECRET_KEY_FALLBACKS = [key.strip() for key in env.str("SECRET_KEY_FALLBACKS", "").split(",") if key.strip()]
DEBUG = env.bool("DEBUG", False)
IS_HTTPS = PUBLIC_URL.startswith("https://")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", [PUBLIC_HOST, "localhost", "127.0.0.1", "[::1]", HOST])
ROOT_URLCONF = "statuspage.urls"
WSGI_APPLICATION = "statuspage.wsgi.application"
INSTALLED_APPS = [
    "statuspage",  # first: of two commands of one name the first is run, and ours write down who was changed
    "statuspage.apps.StaffAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "components",
    "incidents",
    "subscribers",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "statuspage.requests.log_context.LogContextMiddleware",
    "statuspage.requests.conventions.MannersMiddleware",
    "statuspage.staff.middleware.TextMiddleware",
    "statuspage.staff.middleware.HeadersMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "statuspage.staff.middleware.AccessMiddleware",
    "statuspage.staff.middleware.FirstPasswordMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],  # in an installed package they are in the app of that name
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "statuspage.console.navigation.frame",
                "statuspage.requests.idempotency.as_context",
                "statuspage.staff.login.context.account",
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
AUTHENTICATION_BACKENDS = ["statuspage.staff.login.backends.PasswordBackend"]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "/console/"  # the adapter looks whether it is there
LOGOUT_REDIRECT_URL = "login"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LANGUAGE_CODE = "en"
USE_TZ = True
TIME_ZONE = "UTC"
STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "statuspage.ops.static_files.StaticFiles"},
}
WHITENOISE_MAX_AGE = 3600

# Data
DATABASE_URL = env.str("DATABASE_URL", "") or f"sqlite:///{VAR_DIR / 'statuspage.sqlite3'}"
if not DATABASE_URL.startswith(("sqlite://", "postgres://", "postgresql://")):
    raise EnvError(
        "DATABASE_URL names an unsupported database: write it as postgres://user:password@host/name."
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
# counters of guesses, used codes: in the database, since staff must get in while Redis is dead
CACHES = {
    "default": {
        "BACKEND": "statuspage.staff.login.throttle.ThrottleCache",
        "LOCATION": "statuspage_throttle",
        "OPTIONS": {"MAX_ENTRIES": 1_000},  # above it each write takes expired rows out
    }
}
REDIS_URL = env.str("REDIS_URL", "") or RUNNING.get("REDIS_URL", "redis://127.0.0.1:6379/0")
SNAPSHOT_DIR = VAR_DIR / "snapshots"
SNAPSHOT_EAGER = "statuspage.public.views.eager_paths"
STREAMS_MAX = env.int("STREAMS_MAX", 20_000)
STREAMS_PER_ADDRESS = env.int("STREAMS_PER_ADDRESS", 500)
CSP_SCRIPT_HASHES: list[str] = []
CHECK_RETENTION_DAYS = env.int("CHECK_RETENTION_DAYS", 14)
HOUR_RETENTION_DAYS = env.int("HOUR_RETENTION_DAYS", 400)
SIGNAL_RETENTION_DAYS = env.int("SIGNAL_RETENTION_DAYS", 30)
SPOOL_DIR = VAR_DIR / "spool"  # reports to probes that the database does not have yet
SPOOL_MAX_MB = env.int("SPOOL_MAX_MB", 256)
SIGNALS_PER_MINUTE = env.int("SIGNALS_PER_MINUTE", 60)

# Checks and incidents
EGRESS_ALLOW = _parts(env.str("EGRESS_ALLOW", RUNNING.get("EGRESS_ALLOW", "")))
# what `up` adds for its own probes
UP_EGRESS_ALLOW = _parts(env.str("UP_EGRESS_ALLOW", RUNNING.get("UP_EGRESS_ALLOW", "")))
SUBSCRIBER_EGRESS_ALLOW = _parts(
    env.str("SUBSCRIBER_EGRESS_ALLOW", RUNNING.get("SUBSCRIBER_EGRESS_ALLOW", ""))
)
REGION = env.str("REGION", "local")
CANARIES = _parts(env.str("CANARIES", ""))
# of `manage.py region_agent` alone
REGION_SERVER = env.str("REGION_SERVER", "").rstrip("/")
REGION_KEY = env.str("REGION_KEY", "")
REGION_SPOOL_MB = env.int("REGION_SPOOL_MB", 64)
SELF_TEST = env.bool("SELF_TEST", True)
WORKER_CONCURRENCY = env.int("WORKER_CONCURRENCY", 2)
PROCESSES = env.str("PROCESSES", "auto").lower()
if PROCESSES not in ("auto", "few", "many"):
    raise EnvError(f"PROCESSES is {PROCESSES}: write auto, few or many.")
WORKER_SILENCE_S = env.int("WORKER_SILENCE_S", 60)
JOIN_WINDOW_S = env.int("JOIN_WINDOW_S", 120)
SETTLE_S = env.int("SETTLE_S", 120)
METRICS_TOKEN = env.str("METRICS_TOKEN", "")
if METRICS_TOKEN and len(METRICS_TOKEN) < 16:
    raise EnvError("METRICS_TOKEN is short: use 16 characters or more.")
HEARTBEAT_URL = env.str("HEARTBEAT_URL", "")
HEARTBEAT_FAIL_URL = env.str("HEARTBEAT_FAIL_URL", "")
if HEARTBEAT_FAIL_URL and not HEARTBEAT_URL:
    raise EnvError("HEARTBEAT_FAIL_URL needs HEARTBEAT_URL: nothing else would report a recovery.")
PUBLISH_DELAY_S = env.int("PUBLISH_DELAY_S", 90)
UNDO_S = env.int("UNDO_S", 20)
TELL_AFTER_S = env.int("TELL_AFTER_S", 20)
HOOKS_BRAKE_CALLS = env.int("HOOKS_BRAKE_CALLS", 5)
HOOKS_BRAKE_S = env.int("HOOKS_BRAKE_S", 600)
HOOKS_DEPLOY_QUIET_S = env.int("HOOKS_DEPLOY_QUIET_S", 600)
HOOKS_ACT_RETENTION_DAYS = env.int("HOOKS_ACT_RETENTION_DAYS", 90)

# Subscribers
PUSH_SERVICES = _parts(env.str("PUSH_SERVICES", "").lower())
SUBSCRIBE_PROOF_BITS = env.int("SUBSCRIBE_PROOF_BITS", 0)

IMPORT_MAX_BYTES = 50 * 1024 * 1024  # of a file of subscribers; no other file is taken
FILE_UPLOAD_HANDLERS = ["statuspage.requests.uploads.ImportUploadHandler"]
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024  # of a form; strangers' are cut to 64 kB before (intake)

# Security
CSRF_FAILURE_VIEW = "statuspage.requests.kept_forms.csrf_failure"
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL] if IS_HTTPS else []
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = IS_HTTPS
SESSION_COOKIE_NAME = "__Host-session" if IS_HTTPS else "session"
CSRF_COOKIE_NAME = "__Host-csrf" if IS_HTTPS else "csrf"
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SECURE_HSTS_SECONDS = 31_536_000 if IS_HTTPS else 0
# off by default: they bind every name below this one, and preload can hardly be taken back
SECURE_HSTS_INCLUDE_SUBDOMAINS = IS_HTTPS and env.bool("HSTS_INCLUDE_SUBDOMAINS", False)
SECURE_HSTS_PRELOAD = IS_HTTPS and env.bool("HSTS_PRELOAD", False)
SECURE_SSL_REDIRECT = False  # the proxy in front does that
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if IS_HTTPS else None
X_FRAME_OPTIONS = "DENY"

TRUSTED_PROXIES = env.int("TRUSTED_PROXIES", 0)

# People (django-allauth: docs/people.md explains what is switched on and why)
ACCOUNT_ADAPTER = "statuspage.staff.login.adapters.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_FORMS = {
    "login": "statuspage.staff.login.forms.LoginForm",
    "change_password": "statuspage.staff.login.forms.ChangePasswordForm",
    "reset_password_from_key": "statuspage.staff.login.forms.ResetPasswordForm",
}
ACCOUNT_EMAIL_VERIFICATION = "none"  # an invitation proves the address
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_RATE_LIMITS = {
    # by person and address; by person; by a browser that the person has logged in with: accounts/guesses.py
    "login_failed": "10/m/ip,5/5m/key,10/h/key",
    "login_failed_anywhere": "60/h/key",
    "login_failed_known": "5/5m/key",
    "login": None,  # right passwords are not counted, and wrong ones are, above
    "reset_password": "10/m/ip,3/5m/key",
    "reset_password_from_key": "20/m/ip",
    "change_password": "5/m/user",
    "reauthenticate": "10/m/user",
}
MFA_ADAPTER = "statuspage.staff.login.adapters.SecondFactorAdapter"
MFA_FORMS = {
    f"{what}_webauthn": f"statuspage.staff.login.passkeys.{what.capitalize()}Form"
    for what in ("add", "login", "authenticate", "reauthenticate")
}
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes", "webauthn"]
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_TOTP_TOLERANCE = 0  # a used code is remembered for one period: a longer life would let it in twice
# browsers offer passkeys to these alone
MFA_PASSKEY_LOGIN_ENABLED = IS_HTTPS or PUBLIC_HOST == "localhost"
OIDC_NAME = one_line(env.str("OIDC_NAME", "")) or "single sign-on"
OIDC_ISSUER = env.str("OIDC_ISSUER", "").rstrip("/")
OIDC_CLIENT_ID = env.str("OIDC_CLIENT_ID", "")
OIDC_CLIENT_SECRET = env.str("OIDC_CLIENT_SECRET", "")
OIDC_ROLE = env.str("OIDC_ROLE", "").lower()
if OIDC_ISSUER:
    INSTALLED_APPS += ["allauth.socialaccount", "allauth.socialaccount.providers.openid_connect"]
    SOCIALACCOUNT_ADAPTER = "statuspage.staff.login.sso.SsoAdapter"
    SOCIALACCOUNT_EMAIL_AUTHENTICATION = SOCIALACCOUNT_EMAIL_AUTHENTICATION_AUTO_CONNECT = True
    SOCIALACCOUNT_PROVIDERS = {
        "openid_connect": {
            "OAUTH_PKCE_ENABLED": True,
            "APPS": [
                {
                    "provider_id": "sso",
                    "name": OIDC_NAME,
                    "client_id": OIDC_CLIENT_ID,
                    "secret": OIDC_CLIENT_SECRET,
                    "settings": {"server_url": OIDC_ISSUER},
                }
            ],
        }
    }

# Mail: without a server invitations are shown to be handed over
EMAIL_URL = env.str("EMAIL_URL", "")
DEFAULT_FROM_EMAIL = env.str("EMAIL_FROM", f"status@{PUBLIC_HOST}")
EMAIL_BACKEND = f"django.core.mail.backends.{'smtp' if EMAIL_URL else 'dummy'}.EmailBackend"
EMAIL_TIMEOUT = 10
try:
    _mail = urlsplit(EMAIL_URL)
    EMAIL_HOST, EMAIL_PORT = _mail.hostname or "", _mail.port or (465 if _mail.scheme == "smtps" else 587)
except ValueError as error:
    raise EnvError(
        "EMAIL_URL cannot be read: write it as smtp://user:password@host:587/?tls=true."
    ) from error
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = unquote(_mail.username or ""), unquote(_mail.password or "")
EMAIL_USE_SSL = _mail.scheme == "smtps"
EMAIL_USE_TLS = "tls=true" in _mail.query.lower() and not EMAIL_USE_SSL
# What a mail provider reports later (bounces, complaints): read by django-anymail, by settings of its own
MAIL_EVENTS = env.str("MAIL_EVENTS", "").lower()
MAIL_EVENTS_SECRET = env.str("MAIL_EVENTS_SECRET", "")
MAIL_PROVIDERS = ("brevo", "mailgun", "mailjet", "postmark", "resend", "sendgrid", "sparkpost")
if MAIL_EVENTS and MAIL_EVENTS not in MAIL_PROVIDERS:
    raise EnvError(f"MAIL_EVENTS is {MAIL_EVENTS}: name one of {', '.join(MAIL_PROVIDERS)}.")
_is_login = MAIL_EVENTS == "mailgun" or ":" in MAIL_EVENTS_SECRET
if MAIL_EVENTS and not (len(MAIL_EVENTS_SECRET) >= 16 and _is_login):
    raise EnvError(
        "MAIL_EVENTS_SECRET is missing or short: write it as user:password, 16 characters or more"
        " (for mailgun: its HTTP webhook signing key)."
    )
ANYMAIL = {
    "MAILGUN_WEBHOOK_SIGNING_KEY" if MAIL_EVENTS == "mailgun" else "WEBHOOK_SECRET": MAIL_EVENTS_SECRET
}

# Apprise: services we have no sender of our own for; named here alone, as each opens sockets of its own
APPRISE_URLS = env.str("APPRISE_URLS", "").split()

LOG_LEVEL = env.str("LOG_LEVEL", "INFO")
_LIBRARIES = "WARNING" if LOG_LEVEL in ("DEBUG", "INFO") else LOG_LEVEL
# at DEBUG they write down each header and address, with the secrets in it
_TALKERS = ("apprise", "h2", "hpack", "httpcore", "oauthlib", "requests_oauthlib", "urllib3", "websockets")
LOG_FORMAT = env.str("LOG_FORMAT", "text")
if LOG_FORMAT not in ("text", "json"):
    raise EnvError(f"LOG_FORMAT is {LOG_FORMAT}: write text or json.")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": "statuspage.ops.logs.LineFormatter",
            "format": "%(asctime)s %(levelname)s %(name)s %(message)s",
        },
        "json": {"()": "statuspage.ops.logs.JSONFormatter"},
    },
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": "json" if LOG_FORMAT == "json" else "line",
        }
    },
    "filters": {"health": {"()": "statuspage.ops.logs.HealthFilter"}},
    "loggers": {
        # what libraries do by the second is no news
        **{name: {"level": _LIBRARIES} for name in ("celery", "kombu", "httpx", *_TALKERS)},
        "django.request": {"filters": ["health"]},
    },
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
}
