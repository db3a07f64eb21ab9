"""Default deny: every view says who may see it, and one that does not stops the start."""

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from django.core import checks
from django.urls import URLPattern, URLResolver, get_resolver

PUBLIC = "public"
GUARDED_NAMESPACES = frozenset({"admin"})  # Django's admin asks for staff in each of its views


V = TypeVar("V", bound=Callable[..., Any])


def public(view: V) -> V:
    """Mark a view that strangers may see."""
    view.access = PUBLIC  # type: ignore[attr-defined]
    return view


@checks.register(checks.Tags.security)
def every_view_is_marked(**_: Any) -> list[checks.CheckMessage]:
    """No view without an access mark."""
    return [
        checks.Error(
            f"The view at “{path}” carries no access mark.",
            hint="Decorate it with @public, or with the mark of who may see it.",
            id="statuspage.E001",
        )
        for path, view in _views(get_resolver().url_patterns, "")
        if not hasattr(view, "access")
    ]


def _views(patterns: list[Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for pattern in patterns:
        path = f"{prefix}{pattern.pattern}"
        if isinstance(pattern, URLResolver):
            if pattern.namespace not in GUARDED_NAMESPACES:
                yield from _views(pattern.url_patterns, path)
        elif isinstance(pattern, URLPattern):
            yield path, pattern.callback
