"""Django's own commands for people, with a row in the audit log."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models.signals import post_save, pre_save

from statuspage.models import Audit


@contextmanager
def users_recorded(act: str, after: dict[str, str] | None = None) -> Iterator[None]:
    """Write each person who is saved inside to the audit log under `act`, or do not save them.

    The transaction begins with the saving, not before: these commands ask for a password first, and
    no other process could write meanwhile on SQLite.
    """
    model = get_user_model()
    with ExitStack() as stack:

        def begin(**_: Any) -> None:
            stack.enter_context(transaction.atomic())

        def write_down(instance: Any, **_: Any) -> None:
            Audit.objects.note(None, act, instance, after=after)

        pre_save.connect(begin, sender=model)
        post_save.connect(write_down, sender=model)
        try:
            yield
        finally:
            pre_save.disconnect(begin, sender=model)
            post_save.disconnect(write_down, sender=model)
