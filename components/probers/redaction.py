"""Keeps secrets out of what a check stores: a server may repeat what it was sent."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from components.outcomes import Reading

HIDDEN = "•••"
MIN_LENGTH = 3  # a shorter one would take letters out of every word


def without(reading: Reading, secrets: Iterable[str]) -> Reading:
    """The reading with these texts replaced wherever they stand."""
    texts = sorted({text for text in secrets if len(text) >= MIN_LENGTH}, key=len, reverse=True)
    if not texts:
        return reading
    words: dict[str, Any] = {
        name: _hidden(getattr(reading, name), texts) for name in ("detail", "degraded", "excerpt")
    }
    facts = {name: _hidden(text, texts) for name, text in reading.facts.items()}
    return replace(reading, facts=facts, **words)


def _hidden(text: Any, secrets: list[str]) -> Any:
    if not isinstance(text, str):
        return text
    for secret in secrets:
        text = text.replace(secret, HIDDEN)
    return text
