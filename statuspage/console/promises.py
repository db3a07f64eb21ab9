"""The promised time of the next update, and the sentence in the text that states it.

A choice such as "in 30 min" is reckoned from when the form was opened, so that
the time beside it, the words and the banner stay what its writer sees; from now
once too little of it is left. Where the moment changes, the clock that we have
put into the words follows.
"""

import re
from datetime import UTC, datetime, timedelta

from django.core.exceptions import ValidationError

from incidents.times import clock

PRESETS = (15, 30, 60)  # minutes
USUAL = 30


def preset(minutes: int, opened: str, now: datetime) -> datetime:
    """When "in so many minutes" is; at least half of them are left."""
    at = _rounded(min(_read(opened) or now, now) + timedelta(minutes=minutes))
    return at if at - now >= timedelta(minutes=minutes) / 2 else _rounded(now + timedelta(minutes=minutes))


def _rounded(at: datetime) -> datetime:
    """Up to five minutes: a time that people can remember."""
    return at + timedelta(seconds=-at.timestamp() % 300)


def _read(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def follow(body: str, told: str, promised: datetime | None, now: datetime) -> tuple[str, str]:
    """What to replace in the words, by what, so that they tell this promise. Two alike: nothing.

    `told`: the clock that was put in. Without a promise the whole sentence goes.
    """
    found = _standing(told).search(body) if told else None
    if found is None:
        return "", ""
    if promised is not None:
        return told, clock(promised, now)
    sentence = re.search(rf"[ \t]*[^.!?\n]*{re.escape(told)}[^.!?\n]*[.!?]?", body)
    whole = sentence[0] if sentence else ""
    return (whole, "") if whole.strip() != body.strip() else ("", "")


def put(body: str, was: str, new: str) -> str:
    """The words with every place of it replaced."""
    return _standing(was).sub(lambda _: new, body) if was else body


def _standing(text: str) -> re.Pattern[str]:
    """A clock by itself: "00:25 UTC" does not stand in "26 Nov, 00:25 UTC"."""
    return re.compile(
        rf"(?<![\w:])(?<!\w, ){re.escape(text)}(?!\w)" if text[:1].isdigit() else re.escape(text)
    )


def kept(at: datetime, stood: datetime | None) -> datetime:
    """`at` as a field of whole minutes sends it; what `stood` there when that is the same minute."""
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
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError as error:
        sentence = f"{label}: “{text[:40]}” is not a time. Write it as 03:50 or 2026-11-21T03:50 (UTC)."
        raise ValidationError({name: sentence}) from error
