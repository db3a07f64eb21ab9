"""Model fields for text that people wrote: one line or several, without invisible characters.

Cleaned where it goes into the database and where it comes out, so that every way in (forms, commands,
files, the API) is covered, and rows of earlier versions as well. What is kept is legal in XML 1.0,
iCalendar, CSV and the headers of a mail. The characters: Unicode chapter 4.5, UAX #9 and UAX #14.
"""

from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models
from django.db.models.expressions import Combinable

from components.texts import lines, one_line

if TYPE_CHECKING:
    _CharField = models.CharField[str | Combinable, str]
    _TextField = models.TextField[str | Combinable, str]
else:
    _CharField, _TextField = models.CharField, models.TextField


class _Cleaned:
    """A mix-in for a field of Django, which is what migrations record."""

    attname: str
    written_as: ClassVar[str]

    def cleaned(self, text: str) -> str:
        """The text without invisible characters."""
        raise NotImplementedError

    def deconstruct(self) -> Any:
        name, _, args, kwargs = super().deconstruct()  # type: ignore[misc]
        return name, self.written_as, args, kwargs

    def to_python(self, value: Any) -> Any:
        return self.cleaned(super().to_python(value) or "")  # type: ignore[misc]

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        """Set the cleaned text on the instance as well."""
        value = super().pre_save(model_instance, add)  # type: ignore[misc]
        if isinstance(value, str):
            setattr(model_instance, self.attname, self.cleaned(value))
        return value

    def get_prep_value(self, value: Any) -> Any:
        return self._cleaned_text(super().get_prep_value(value))  # type: ignore[misc]

    def from_db_value(self, value: Any, *_: Any) -> Any:
        """Clean what an earlier version of the program stored."""
        return self._cleaned_text(value)

    def _cleaned_text(self, value: Any) -> Any:
        """Only texts are cleaned: expressions and NULL pass."""
        return self.cleaned(value) if isinstance(value, str) else value


class LineField(_Cleaned, _CharField):
    """One line: a title, a name."""

    written_as = "django.db.models.CharField"

    def cleaned(self, text: str) -> str:
        return one_line(text)


class LinesField(_Cleaned, _TextField):
    """Several lines: Markdown that customers read."""

    written_as = "django.db.models.TextField"

    def cleaned(self, text: str) -> str:
        return lines(text)
