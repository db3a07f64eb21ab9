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
    """Beside a field of Django's, which is what migrations see."""

    attname: str
    written_as: ClassVar[str]

    def kept(self, text: str) -> str:
        """What is kept of a text."""
        raise NotImplementedError

    def deconstruct(self) -> Any:
        name, _, args, kwargs = super().deconstruct()  # type: ignore[misc]
        return name, self.written_as, args, kwargs

    def to_python(self, value: Any) -> Any:
        return self.kept(super().to_python(value) or "")  # type: ignore[misc]

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        """What is in hand is what was kept."""
        value = super().pre_save(model_instance, add)  # type: ignore[misc]
        if isinstance(value, str):
            setattr(model_instance, self.attname, self.kept(value))
        return value

    def get_prep_value(self, value: Any) -> Any:
        return self._known(super().get_prep_value(value))  # type: ignore[misc]

    def from_db_value(self, value: Any, *_: Any) -> Any:
        """A row of an earlier version holds what was taken then."""
        return self._known(value)

    def _known(self, value: Any) -> Any:
        """Only texts are cleaned: expressions and NULL pass."""
        return self.kept(value) if isinstance(value, str) else value


class LineField(_Cleaned, _CharField):
    """One line: a title, a name."""

    written_as = "django.db.models.CharField"

    def kept(self, text: str) -> str:
        return one_line(text)


class LinesField(_Cleaned, _TextField):
    """Several lines: Markdown that customers read."""

    written_as = "django.db.models.TextField"

    def kept(self, text: str) -> str:
        return lines(text)
