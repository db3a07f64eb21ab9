"""Search of public incidents: titles, public text and component names.

Every word must occur somewhere in an incident. The database compares; Django
escapes what LIKE would take for a pattern.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from html import unescape
from urllib.parse import urlencode

from django.db.models import Exists, OuterRef, Q
from django.urls import reverse

from incidents.lifecycle import PUBLIC_KINDS, Kind
from incidents.markdown import to_text
from incidents.models import Affected, Incident, Update
from statuspage.public import incident_cards, page_model
from statuspage.public.values.incidents import IncidentCard
from statuspage.public.values.search import Hit, Piece, SearchPage
from statuspage.public.world import World, public_incidents

MAX_LENGTH = 100  # characters of a query
MAX_WORDS = 8
PER_PAGE = 50
MAX_PAGES = 200
AROUND = 90  # characters shown on each side of the first word found


class QueryTooLongError(ValueError):
    """The query is too long: shorten it to 100 characters."""


def words_of(query: str) -> list[str]:
    """The words to look for, without NUL, which PostgreSQL refuses. Raises QueryTooLongError."""
    query = query.replace("\0", " ").strip()
    if len(query) > MAX_LENGTH:
        raise QueryTooLongError
    return query.split()[:MAX_WORDS]


def matching(words: Sequence[str]) -> Q:
    """The incidents that hold every word."""
    condition = Q()
    for word in words:
        updates = Update.objects.filter(incident=OuterRef("pk"), kind__in=PUBLIC_KINDS, body__icontains=word)
        named = Affected.objects.filter(
            incident=OuterRef("pk"), component__is_shown=True, component__name__icontains=word
        )
        condition &= Q(title__icontains=word) | Q(Exists(updates)) | Q(Exists(named))
    return condition


def search_page(world: World, query: str, number: int, at: datetime) -> SearchPage:
    """A page of results. Pages count from 1."""
    head = page_model.head_of(world, page_model.freshness(world, at), section="history")
    try:
        words = words_of(query)
    except QueryTooLongError:
        too_long = f"That is too long: search for at most {MAX_LENGTH} characters."
        return SearchPage(head, query[:MAX_LENGTH], too_long)
    shown = " ".join(query.replace("\0", " ").split())
    if not words:
        return SearchPage(head, "", "Enter a word from a title or an update, or the name of a component.")
    which = matching(words)
    count = Incident.objects.public().filter(which).count()
    start = (number - 1) * PER_PAGE
    rows = public_incidents(which, start, start + PER_PAGE)
    return SearchPage(
        head=head,
        query=shown,
        said=_result_sentence(count, start, len(rows)),
        hits=tuple(_hit(world, incident, words, at) for incident in rows),
        earlier=_address(shown, number - 1) if number > 1 else "",
        later=_address(shown, number + 1) if start + PER_PAGE < count and number < MAX_PAGES else "",
    )


def _address(query: str, number: int) -> str:
    return f"{reverse('history_search')}?{urlencode({'q': query, 'page': number})}"


def _result_sentence(count: int, start: int, shown: int) -> str:
    if not count:
        return "No incident has all of these words. Try fewer, or part of a word."
    plural = "incident" if count == 1 else "incidents"
    if count <= PER_PAGE:
        return f"{count} {plural} found."
    return (
        f"{count} {plural} found; these are {start + 1} to {start + shown}." if shown else "No more results."
    )


def _hit(world: World, incident: Incident, words: Sequence[str], at: datetime) -> Hit:
    card = incident_cards.incident(incident, world, at)
    on = card.started_at.astimezone(world.zone)
    excerpt, said_at = _excerpt(incident, words)
    return Hit(
        url=card.url,
        on=f"{on:%a} {on.day} {on:%b %Y}",
        title=pieces(card.title, words),
        words=pieces(excerpt, words),
        said_at=said_at,
        components=pieces(", ".join(card.components), words),
        state=card.state,
        duration=_duration(card),
    )


def _duration(card: IncidentCard) -> str:
    return "ongoing" if card.is_open else card.duration


def _excerpt(incident: Incident, words: Sequence[str]) -> tuple[str, datetime]:
    """The text around the first match in the newest update that has one, and its time;
    else the beginning of the newest post.
    """
    updates = incident_cards.updates(incident)
    pattern = _pattern(words)
    for update in updates:
        text = unescape(to_text(update.body))
        if find := pattern.search(text):
            start, end = max(0, find.start() - AROUND), find.end() + AROUND
            cut = ("… " if start else "") + text[start:end].strip() + (" …" if end < len(text) else "")
            return cut, update.at
    posts = [update for update in updates if update.kind == Kind.POST]
    text = unescape(to_text(posts[0].body)) if posts else ""
    cut = text[: 2 * AROUND].strip() + (" …" if len(text) > 2 * AROUND else "")
    return cut, posts[0].at if posts else incident.started_at


def pieces(text: str, words: Sequence[str]) -> tuple[Piece, ...]:
    """The text cut at the words that were searched for. Templates escape each piece."""
    return tuple(_cut(text, _pattern(words)))


def _pattern(words: Sequence[str]) -> re.Pattern[str]:
    """Longest first, so that “data” does not cut “database” short."""
    longest = sorted(words, key=len, reverse=True)
    return re.compile("|".join(re.escape(word) for word in longest), re.IGNORECASE)


def _cut(text: str, pattern: re.Pattern[str]) -> Iterator[Piece]:
    at = 0
    for find in pattern.finditer(text):
        if find.start() > at:
            yield Piece(text[at : find.start()])
        yield Piece(find.group(), is_found=True)
        at = find.end()
    if at < len(text):
        yield Piece(text[at:])
