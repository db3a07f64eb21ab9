"""From what a view has gathered to the draft of a document."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from django.http import HttpResponse
from django.template.loader import render_to_string

from statuspage.public import page_model
from statuspage.public.world import World
from statuspage.serving.document import Draft, document

HTML = "text/html; charset=utf-8"


def html(world: World, template: str, build: Callable[[datetime], Any]) -> Draft:
    """The draft of a page, rendered again for each age (current, late, stale)."""

    def render(at: datetime) -> bytes:
        shown = build(at)
        return render_to_string(template, {"page": shown, "head": shown.head}).encode()

    def render_old(at: datetime) -> bytes:
        shown = build(at)
        head = replace(shown.head, is_old=True)
        return render_to_string(template, {"page": shown, "head": head}).encode()

    return replace(draft(world, HTML, render), render_old=render_old)


def draft(world: World, content_type: str, render: Callable[[datetime], bytes]) -> Draft:
    """The draft of a document that ages with the newest check."""
    late_after, stale_after = page_model.limits(world)
    return Draft(
        content_type=content_type,
        checked_at=page_model.freshness(world, world.now.astimezone(UTC)).checked_at,
        late_after=late_after,
        stale_after=stale_after,
        render=render,
    )


def lasting(content_type: str, render: Callable[[datetime], bytes]) -> Draft:
    """The draft of a document that does not age."""
    return Draft(content_type, None, page_model.MIN_LATE_AFTER, page_model.MIN_STALE_AFTER, render)


def unkept(gather: Callable[..., Draft]) -> Callable[..., HttpResponse]:
    """Like `document`, but rendered for each request: there are too many such addresses to keep on disk."""
    view = document(gather)
    del view.gather  # type: ignore[attr-defined]
    return view
