"""Template tags of a postmortem: its chart, and the progress of its actions."""

from datetime import datetime

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from statuspage.public.values.postmortems import Curve, Report
from statuspage.templatetags.page import iso

register = template.Library()

ROW, PLOT, AXIS = 20, 130, 24  # pixels: a row of labels, the curve, the words under it
WIDTH = 1000  # of the curve's own drawing, which is stretched

# How far an action is: rings, so that none can be taken for a state of health
RINGS = {
    "done": '<path d="M5 8.2 7.2 10.4l4-4.6"/>',
    "doing": '<path class="full" d="M8 2.2a5.8 5.8 0 0 1 0 11.6z"/>',
    "todo": "",
    "late": '<path d="M8 4.6V8l2.4 1.8"/>',
}


@register.simple_tag
def work(state: str) -> SafeString:
    """The icon of an action's state; its label is beside it."""
    return format_html(
        '<svg class="work" data-work="{}" viewBox="0 0 16 16" aria-hidden="true">'
        '<circle cx="8" cy="8" r="6.6"/>{}</svg>',
        state,
        mark_safe(RINGS[state]),  # noqa: S308 - constants
    )


@register.simple_tag
def progress(report: Report) -> SafeString:
    """Done, then in progress, as shares of a bar."""
    whole = max(1, len(report.actions))
    return format_html(
        '<svg class="progress" viewBox="0 0 {} 1" preserveAspectRatio="none" aria-hidden="true">'
        '<rect width="{}" height="1"/><rect class="doing" x="{}" width="{}" height="1"/></svg>',
        whole,
        report.done,
        report.done,
        report.doing,
    )


@register.simple_tag
def day(at: datetime) -> SafeString:
    """ "Thu 12 Nov 2026", which script turns into the reader's own day."""
    return format_html(
        '<time datetime="{}" data-form="day">{}</time>', iso(at), f"{at:%a} {at.day} {at:%b %Y}"
    )


@register.simple_tag
def exact(at: datetime) -> SafeString:
    """ "08:21 UTC", with seconds where they matter; never with a day."""
    form, shown = ("exact", f"{at:%H:%M:%S} UTC") if at.second else ("clock", f"{at:%H:%M} UTC")
    return format_html('<time datetime="{}" data-form="{}">{}</time>', iso(at), form, shown)


@register.simple_tag
def curve_chart(curve: Curve) -> SafeString:
    """The curve with its outage as a band, its named moments, and a grid of three lines."""
    top = ROW * (1 + max((moment.row for moment in curve.moments), default=-1)) + 8
    bottom = top + PLOT
    grid = format_html_join(
        "",
        '<line x1="0" x2="100%" y1="{1}" y2="{1}"/><text class="scale" x="-8" y="{1}" dy="4">{0} %</text>',
        ((percent, top + PLOT * (100 - percent) // 100) for percent in (100, 50, 0)),
    )
    ticks = format_html_join(
        "", '<text class="tick" x="{}%" y="{}" data-form="{}" data-at="{}" data-bare>{}</text>',
        ((f"{x:.2f}", bottom + AXIS - 4, curve.form, iso(at), words) for x, words, at in curve.ticks),
    )  # fmt: skip
    moments = format_html_join(
        "",
        '<line class="moment" x1="{0}%" x2="{0}%" y1="{1}" y2="{2}"/>'
        '<text class="name" x="{0}%" y="{1}" dx="{3}" dy="9" text-anchor="{4}">'
        '<tspan data-form="{8}" data-at="{9}" data-bare>{5}</tspan> {10}</text>'
        '<text class="number" x="{0}%" y="{6}" dx="{3}" text-anchor="{4}">{7}</text>',
        (
            (f"{mark.x:.2f}", ROW * mark.row, bottom, -4 if mark.is_last else 4,
             "end" if mark.is_last else "start", mark.clock, top - 4, mark.number,
             "date" if curve.form == "month" else "clock", iso(mark.at), mark.tag)
            for mark in curve.moments
        ),
    )  # fmt: skip
    return format_html(
        '<svg class="curve" data-status="{}" height="{}" role="img" aria-label="{}">'
        '<rect class="band" x="{}%" y="{}" width="{}%" height="{}"/>{}'
        '<svg y="{}" height="{}" width="100%" viewBox="0 0 {} 100" preserveAspectRatio="none">'
        '<path d="{}"/></svg>{}{}</svg>',
        curve.status, bottom + AXIS, curve.label,
        f"{curve.band[0]:.2f}", top, f"{curve.band[1]:.2f}", PLOT, grid,
        top, PLOT, WIDTH, _line(curve), moments, ticks,
    )  # fmt: skip


def _line(curve: Curve) -> str:
    """Through the middle of each step; a gap stays a gap."""
    step, pieces, pen_is_up = WIDTH / len(curve.points), [], True
    for place, point in enumerate(curve.points):
        if point is None:
            pen_is_up = True
            continue
        pieces.append(f"{'M' if pen_is_up else 'L'}{(place + 0.5) * step:.1f} {100 - point:.1f}")
        pen_is_up = False
    return "".join(pieces)
