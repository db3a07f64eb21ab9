"""Addresses of feeds and calendars."""

from collections.abc import Callable
from datetime import datetime

from django.db.models import Q
from django.http import Http404

from statuspage.feeds import calendar, scopes
from statuspage.feeds import entries as feed_entries
from statuspage.feeds import formats as feed_formats
from statuspage.feeds.scopes import Scope
from statuspage.public import world
from statuspage.public.rendering import lasting
from statuspage.serving.document import Draft, document, eager

ICAL = "text/calendar; charset=utf-8"
FORMS: dict[str, tuple[str, Callable[[feed_entries.Channel], bytes]]] = {
    "history.atom": ("application/atom+xml; charset=utf-8", feed_formats.atom),
    "history.rss": ("application/rss+xml; charset=utf-8", feed_formats.rss),
    "feed.json": ("application/feed+json; charset=utf-8", feed_formats.json_feed),
}


@document
def page_feed(now: datetime, form: str) -> Draft:
    """The feed of the whole page."""
    return _feed(Scope(), form)


@document
def component_feed(now: datetime, public_id: str, form: str) -> Draft:
    """The feed of one component."""
    return _feed(scopes.component(public_id), form)


@document
def group_feed(now: datetime, public_id: str, form: str) -> Draft:
    """The feed of a group's components."""
    return _feed(scopes.group(public_id), form)


@eager
@document
def page_calendar(now: datetime) -> Draft:
    """The calendar of all maintenance."""
    return _calendar(Scope())


@document
def component_calendar(now: datetime, public_id: str) -> Draft:
    """The calendar of one component."""
    return _calendar(scopes.component(public_id))


@document
def group_calendar(now: datetime, public_id: str) -> Draft:
    """The calendar of a group's components."""
    return _calendar(scopes.group(public_id))


@document
def maintenance_calendar(now: datetime, public_id: str) -> Draft:
    """One maintenance, to add to a calendar."""
    maintenances = world.these_maintenances(Q(public_id=public_id))
    if not maintenances:
        raise Http404("Maintenance not found.")
    return lasting(ICAL, lambda _: calendar.calendar(maintenances, calendar.title()))


def _feed(scope: Scope, form: str) -> Draft:
    content_type, write = FORMS[form]
    channel = feed_entries.channel(scope)
    return lasting(content_type, lambda _: write(channel))


def _calendar(scope: Scope) -> Draft:
    maintenances = calendar.of_scope(scope)
    return lasting(ICAL, lambda _: calendar.calendar(maintenances, calendar.title(scope.name)))
