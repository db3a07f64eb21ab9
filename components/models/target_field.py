"""The column of a promise: uptime in percent."""

from typing import Any

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from components.promises import MAX_TARGET, MIN_TARGET


def uptime_target(help_text: str) -> "models.FloatField[Any, Any]":
    """A percentage such as 99.9; None: nothing is promised."""
    return models.FloatField(
        "uptime target (%)",
        null=True,
        blank=True,
        validators=[
            MinValueValidator(MIN_TARGET, f"Use at least {MIN_TARGET}."),
            MaxValueValidator(MAX_TARGET, f"Use at most {MAX_TARGET}."),
        ],
        help_text=help_text,
    )
