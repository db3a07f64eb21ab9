"""Marks that say who may see a view. `statuspage.staff.access` reads and enforces them.

A view of another app names the role it needs as a word. The request then carries
`request.role`, `request.note` (writes to the audit log) and `request.client`.
"""

from collections.abc import Callable
from typing import Any, TypeVar

PUBLIC = "public"
V = TypeVar("V", bound=Callable[..., Any])


def public(view: V) -> V:
    """Mark a view as public: it needs no login."""
    view.access = PUBLIC  # type: ignore[attr-defined]
    return view


def staff(role: str) -> Callable[[V], V]:
    """Mark a view for staff of this role ("viewer", "responder", "editor", "admin") or a higher one."""

    def mark(view: V) -> V:
        view.access = role  # type: ignore[attr-defined]
        return view

    return mark
