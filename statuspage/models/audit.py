"""The audit log: who did what, when, from where, and what it was before. Rows are only added."""

import os
import pwd
from typing import Any

from django.conf import settings
from django.db import models
from django.http import HttpRequest
from django.utils import timezone

from components import event_log
from components.models.lines import LineField
from components.networks import literal_address
from components.shown_addresses import without_secrets

MAX_LENGTH = 2_000  # characters kept of a value
OPTION, HIDDEN = "__", "…"  # "http__headers" in forms: headers and bodies carry keys, patterns may
SECRETS = ("password", "secret", "token", "key", "auth", "cookie")


class AuditManager(models.Manager["Audit"]):
    def note(
        self,
        request: HttpRequest | None,
        act: str,
        thing: object = "",
        *,
        before: Any = None,
        after: Any = None,
    ) -> "Audit | None":
        """Record an act ("incident.post") on a thing, in the transaction of the act itself.

        `before` and `after` are flat mappings of plain values; secrets, by their names, are left out.
        When both are given and equal, nothing was changed (a form saved as it was): no row, and None.
        Without a request it was done in a shell.
        """
        if before is not None and _lines(before) == _lines(after):
            return None
        user: Any = getattr(request, "user", None)
        is_known = bool(user and user.is_authenticated)
        row = self.create(
            at=timezone.now(),
            actor_id=user.pk if is_known else None,
            actor=str(user) if is_known else shell_user() if request is None else "a stranger",
            act=act,
            thing=str(thing)[:255],
            public_id=str(getattr(thing, "public_id", getattr(thing, "pk", "")) or "")[:40],
            address=client_address(request),
            before=_clean(before),
            after=_clean(after),
        )
        event_log.record(f"audit.{act}", actor=row.actor, thing=row.thing, id=row.public_id)
        return row


class Audit(models.Model):
    """One act. Without foreign keys, so that it outlives everything it names."""

    at = models.DateTimeField(db_index=True)
    actor_id = models.BigIntegerField(null=True)
    actor = LineField(max_length=150)
    act = models.CharField(max_length=60)
    thing = LineField(max_length=255, blank=True)
    public_id = models.CharField(max_length=40, blank=True)
    address = models.CharField(max_length=64, blank=True)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)

    objects = AuditManager()

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.actor}: {self.act} {self.thing}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Add the row. Raises TypeError for a change."""
        if self.pk is not None:
            raise TypeError("The audit log cannot be changed.")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Raises TypeError: rows are never deleted."""
        raise TypeError("The audit log cannot be changed.")

    @property
    def changes(self) -> list[tuple[str, Any, Any]]:
        """Name, before and after of each recorded value."""
        before, after = self.before or {}, self.after or {}
        return [(name, before.get(name, "–"), after.get(name, "–")) for name in {**before, **after}]


def shell_user() -> str:
    """The user of the shell, by the system's name: "the shell (ada)".

    Not by the environment (`LOGNAME`), which the user can set.
    """
    try:
        return f"the shell ({pwd.getpwuid(os.getuid()).pw_name})"
    except KeyError:  # a container may run as a number without a name
        return f"the shell (user {os.getuid()})"


def client_address(request: HttpRequest | None) -> str:
    """The address a request came from, as our own proxies saw it; empty for the shell.

    Each trusted proxy appends the address it saw to X-Forwarded-For; entries before those
    can be forged.
    """
    if request is None:
        return ""
    addresses = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
    if 0 < settings.TRUSTED_PROXIES <= len(addresses) and (
        address := literal_address(addresses[-settings.TRUSTED_PROXIES].strip())
    ):
        return str(address)
    return str(request.META.get("REMOTE_ADDR", ""))[:64]


def _lines(values: Any) -> Any:
    """With LF line endings, since browsers send text back with CR LF."""
    if values is None:
        return None
    return {name: v.replace("\r\n", "\n") if isinstance(v, str) else v for name, v in values.items()}


def _clean(values: Any) -> Any:
    if values is None:
        return None
    return {
        name: value if isinstance(value, bool | int | None) else _text(name, value)
        for name, value in values.items()
        if not any(word in name.lower() for word in SECRETS)
    }


def _text(name: str, value: Any) -> str:
    """A value as text, without secrets: logins and query values of targets, and options of probes."""
    if OPTION in name and value:
        return HIDDEN
    return (without_secrets(str(value)) if name == "target" else str(value))[:MAX_LENGTH]
