"""URL converters for months, days, hours and feed formats; only those that exist, in ASCII digits.

What a converter refuses matches no address, so it is a 404 before anything is gathered.
"""

from datetime import date

from django.urls import register_converter


class MonthConverter:
    """ "2026-11", handed on as text."""

    regex = "[0-9]{4}-[0-9]{2}"

    def to_python(self, text: str) -> str:
        """Raises ValueError for a month that no calendar has."""
        date.fromisoformat(f"{text}-01")
        return text

    def to_url(self, text: str) -> str:
        """The same."""
        return text


class DayConverter:
    """ "2026-11-17"."""

    regex = "[0-9]{4}-[0-9]{2}-[0-9]{2}"

    def to_python(self, text: str) -> date:
        """Raises ValueError for a day that no calendar has."""
        return date.fromisoformat(text)

    def to_url(self, day: date) -> str:
        """ISO 8601."""
        return day.isoformat()


class HourConverter:
    """ "08" by the clock of the page's zone; "02b" is the second hour of that name when clocks go back."""

    regex = "[0-2][0-9]b?"

    def to_python(self, text: str) -> str:
        """As it is: the day knows which hours it has."""
        return text

    def to_url(self, text: str) -> str:
        """The same."""
        return text


class FeedConverter:
    """ "history.atom", "history.rss" (their names at Statuspage) or "feed.json"."""

    regex = r"history\.atom|history\.rss|feed\.json"

    def to_python(self, text: str) -> str:
        """As it is."""
        return text

    def to_url(self, text: str) -> str:
        """The same."""
        return text


def register() -> None:
    """Register the converters with Django."""
    register_converter(MonthConverter, "month")
    register_converter(DayConverter, "day")
    register_converter(HourConverter, "hour")
    register_converter(FeedConverter, "feed")
