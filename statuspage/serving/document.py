"""A public document: gathered once, rendered for several ages, served as bytes.

A view marked `@document` gathers and returns a `Draft`. Django can answer with it
like any view, but in service the snapshot renders it once per change and the front
door serves the bytes.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.utils import timezone

from statuspage.staff.access import public

FIRST_FOR = timedelta(seconds=10)  # the others take a fraction of that
FOREVER = "public, max-age=31536000, immutable"  # for addresses that never mean anything else
CACHE_CONTROL = "public, max-age=5, stale-while-revalidate=30, stale-if-error=86400"


@dataclass(frozen=True, slots=True)
class Draft:
    """What a document is made of. `render` gives its bytes as of a moment.

    `checked_at` is the newest stored check; None when there is none, and then
    the document does not age.
    """

    content_type: str
    checked_at: datetime | None
    late_after: timedelta
    stale_after: timedelta
    render: Callable[[datetime], bytes]
    render_old: Callable[[datetime], bytes] | None = None  # the bytes once the copy itself is old

    def old(self, now: datetime) -> bytes | None:
        """The bytes for when newer checks are known than it shows; None if the document has no age."""
        if self.render_old is None or self.checked_at is None:
            return None
        return self.render_old(self._first(now))

    def variants(self, now: datetime) -> list[tuple[datetime | None, bytes]]:
        """(valid from, bytes), oldest first; equal neighbours are merged."""
        first = self.first(now)
        return [(None, first), *self.later(now, first)]

    def first(self, now: datetime) -> bytes:
        """The bytes of the first variant."""
        return self.render(self._first(now))

    def later(self, now: datetime, first: bytes) -> list[tuple[datetime, bytes]]:
        """The variants after the first one."""
        if self.checked_at is None:
            return []
        variants: list[tuple[datetime, bytes]] = []
        before = first
        for moment in (self.checked_at + self.late_after, self.checked_at + self.stale_after):
            body = self.render(max(now, moment))
            if body != before:
                variants.append((moment, body))
                before = body
        return variants

    def is_current(self, now: datetime) -> bool:
        """Whether the first variant is the one to show for the next seconds."""
        return self.checked_at is None or now < self.checked_at + self.late_after - FIRST_FOR

    def _first(self, now: datetime) -> datetime:
        """The first variant is judged now, but never older than late: those follow."""
        if self.checked_at is None:
            return now
        return min(now, self.checked_at + self.late_after - timedelta(seconds=1))


def document(gather: Callable[..., Draft]) -> Callable[..., HttpResponse]:
    """Make a gathering function a public view, marked for the snapshot."""

    @functools.wraps(gather)
    def view(request: HttpRequest, **named: Any) -> HttpResponse:
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        now = timezone.now()
        draft = gather(now, **named)
        response = HttpResponse(draft.render(now), content_type=draft.content_type)
        response["Cache-Control"] = CACHE_CONTROL
        return response

    view.gather = gather  # type: ignore[attr-defined]
    return public(view)


def eager(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Mark a document without parameters that is rendered at once when something changes."""
    view.is_eager = True  # type: ignore[attr-defined]
    return view
