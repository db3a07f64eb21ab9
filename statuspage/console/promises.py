"""The promised time of the next update, and the sentence in the text that states it.

A choice such as "in 30 min" counts from when the form was opened, so that the
time beside it, the text and the banner stay as the writer sees them; it counts
from now once too little of it is left. If the time changes, the time that we
have put into the text is changed as well.
"""

import re
from datetime import UTC, datetime, timedelta

from django.core.exceptions import ValidationError

from incidents.times import clock

PRESETS = (15, 30, 60)  # minutes
USUAL = 30


def preset(minutes: int, opened: str, now: datetime) -> datetime:
    """The time of "in 30 min": at least half of the minutes are left."""
    at = _rounded(min(_read(opened) or now, now) + timedelta(minutes=minutes))
    return at if at - now >= timedelta(minutes=minutes) / 2 else _rounded(now + timedelta(minutes=minutes))


def _rounded(at: datetime) -> datetime:
    """Rounded up to five minutes, so that people can remember it."""
    return at + timedelta(seconds=-at.timestamp() % 300)


def _read(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def follow(body: str, stated: str, promised: datetime | None, now: datetime) -> tuple[str, str]:
    """What to replace in the text, and by what, so that it states this promise. Both equal: nothing.

    `stated`: the time in the text so far. Without a promise its whole sentence is removed.
    """
    match = _standing(stated).search(body) if stated else None
    if match is None:
        return "", ""
    if promised is not None:
        return stated, clock(promised, now)
    sentence = re.search(rf"[ \t]*[^.!?\n]*{re.escape(stated)}[^.!?\n]*[.!?]?", body)
    whole = sentence[0] if sentence else ""
    return (whole, "") if whole.strip() != body.strip() else ("", "")


def put(body: str, was: str, new: str) -> str:
    """The text with every occurrence replaced."""
    return _standing(was).sub(lambda _: new, body) if was else body


def _standing(text: str) -> re.Pattern[str]:
    """Matches a time that stands alone: "00:25 UTC" is not found in "26 Nov, 00:25 UTC"."""
    return re.compile(
        rf"(?<![\w:])(?<!\w, ){re.escape(text)}(?!\w)" if text[:1].isdigit() else re.escape(text)
    )


def with_seconds(at: datetime, stood: datetime | None) -> datetime:
    """`at`, from a field of whole minutes; the stored time, with its seconds, if it is the same minute."""
    is_same = stood is not None and stood.replace(second=0, microsecond=0) == at
    return stood if stood is not None and is_same else at


def moment(text: str, name: str, label: str, *, now: datetime | None = None) -> datetime:
    """A time as typed: "2026-11-21T03:50" or "03:50" (today, or tomorrow if that has passed), UTC.

    Raises ValidationError naming the field.
    """
    text = text.strip().removesuffix("UTC").removesuffix("Z").strip()
    try:
        if now is not None and len(text) <= 5:
            hour, minute = text.split(":")
            at = now.astimezone(UTC).replace(hour=int(hour), minute=int(minute), second=0, microsecond=0)
            return at if at > now else at + timedelta(days=1)
        at = datetime.fromisoformat(text)
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        sentence = f"{label}: “{text[:40]}” is not a time. Write it as 03:50 or 2026-11-21T03:50 (UTC)."
        raise ValidationError({name: sentence}) from error
