"""Text that people wrote, as it is kept: one line of it, or several, without what nobody can see.

Cleaned where it goes into the database and where it comes out, so that every way in (forms, commands,
files, the API) is covered, and rows of earlier versions as well. What is kept is legal in XML 1.0,
iCalendar, CSV and the headers of a mail. The characters: Unicode chapter 4.5, UAX #9 and UAX #14.
"""

from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models.expressions import Combinable

from components.texts import lines, one_line

__all__ = ["LineField", "LinesField", "lines", "one_line"]

if TYPE_CHECKING:
    _CharField = models.CharField[str | Combinable, str]
    _TextField = models.TextField[str | Combinable, str]
else:
    _CharField, _TextField = models.CharField, models.TextField


class LineField(_CharField):
    """One line: a title, a name. Migrations see Django's own field."""

    def deconstruct(self) -> Any:
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.CharField", args, kwargs

    def to_python(self, value: Any) -> Any:
        return one_line(super().to_python(value) or "")

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        """What is in hand is what was kept."""
        value = super().pre_save(model_instance, add)
        if isinstance(value, str):
            setattr(model_instance, self.attname, one_line(value))
        return value

    def get_prep_value(self, value: Any) -> Any:
        value = super().get_prep_value(value)
        return one_line(value) if isinstance(value, str) else value

    def from_db_value(self, value: Any, *_: Any) -> Any:
        """A row of an earlier version holds what was taken then."""
        return one_line(value) if isinstance(value, str) else value


class LinesField(_TextField):
    """Several lines: Markdown that customers read. Migrations see Django's own field."""

    def deconstruct(self) -> Any:
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.TextField", args, kwargs

    def to_python(self, value: Any) -> Any:
        return lines(super().to_python(value) or "")

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        """What is in hand is what was kept."""
        value = super().pre_save(model_instance, add)
        if isinstance(value, str):
            setattr(model_instance, self.attname, lines(value))
        return value

    def get_prep_value(self, value: Any) -> Any:
        value = super().get_prep_value(value)
        return lines(value) if isinstance(value, str) else value

    def from_db_value(self, value: Any, *_: Any) -> Any:
        """A row of an earlier version holds what was taken then."""
        return lines(value) if isinstance(value, str) else value
