"""The one row that a person has of a model, such as their role."""

from typing import Any

from django.db import models


def own_row(model: type[models.Model], user: Any) -> Any:
    """Their row, None if they have none. It is read, unless it was read with the user (`select_related`)."""
    relation = model.user.field.remote_field  # type: ignore[attr-defined] # its one-to-one field
    if relation.is_cached(user):
        return relation.get_cached_value(user)
    return model._default_manager.filter(user_id=user.pk).first()  # noqa: SLF001 - Django's documented name
