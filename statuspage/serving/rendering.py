"""One rendering of a document: what is shown first is ready first, its later ages follow.

Gathered once. A reader who waits for a change does not also wait for what is shown a minute later, if
nothing is heard until then.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from statuspage.serving.disk_copies import Document, Variant
from statuspage.serving.document import Draft


@dataclass(frozen=True, slots=True)
class Rendering:
    """A document of which the first variant is rendered."""

    path: str
    version: int
    made_with: str
    now: datetime
    draft: Draft
    shown: Variant

    @classmethod
    def of(
        cls, path: str, version: int, made_with: str, gather: Callable[..., Draft], named: dict[str, Any]
    ) -> "Rendering":
        """Gather and render the first variant. Raises Http404 and database errors."""
        now = datetime.now(UTC)
        draft = gather(now, **named)
        return cls(path, version, made_with, now, draft, Variant.of(0.0, draft.first(now)))

    @property
    def is_current(self) -> bool:
        """Whether the first variant may be shown alone for now."""
        return self.draft.is_current(self.now)

    def first(self) -> Document:
        """The document with its first variant alone."""
        return self._document((self.shown,), None)

    def whole(self) -> Document:
        """The document in all its ages."""
        later = self.draft.later(self.now, self.shown.plain)
        old = self.draft.old(self.now)
        variants = (self.shown, *(Variant.of(since.timestamp(), body) for since, body in later))
        return self._document(variants, Variant.of(float("inf"), old) if old is not None else None)

    def _document(self, variants: tuple[Variant, ...], old: Variant | None) -> Document:
        checked_at = self.draft.checked_at.timestamp() if self.draft.checked_at else 0.0
        return Document(
            self.path, self.draft.content_type, self.version, self.now.timestamp(), checked_at,
            variants, old, self.made_with,
        )  # fmt: skip
