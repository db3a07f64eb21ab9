"""Template tags of the console."""

from collections.abc import Hashable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from django import template
from django.template import Context
from django.template.loader import get_template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from components.status import LABELS, Status
from incidents.markdown import to_html
from statuspage.console import kept_lines as kept

register = template.Library()

WIDTH, HEIGHT = 96, 20


@register.filter
def markdown(text: str, said_at: datetime | None = None) -> SafeString:
    """Markdown of staff as safe HTML; its times as `<time>` if `said_at` is given."""
    return mark_safe(to_html(text, said_at))  # noqa: S308 - sanitised


@register.filter
def at(mapping: Mapping[int, Any], key: int) -> Any:
    """The value of a key; None if it is missing."""
    return mapping.get(key)


@register.filter
def words(status: str) -> str:
    """The label of a status given as text."""
    return LABELS.get(Status(status), status) if status in list(Status) else status


@register.simple_tag(takes_context=True)
def kept_lines(
    context: Context, name: str, lines: Sequence[Hashable], *, marks_first: bool = False
) -> SafeString:
    """Each line by the template of this name as `one`; those that were made before are kept.

    `marks_first`: the first one `is_first`, as it has the keyboard's shortcut.
    """
    template, may_post = get_template(name), bool(context.get("may_post"))
    pieces = []
    for place, one in enumerate(lines):
        is_first = marks_first and place == 0
        values = {"one": one, "may_post": may_post, "is_first": is_first, "now": context["page"].now}
        key = (name, one, may_post, is_first)
        pieces.append(kept.line(key, partial(template.render, values | kept.MARKS)))
    return mark_safe(kept.filled("".join(pieces), context))  # noqa: S308 - rendered by a template


@register.simple_tag
def spark(points: Sequence[float | None]) -> SafeString:
    """Response times as a small ink line; a gap stays a gap."""
    values = [point for point in points if point is not None]
    if len(values) < 2:
        return mark_safe('<span class="spark"></span>')
    top, step = max(values) * 1.1, WIDTH / max(1, len(points) - 1)
    pieces, pen_is_up = [], True
    for place, point in enumerate(points):
        if point is None:
            pen_is_up = True
            continue
        y = HEIGHT - 1 - (HEIGHT - 2) * point / top
        pieces.append(f"{'M' if pen_is_up else 'L'}{place * step:.0f} {y:.1f}")
        pen_is_up = False
    return format_html(
        '<svg class="spark" viewBox="0 0 {} {}" aria-hidden="true"><path d="{}"/></svg>',
        WIDTH,
        HEIGHT,
        "".join(pieces),
    )
