"""Who may see a view: the marks. The gate that reads them stands upstairs, in statuspage.staff.access.

A view downstairs names the role it needs by its word, and is given what the
gate knows: `request.role`, `request.note` (the audit log) and `request.client`.
"""

from collections.abc import Callable
from typing import Any, TypeVar

PUBLIC = "public"
V = TypeVar("V", bound=Callable[..., Any])


def public(view: V) -> V:
    """Mark a view that strangers may see."""
    view.access = PUBLIC  # type: ignore[attr-defined]
    return view


def staff(role: str) -> Callable[[V], V]:
    """Mark a view for staff of this role ("viewer", "responder", "editor", "admin") or a higher one."""

    def mark(view: V) -> V:
        view.access = role  # type: ignore[attr-defined]
        return view

    return mark
