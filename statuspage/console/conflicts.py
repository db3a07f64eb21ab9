"""Two forms of the same thing: the one that was opened first does not overwrite what the other saved.

A form carries a short digest of each value that it showed. Values that differ when it is sent were
changed meanwhile: then nothing is saved, the form says what they are now and who changed them, and a
box saves over them. Only values of the form count, so what automation writes into the same row
(outcomes, times) is no conflict.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any, ClassVar

from django import forms
from django.db.models import Model, Q
from django.forms.models import model_to_dict

from components.sealed_options import is_sealed
from incidents.times import clock
from statuspage.models import Audit
from statuspage.requests.idempotency import SAVING

SHOWN, OVERWRITE = "opened_with", "save_over"
MAX_SHOWN = 200  # characters of a value in the message
MAX_ROWS = 50  # of the audit log, read for one conflict
REFUSED = "This was changed after you opened the form, so nothing was saved. Your entries are still below."
MEND = "Tick this box to do so, or change your entries."
AGAIN = "Enter or choose it again: the form does not keep it."


class Unsaved(forms.CharField):
    """A field of the form alone: never a change of what is edited."""

    def has_changed(self, initial: Any, data: Any) -> bool:
        return False


@dataclass(frozen=True, slots=True)
class Change:
    """Who changed a field, and when, as the audit log has it."""

    actor: str
    at: datetime

    def __str__(self) -> str:
        return f"{self.actor} on {clock(self.at)}"


class ConflictCheck(forms.Form):
    """A form that is refused once if what it shows was changed since.

    `acts` are the beginnings of the acts in the audit log that change these fields; `logged_as` the
    names there of fields that are called something else.
    """

    acts: ClassVar[tuple[str, ...]] = ()
    logged_as: ClassVar[Mapping[str, str]] = {}
    audited_id: ClassVar[str | None] = None  # of what has no row of its own; else that of the row
    instance: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._values = self.shown_values() if self.is_of_a_row else {}  # before the form writes its own
        self._digests = {name: digest(value) for name, value in self._values.items()}
        if not self._digests:
            return
        self.fields[SHOWN] = Unsaved(required=False, widget=forms.HiddenInput)
        self.fields[OVERWRITE] = Unsaved(
            required=False, widget=forms.HiddenInput, label="Save my entries over the newer ones"
        )
        self.initial.setdefault(SHOWN, written(self._digests))
        self.initial.pop(OVERWRITE, None)

    @property
    def is_of_a_row(self) -> bool:
        """Whether it changes something that exists already."""
        return self.instance.pk is not None

    def shown_values(self) -> dict[str, Any]:
        """The stored values behind the fields, by name."""
        meta: Any = self._meta  # type: ignore[attr-defined]
        return model_to_dict(self.instance, meta.fields, meta.exclude)

    def audit_rows(self) -> Q:
        """The rows of the audit log about the thing that is edited."""
        own = str(getattr(self.instance, "public_id", self.instance.pk))
        return Q(public_id=own if self.audited_id is None else self.audited_id)

    def clean(self) -> Any:
        data = super().clean()
        given, confirmed = self.data.get(SHOWN, ""), self.data.get(OVERWRITE, "")
        for name in (SHOWN, OVERWRITE):
            self.cleaned_data.pop(name, None)
        is_saving = self.data.get("do", "") in SAVING
        # without digests the page is older than this check, or it is no form of ours
        if given and self._digests and is_saving and confirmed != written(self._digests):
            self._refuse(self._overwritten(read(given)))
        return data

    def _overwritten(self, shown: Mapping[str, str]) -> list[str]:
        """The names of values that were changed meanwhile and that this form would change back."""
        names = {**shown, **self._digests}
        changed = [name for name in names if shown.get(name) != self._digests.get(name)]
        return [name for name in changed if self.changes(name)]

    def changes(self, name: str) -> bool:
        """Whether this form, as it was sent, would change a value; one without a field of its own does."""
        return name not in self.fields or name in self.changed_data

    def _refuse(self, names: list[str]) -> None:
        if not names:
            return
        # its value names what is overwritten, so that a third change asks again
        box = forms.CheckboxInput({"value": written(self._digests)}, check_test=lambda value: False)
        self.fields[OVERWRITE].widget = box
        self.add_error(None, REFUSED)
        self.add_error(OVERWRITE, MEND)
        changes = self._changes()
        for name in names:
            self.add_error(None, self._sentence(name, changes.get(self._logged_name(name))))
        for name, field in self.fields.items():
            is_lost = isinstance(field, forms.FileField) or isinstance(field.widget, forms.PasswordInput)
            if is_lost and (self.data.get(name) or self.files.get(name)) and name not in self.errors:
                self.add_error(name, AGAIN)

    def _changes(self) -> dict[str, Change]:
        """The last change of each name in the audit log."""
        of_acts = reduce(or_, (Q(act__startswith=act) for act in self.acts))
        changes: dict[str, Change] = {}
        for row in Audit.objects.filter(self.audit_rows(), of_acts).order_by("-id")[:MAX_ROWS]:
            for name in row.after or {}:
                changes.setdefault(name, Change(row.actor, row.at))
        return changes

    def _logged_name(self, name: str) -> str:
        return self.logged_as.get(name, "options" if "__" in name else name)

    def _sentence(self, name: str, change: Change | None) -> str:
        """“Name is now “Shop”, changed by ada on 28 Nov 2026, 12:04 UTC.”"""
        field = self.fields.get(name)
        label = str((field and field.label) or name.rpartition("__")[2].replace("_", " "))
        state = self.state_now(name, self._values.get(name))
        who = f", changed by {change}" if change else ""
        return f"{label[:1].upper()}{label[1:]} {state}{who}."

    def state_now(self, name: str, value: Any) -> str:
        """What has become of a value, as it goes on after the name of its field."""
        return "was changed" if is_sealed(value) else f"is now {in_words(self.fields.get(name), value)}"


def digest(value: Any) -> str:
    """Eight hex digits: of a list of rows in any order, of everything else as it is stored."""
    if isinstance(value, list) and value and isinstance(value[0], Model):
        value = sorted(row.pk for row in value)
    text = repr(value.pk if isinstance(value, Model) else value)
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()[:8]


def written(digests: Mapping[str, str]) -> str:
    """As a hidden field carries them, in one word: "name=1a2b3c4d,description=5e6f7a8b"."""
    return ",".join(f"{name}={value}" for name, value in digests.items())


def read(text: str) -> dict[str, str]:
    """Digests by name, from what `written` wrote; what is no pair is left out."""
    pairs = (pair.partition("=") for pair in text.split(","))
    return {name: value for name, sign, value in pairs if sign}


def in_words(field: Any, value: Any) -> str:
    """A stored value as the form shows it, in quotes; "empty" if it is."""
    if value is None or value in ("", []):
        return "empty"
    if isinstance(value, bool):
        return "“yes”" if value else "“no”"
    choices: Iterable[Any] = getattr(field, "choices", None) or ()
    values = value if isinstance(value, list) else [value]
    keys = {str(item.pk if isinstance(item, Model) else item) for item in values}
    labels = [str(label) for key, label in choices if str(key) in keys]
    text = ", ".join(labels or map(str, values))
    return f"“{text[:MAX_SHOWN]}{'…' if len(text) > MAX_SHOWN else ''}”"
