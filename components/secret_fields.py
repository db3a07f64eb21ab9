"""The form fields of secret options: a password can be set, kept or removed, never read back."""

from typing import Any

from django import forms
from django.utils.html import format_html

from components.certificate_fields import ATTRIBUTES, SecretArea
from components.probers import PROBERS, Option
from components.sealed_options import is_sealed, secrets_of

REMOVE = "__remove"
KEPT = "Set. Leave empty to keep it."
NEW = "Stored encrypted and never shown again."
AGAIN = format_html("<b>{}</b>", "Enter it again before you save: the form does not keep it.")


def names() -> list[str]:
    """The form fields of all kinds that hold a secret."""
    return [f"{kind}__{option.name}" for kind, prober in PROBERS.items() for option in secrets_of(prober)]


def field_of(option: Option) -> forms.Field:
    """The field of a secret option; its value is never written into a page."""
    widget: forms.Widget = forms.PasswordInput(attrs={"autocomplete": "new-password"})
    if option.type == "secrets":
        widget = SecretArea(attrs=ATTRIBUTES)
    help_text = f"{option.help} {NEW}".strip()
    return forms.CharField(
        label=option.label, required=False, strip=False, widget=widget, help_text=help_text
    )


def note_stored(form: Any, name: str, option: Option, stored: Any) -> None:
    """Say that it is set, and offer to remove it."""
    form.initial.pop(name, None)
    if not is_sealed(stored):
        return
    form.fields[name].help_text = f"{option.help} {KEPT}".strip()
    form.fields[f"{name}{REMOVE}"] = forms.BooleanField(
        label=f"Remove the {option.label[:1].lower()}{option.label[1:]}",
        required=False,
        help_text="No longer sent from the next check on.",
    )


def chosen(data: dict[str, Any], name: str, stored: Any) -> Any:
    """What the options hold from now on: what was typed, else what is stored unless it is removed."""
    if data.get(name):
        return data[name]
    return stored if is_sealed(stored) and not data.get(f"{name}{REMOVE}") else ""


def ask_again(form: Any, kind: str) -> None:
    """For a form that comes back: each secret that was typed is gone with the page."""
    for option in secrets_of(PROBERS[kind]) if kind in PROBERS else ():
        name = f"{kind}__{option.name}"
        if name not in form.fields or not form.data.get(name):
            continue
        if form.errors and name not in form.errors:
            form.add_error(name, AGAIN)
        else:  # shown beside what was tried, or beside what is wrong with it
            form[name].help_text = AGAIN
