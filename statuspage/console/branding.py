"""Settings, Name and branding: name, logo, colour, support link and time zone."""

import difflib
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from components import colours, identity, pictures
from components.identity import Identity
from components.models import Page, Picture
from components.texts import one_line
from statuspage.console.conflicts import ConflictCheck
from statuspage.models import Audit, Role
from statuspage.public import brand
from statuspage.staff.access import needs

TEXTS = ("name", "support_url", "time_zone", "colour")
LOGOS = ("logo", "logo_dark")
PICTURES = {"accept": "image/png,image/jpeg,image/webp"}


class LookForm(ConflictCheck):
    """An empty text means the value of the environment; without an upload the logo stays."""

    acts, audited_id = ("page.look",), ""

    name = forms.CharField(required=False, max_length=60, strip=False)
    logo = forms.FileField(required=False, widget=forms.FileInput(attrs=PICTURES))
    remove_logo = forms.BooleanField(label="Remove the logo, in both themes", required=False)
    logo_dark = forms.FileField(
        label="Logo for the dark theme", required=False, widget=forms.FileInput(attrs=PICTURES),
        help_text="Optional: if the first one is hard to see on a dark page.",
    )  # fmt: skip
    remove_logo_dark = forms.BooleanField(label="Remove the logo for the dark theme", required=False)
    colour = forms.CharField(
        required=False, max_length=20,
        help_text="Such as #0b5fff. It is used around the logo; statuses keep their own colours. Where it "
        "is too faint to read in a theme, that theme uses the nearest readable shade.",
    )  # fmt: skip
    support_url = forms.CharField(
        label="Support link", required=False, max_length=500,
        help_text="Where readers get help when the page has no data: https://… or mailto:…",
    )  # fmt: skip
    time_zone = forms.CharField(
        label="Time zone", required=False, max_length=64,
        widget=forms.TextInput(attrs={"list": "zones", "autocomplete": "off", "spellcheck": "false"}),
        help_text="Sets the days in bars and calendars. Planned maintenance keeps its announced time,"
        " a series keeps the time zone it was created in, and past days are not recalculated.",
    )  # fmt: skip

    def __init__(self, data: Any = None, files: Any = None, *, page: Page) -> None:
        self.page = self.instance = page
        super().__init__(data, files, initial={field: getattr(page, field) for field in TEXTS})
        self.taken: dict[str, Picture] = {}
        if not page.logo:
            del self.fields["remove_logo"]
        if not page.logo_dark:
            del self.fields["remove_logo_dark"]
        defaults = identity.defaults()
        self.fields["name"].help_text = f"1 to 60 characters. Empty: {defaults.name}, from PAGE_NAME."
        self.fields["name"].widget.attrs["placeholder"] = defaults.name
        self.fields["time_zone"].widget.attrs["placeholder"] = defaults.time_zone
        self.fields["support_url"].widget.attrs["placeholder"] = defaults.support_url or "https://…"
        self.fields["logo"].help_text = (
            f"PNG, JPEG or WebP, at most {pictures.MAX_BYTES // 1024} kB; shown {pictures.HEIGHT} pixels"
            " high, so upload it at twice that height. A square logo appears beside the name, a wide one"
            " replaces it."
        )

    def shown_values(self) -> dict[str, str]:
        return {field: getattr(self.page, field) for field in (*TEXTS, *LOGOS)}

    def changes(self, name: str) -> bool:
        """A logo is changed by its file, by its box, and the dark one by the box of both."""
        if name in LOGOS:
            return bool(self.chosen()[name] != getattr(self.page, name))
        return super().changes(name)

    def state_now(self, name: str, value: Any) -> str:
        """Logos without the names of their files, which say nothing."""
        if name in LOGOS:
            return "is another picture now" if value else "was removed"
        return super().state_now(name, value)

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"].strip(" ")
        if any(one_line(sign + "x") != sign + "x" for sign in name if sign != " "):
            raise ValidationError("Write the name on one line, without invisible characters.")
        if name and not one_line(name):
            raise ValidationError("This name is invisible: enter a name, or leave it empty.")
        return name

    def clean_colour(self) -> str:
        text = self.cleaned_data["colour"]
        try:
            return colours.read(text) if text else ""
        except ValueError:
            raise ValidationError(
                f"“{text}” is not a colour: write six hex digits, such as #0b5fff."
            ) from None

    def clean_support_url(self) -> str:
        text: str = self.cleaned_data["support_url"]
        if not text:
            return ""
        try:
            parts = urlsplit(text)
        except ValueError:
            parts = urlsplit("")
        is_mail = parts.scheme == "mailto" and "@" in parts.path.strip("@")
        is_web = parts.scheme == "https" and bool(parts.hostname)
        if " " in text or one_line(text) != text or not (is_mail or is_web):
            mend = f"mailto:{text}" if "@" in text and not parts.scheme else "https://… or mailto:…"
            raise ValidationError(f"Readers cannot follow this address: write {mend}")
        return text

    def clean_time_zone(self) -> str:
        text: str = self.cleaned_data["time_zone"]
        if not text or text in available_timezones():
            return text
        near = difflib.get_close_matches(text, available_timezones(), 1, 0.5)
        raise ValidationError(
            f"“{text}” is not an IANA time zone: write {near[0] if near else 'Europe/Berlin'}"
            f"{'?' if near else ', for example.'}"
        )

    def clean_logo(self) -> "UploadedFile[Any] | None":
        return self._picture("logo")

    def clean_logo_dark(self) -> "UploadedFile[Any] | None":
        return self._picture("logo_dark")

    def _picture(self, field: str) -> "UploadedFile[Any] | None":
        """Validate an uploaded picture; put it into `taken`, unsaved. Raises ValidationError."""
        file: UploadedFile[Any] | None = self.cleaned_data[field]
        if file is not None:
            try:
                self.taken[field] = Picture.objects.of(file.read())
            except pictures.PictureError as error:
                raise ValidationError(str(error)) from error
        return file

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        has_logo = "logo" in self.taken or (self.page.logo and not data.get("remove_logo"))
        if "logo_dark" in self.taken and not has_logo and "logo" not in self.errors:
            self.add_error("logo", "Add a logo for the light theme too: the dark one cannot be used alone.")
        return data

    def warnings(self) -> list[str]:
        """Warnings about pictures that are accepted but heavy."""
        warnings = (
            pictures.weight_warning(str(self.fields[field].label or "Logo"), len(picture.body))
            for field, picture in self.taken.items()
        )
        return [sentence for sentence in warnings if sentence]

    def chosen(self) -> dict[str, str]:
        """The page's columns after saving; invalid ones keep their current value."""
        columns = {field: self.cleaned_data.get(field, getattr(self.page, field)) for field in TEXTS}
        for field in LOGOS:
            is_removed = self.cleaned_data.get(f"remove_{field}") or self.cleaned_data.get("remove_logo")
            current = "" if is_removed else getattr(self.page, field)
            columns[field] = self.taken[field].name if field in self.taken else current
        return columns


@require_http_methods(["GET", "POST"])
@needs(Role.ADMIN)
def form_page(request: HttpRequest) -> HttpResponse:
    """Show the form with a preview, or save what was changed."""
    request.section = "console_settings"  # type: ignore[attr-defined]
    page = Page.objects.this()
    if request.method == "GET":
        return _shown(request, LookForm(page=page), identity.current())
    form = LookForm(request.POST, request.FILES, page=page)
    is_valid = form.is_valid()
    if is_valid and request.POST.get("do", "") != "look":
        save(request, form)
        messages.success(request, "Saved. The page shows it within seconds.")
        for sentence in form.warnings():
            messages.warning(request, sentence)
        return redirect("console_look")
    look = identity.merged(form.chosen())
    return _shown(request, form, look, status=200 if is_valid else 400)


def save(request: HttpRequest, form: LookForm) -> None:
    """Save what was changed, write it to the audit log, and let every process know."""
    with transaction.atomic():
        page = form.page = Page.objects.lock()
        chosen = form.chosen()
        after = {field: value for field, value in chosen.items() if value != getattr(page, field)}
        if not after:
            return
        before = {field: getattr(page, field) for field in after}
        for picture in form.taken.values():
            Picture.objects.keep(picture)
        Page.objects.filter(pk=1).update(**after)
        transaction.on_commit(identity.forget)
        Page.objects.bump_version(takes_away=_remove_pictures(before, chosen))
        Audit.objects.note(request, "page.look", "Name and branding", before=before, after=after)


def _remove_pictures(before: dict[str, str], chosen: dict[str, str]) -> bool:
    """Delete removed pictures and their addresses. Replaced ones stay for old mails. True if any go."""
    removed = {before[field] for field in LOGOS if before.get(field) and not chosen[field]}
    removed -= {chosen[field] for field in LOGOS}
    return bool(Picture.objects.filter(name__in=removed).delete()[0])


def _shown(request: HttpRequest, form: LookForm, look: Identity, *, status: int = 200) -> HttpResponse:
    tried = {picture.name: brand.data_url(picture) for picture in form.taken.values()}
    themes = (colours.LIGHT, colours.DARK)
    context = {
        "form": form,
        "look": brand.head(look, tried),
        "style": brand.preview_url(look),
        "shades": [colours.shade(look.colour, theme) for theme in themes] if look.colour else [],
        "themes": [theme.name for theme in themes],
        "warnings": form.warnings(),
        "zones": sorted(available_timezones()),
    }
    if "HX-Request" in request.headers:  # only the preview, also while other fields have errors
        return render(request, "console/_branding.html", context)
    return render(request, "console/branding.html", context, status=status)
