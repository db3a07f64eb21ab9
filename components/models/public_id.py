"""Public ids in addresses and APIs: 12 characters, never reused.

Lower-case consonants and digits only, as Statuspage's clients expect, so an id
spells no word. 31 to the 12th leaves no chance to draw one twice.
"""

import secrets

from django.db import models

ALPHABET = "bcdfghjklmnpqrstvwxyz0123456789"
LENGTH = 12


def new_public_id() -> str:
    """A fresh random id."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


class PublicIdField(models.CharField):  # type: ignore[type-arg]
    """Filled on creation, unique, not edited."""

    def __init__(self, **kwargs: object) -> None:
        kwargs.update(max_length=LENGTH, default=new_public_id, unique=True, editable=False)
        super().__init__(**kwargs)  # type: ignore[arg-type]
