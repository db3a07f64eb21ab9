"""SECRET_KEY: whether what is encrypted in the database can be read with it."""

from collections.abc import Iterator

from django.apps import apps

from components import encryption
from statuspage.ops.doctor.findings import Finding, fail, ok, skip

NAME = "SECRET_KEY"
# column, and what staff call it
SEALED = (
    ("subscribers.Subscriber", "address", "addresses of subscribers"),
    ("subscribers.Subscriber", "signing", "secrets of webhooks"),
    ("subscribers.AlertChannel", "sealed_address", "addresses for staff alerts"),
    ("components.Probe", "sealed_client_key", "client certificates of probes"),
    ("components.Inbox", "sealed_key", "addresses of heartbeat and inbound probes"),
    ("components.RemoteRegion", "sealed_key", "keys of regions"),
    ("incidents.Hook", "sealed_secret", "secrets of recovery hooks"),
)


def look() -> Iterator[Finding]:
    """Open the newest value of each kind."""
    lost, read = [], 0
    for model, column, what in SEALED:
        rows = apps.get_model(model).objects.exclude(**{column: ""}).order_by("-pk")
        value = rows.values_list(column, flat=True).first()
        if not value:
            continue
        try:
            encryption.unseal(value)
        except encryption.DecryptionError:
            lost.append(what)
        else:
            read += 1
    if lost:
        yield fail(
            NAME,
            f"These were encrypted with another key: {', '.join(lost)}. Put the key of that time back"
            " (VAR_DIR/secret_key or SECRET_KEY), or add it to SECRET_KEY_FALLBACKS.",
        )
    elif read:
        yield ok(NAME, "What is encrypted in the database can be read with it.")
    else:
        yield skip(NAME, "Nothing in the database is encrypted with it yet.")
