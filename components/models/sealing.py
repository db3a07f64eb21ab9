"""A probe's secret options: encrypted whenever the row is saved."""

from typing import Any

from django.db import models

from components.probers import EVERY_PROBER, PROBERS, InvalidProbeError
from components.sealed_options import (
    as_text,
    is_sealed,
    opened,
    parsed,
    place_of,
    refuse_weaker,
    sealed,
    secrets_of,
)


class Sealing(models.Model):
    """The part of `Probe` that keeps passwords and tokens."""

    kind: Any
    target: Any
    options: Any
    _looked_at: tuple[Any, ...] | None

    class Meta:
        abstract = True

    def parsed(self) -> Any:
        """The order, with its secrets opened. Raises InvalidProbeError."""
        return parsed(EVERY_PROBER[self.kind], self.target, self.options)

    def _refuse_weaker(self, order: Any) -> None:
        """Refuse to send a stored secret in the open that the row, as it was read, sends with TLS."""
        if self._looked_at is None or self._looked_at[0] != self.kind:
            return
        _, target, kept, _ = self._looked_at
        prober = PROBERS[self.kind]
        try:
            before = parsed(prober, target, kept)
        except (InvalidProbeError, TypeError, ValueError, AttributeError, KeyError):
            return  # it was never sent
        refuse_weaker(prober, order, self.options, before, kept)

    def _seal_options(self) -> None:
        """Encrypt what is not encrypted yet. The same secret for the same place stays as it is stored."""
        prober = PROBERS.get(self.kind)
        if prober is None or not isinstance(self.options, dict):
            return
        names = [option.name for option in secrets_of(prober)]
        typed = [name for name in names if self.options.get(name) and not is_sealed(self.options[name])]
        if not typed:
            return
        try:
            place = place_of(prober, prober.parse(self.target, self._plain_options(typed)))
        except (InvalidProbeError, TypeError, ValueError, AttributeError, KeyError):
            place = ""  # never sent: it must be entered again once the rest is right
        stored = self._stored_options()
        self.options = {
            **self.options,
            **{name: _same_or_sealed(name, self.options[name], place, stored.get(name)) for name in typed},
        }

    def _plain_options(self, typed: list[str]) -> dict[str, Any]:
        """Without the secrets that are encrypted already; what was typed now says where it goes."""
        return {name: value for name, value in self.options.items() if name in typed or not is_sealed(value)}

    def _stored_options(self) -> dict[str, Any]:
        """The options as the row was read; empty for a new one."""
        options = self._looked_at[2] if self._looked_at else {}
        return options if isinstance(options, dict) else {}


def _same_or_sealed(name: str, text: Any, place: str, stored: Any) -> Any:
    """The stored form: unchanged if it holds just this, so that nothing begins anew."""
    if is_sealed(stored):
        try:
            if opened(name, stored) == (place, as_text(text)):
                return stored
        except InvalidProbeError:
            pass
    return sealed(text, place)
