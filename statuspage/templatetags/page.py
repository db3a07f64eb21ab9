"""Template tags of public pages: icons, times, day strips and charts."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from functools import lru_cache, partial
from typing import Any
from urllib.parse import quote

from django import template
from django.template import Context
from django.template.loader import get_template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from components import identity
from components.status import Status
from incidents import times
from statuspage.public import brand, kept_rows
from statuspage.public.values.components import ComponentRow, Day, ResponseTime

register = template.Library()

# One silhouette a state: status is never shown by colour alone.
SHAPES = {
    Status.OPERATIONAL: '<circle cx="8" cy="8" r="7.5"/>',
    Status.DEGRADED_PERFORMANCE: '<path d="M8 .8 15.7 14.6H.3z"/>',
    Status.PARTIAL_OUTAGE: '<path d="M8 0 16 8 8 16 0 8z"/>',
    Status.MAJOR_OUTAGE: '<path d="M4.7 0h6.6L16 4.7v6.6L11.3 16H4.7L0 11.3V4.7z"/>',
    Status.UNDER_MAINTENANCE: '<rect x=".5" y=".5" width="15" height="15" rx="3"/>',
    Status.UNKNOWN: (
        '<circle cx="8" cy="8" r="6.8" fill="none" stroke="currentColor" stroke-width="1.6"'
        ' stroke-dasharray="3.2 2.1"/>'
    ),
}
GLYPHS = {
    Status.OPERATIONAL: "M4.6 8.3 7 10.7l4.5-5",
    Status.DEGRADED_PERFORMANCE: "M8 6v4M8 12.2v.3",
    Status.PARTIAL_OUTAGE: "M4.8 8h6.4",
    Status.MAJOR_OUTAGE: "M5.4 5.4l5.2 5.2M10.6 5.4l-5.2 5.2",
    Status.UNDER_MAINTENANCE: "M4.6 11.4 9 7M9.2 4.2a2.6 2.6 0 1 0 2.7 2.7",
    Status.UNKNOWN: "M6.2 6.4a1.9 1.9 0 1 1 2.7 1.8c-.6.3-.9.6-.9 1.2M8 11.6v.2",
}
# Share of the height, in pixels of 20: worse days have taller bars.
HEIGHTS = {
    Status.OPERATIONAL: 12,
    Status.UNDER_MAINTENANCE: 12,
    Status.UNKNOWN: 12,
    Status.DEGRADED_PERFORMANCE: 15,
    Status.PARTIAL_OUTAGE: 17,
    Status.MAJOR_OUTAGE: 20,
}
STRIP_HEIGHT, STEP, BAR = 20, 4, 3
FAVICON_FILLS = {
    Status.OPERATIONAL: "#1A8F66",
    Status.DEGRADED_PERFORMANCE: "#B68200",
    Status.PARTIAL_OUTAGE: "#AC3A05",
    Status.MAJOR_OUTAGE: "#7F0A3C",
    Status.UNDER_MAINTENANCE: "#4457C8",
    Status.UNKNOWN: "#66707D",
}
CHART_WIDTH, CHART_HEIGHT = 220, 48


@register.simple_tag
def brand_style() -> SafeString:
    """The link to the style sheet of colour and logo; empty if the page has neither."""
    url = brand.stylesheet_url(identity.current())
    return format_html('<link rel="stylesheet" href="{}">', url) if url else mark_safe("")


@register.inclusion_tag("public/_brand.html")
def brand_mark(url: str = "/", word: str = "Status") -> dict[str, Any]:
    """The context of the logo's area, which links to the front page."""
    return {**brand.head(identity.current()), "url": url, "word": word}


@register.simple_tag
def sprite() -> SafeString:
    """All status icons once; the page refers to them."""
    symbols = "".join(
        f'<symbol id="i-{status}" viewBox="0 0 16 16">{SHAPES[status]}'
        f'<path class="glyph" d="{GLYPHS[status]}"/></symbol>'
        for status in Status
    )
    return mark_safe(f'<svg class="sprite" aria-hidden="true">{symbols}</svg>')  # noqa: S308 - constants


@register.simple_tag
def icon(status: str) -> SafeString:
    """The icon of a state, hidden from screen readers: the label is beside it."""
    return format_html(
        '<svg class="icon" data-status="{0}" aria-hidden="true"><use href="#i-{0}"/></svg>', status
    )


@register.simple_tag
def favicon(status: str) -> str:
    """A data: address of the icon, in the state's own shape and colour."""
    state = Status(status)
    fill = FAVICON_FILLS[state]
    ink = fill if state is Status.UNKNOWN else "#fff"
    shape = SHAPES[state].replace("currentColor", fill)
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16" fill="{fill}">{shape}'
        f'<path d="{GLYPHS[state]}" fill="none" stroke="{ink}" stroke-width="1.8"/></svg>'
    )
    return f"data:image/svg+xml,{quote(svg, safe=' =:/')}"


@register.filter
def iso(at: datetime) -> str:
    """ "2026-11-21T08:21:04Z"."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


@register.simple_tag(takes_context=True)
def clock(
    context: Context, at: datetime, form: str = "time", said: date | None = None, **seen: datetime | None
) -> SafeString:
    """A moment in UTC, which script turns into the reader's own zone.

    `form`: time and clock "08:21 UTC", seconds "08:21:04 UTC", date "12 Nov, 08:21 UTC".
    A time of another day than the page's gets its date, except a clock, beside which the day is shown.
    `said`: that day; a clock of another day, in UTC or in the reader's zone, gets its date as well.
    `seen_at`: the latest moment at which it is read, instead of when the page was rendered; None: any.
    """
    at = at.astimezone(UTC)
    if form == "clock" and said in (None, at.date()):
        shown = f"{at:%H:%M} UTC"
    elif form in ("clock", "date"):
        shown = _dated(at)
    else:
        seen_at = seen["seen_at"] if "seen_at" in seen else _made_at(context) or at
        shown = times.clock(at, seen_at, seconds=form == "seconds")
    beside = format_html(' data-said="{}"', said.isoformat()) if said else ""
    return format_html('<time datetime="{}" data-form="{}"{}>{}</time>', iso(at), form, beside, shown)


def _dated(at: datetime) -> str:
    return f"{at.day} {at:%b}, {at:%H:%M} UTC"


def _made_at(context: Context) -> datetime | None:
    """When the page was rendered; None if unknown."""
    head = context.get("head")
    rendered_at: datetime | None = head.rendered_at if head else context.get("now")
    return rendered_at or getattr(context.get("page"), "now", None)


@register.simple_tag
def until(start: datetime, end: datetime) -> SafeString:
    """The end of a stretch: the clock alone when it is on the same day, also for the reader."""
    start, end = start.astimezone(UTC), end.astimezone(UTC)
    same = start.date() == end.date()
    return format_html(
        '<time datetime="{}" data-form="{}" data-since="{}">{}</time>',
        iso(end),
        "clock" if same else "date",
        iso(start),
        f"{end:%H:%M} UTC" if same else _dated(end),
    )


@register.filter
def marked(text: str, said_at: datetime) -> SafeString:
    """Plain text with its times as `<time>`."""
    return mark_safe(times.marked(text, said_at))  # noqa: S308 - escaped there


@register.simple_tag(takes_context=True)
def component_rows(context: Context, shown: Sequence[ComponentRow]) -> SafeString:
    """Components as listed, each by `public/_row.html`; those that look as they did before are kept."""
    template = get_template("public/_row.html")
    made_at = _made_at(context)
    pieces = []
    for row in shown:
        # the only time in a row gets its day when that is not the page's
        seen = times.clock(row.was_at, made_at or row.was_at) if row.was and row.was_at else ""
        values = {"row": row, "head": context.get("head")}
        pieces.append(kept_rows.fragment(row, seen, partial(template.render, values)))
    return mark_safe("".join(pieces))  # noqa: S308 - rendered by a template


@register.simple_tag
def age(at: datetime) -> SafeString:
    """An empty place for "38 min ago": only script can keep that true."""
    return format_html('<span class="age" data-age="{}"></span>', iso(at))


@register.simple_tag
def strip(days: Sequence[Day]) -> SafeString:
    """The bars of 90 days, one path a state, in whole pixels."""
    return _bars(tuple(day.status for day in days))


@lru_cache(maxsize=2_000)
def _bars(states: tuple[Status | None, ...]) -> SafeString:
    """The bars, cached: most components had the same days."""
    paths: dict[str, list[str]] = {}
    for place, status in enumerate(states):
        height = HEIGHTS[status or Status.UNKNOWN]
        key = status.value if status else "none"
        left, top = place * STEP, STRIP_HEIGHT - height
        if status:
            paths.setdefault(key, []).append(f"M{left} {top}h{BAR}v{height}h-{BAR}z")
        else:
            paths.setdefault(key, []).append(f"M{left}.5 {top}.5h{BAR - 1}v{height - 1}h-{BAR - 1}z")
    width = len(states) * STEP - (STEP - BAR)
    drawn = "".join(f'<path data-status="{key}" d="{"".join(pieces)}"/>' for key, pieces in paths.items())
    return mark_safe(  # noqa: S308 - numbers and our own words
        f'<svg class="strip__bars" viewBox="0 0 {width} {STRIP_HEIGHT}"'
        f' preserveAspectRatio="none" aria-hidden="true">{drawn}</svg>'
    )


@register.filter
def trouble(days: Sequence[Day]) -> str:
    """The days with an event, for the script: a line "days back|label|uptime|incident|its address" each.

    Line breaks and bars in titles become spaces.
    """
    lines = []
    for back, day in enumerate(reversed(days)):
        if day.status is Status.OPERATIONAL and not day.outages:
            continue
        if day.status is None and not day.label:
            continue
        incident = day.outages[0] if day.outages else None
        title = incident.incident_title.replace("|", " ").replace("\n", " ") if incident else ""
        lines.append(
            "|".join((str(back), day.label, day.uptime, title, incident.incident_url if incident else ""))
        )
    return "\n".join(lines)


@register.simple_tag
def line_chart(response: ResponseTime) -> SafeString:
    """Hourly medians as an ink line; a gap stays a gap."""
    values = [point for point in response.points if point is not None]
    top = max(values, default=1.0) * 1.15
    step = CHART_WIDTH / max(1, len(response.points) - 1)
    pieces, pen_is_up = [], True
    for place, point in enumerate(response.points):
        if point is None:
            pen_is_up = True
            continue
        x, y = place * step, CHART_HEIGHT - 2 - (CHART_HEIGHT - 4) * point / top
        pieces.append(f"{'M' if pen_is_up else 'L'}{x:.0f} {y:.1f}" + ("h3" if pen_is_up else ""))
        pen_is_up = False
    return format_html(
        '<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}"'
        ' preserveAspectRatio="none"><path d="{}"/></svg>',
        CHART_WIDTH,
        CHART_HEIGHT,
        response.label,
        mark_safe("".join(pieces)),  # noqa: S308 - numbers
    )


@register.simple_tag
def minutes(bars: Sequence[Status | None]) -> SafeString:
    """One bar a minute, for evidence."""
    days = [Day(on=None, status=bar, uptime="", down="") for bar in bars]  # type: ignore[arg-type]
    return strip(days)
