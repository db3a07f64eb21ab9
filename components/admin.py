"""Components, groups and probes in Django's admin."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils import timezone

from components.models import Component, Group, Page, Probe
from components.probers import PROBERS, Option

admin.site.site_header = "Status page"
admin.site.site_title = "Status page"


def field_of(option: Option) -> forms.Field:
    """The form field of a probe's option."""
    told: dict[str, Any] = {"label": option.label, "help_text": option.help, "required": False}
    if option.type == "bool":
        return forms.BooleanField(initial=option.default, **told)
    if option.type == "choice":
        return forms.ChoiceField(
            choices=[(one, one) for one in option.choices], initial=option.default, **told
        )
    if option.type in ("text", "mapping"):
        initial = "" if option.type == "mapping" else option.default
        return forms.CharField(
            widget=forms.Textarea(attrs={"rows": 3, "cols": 60}), initial=initial, strip=False, **told
        )
    return forms.CharField(initial=option.default, **told)


def name_of(kind: str, option: str) -> str:
    """The name of an option's form field."""
    return f"{kind}__{option}"


class ProbeForm(forms.ModelForm):  # type: ignore[type-arg]
    """A probe with a field for each option of each kind; those of its own kind are kept."""

    class Meta:
        model = Probe
        exclude = ("options",)  # noqa: DJ006 - every field but the one spread over many

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, value in (self.instance.options or {}).items():
            lines = "\n".join(f"{k}: {v}" for k, v in value.items()) if isinstance(value, dict) else value
            self.initial[name_of(self.instance.kind, name)] = lines

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        kind = data.get("kind")
        if kind in PROBERS:
            given = {
                one.name: data.get(name_of(kind, one.name), one.default) for one in PROBERS[kind].options
            }
            told = {one.name for one in PROBERS[kind].options if given[one.name] not in ("", one.default)}
            self.instance.options = {name: value for name, value in given.items() if name in told}
        return data

    def add_error(self, field: str | None, error: Any) -> None:
        """An option's error belongs to the option's own field."""
        of_options = getattr(error, "error_dict", {}).get("options", [])
        for one in of_options:
            name = name_of(self.cleaned_data.get("kind", ""), one.code or "")
            super().add_error(name if name in self.fields else "kind", one)
        if of_options:
            rest = {name: told for name, told in error.error_dict.items() if name != "options"}
            error = ValidationError(rest) if rest else None
        if error is not None:
            super().add_error(field, error)


class FullProbeForm(
    type(  # type: ignore[misc]
        "OptionFields",
        (ProbeForm,),
        {
            name_of(kind, option.name): field_of(option)
            for kind, prober in PROBERS.items()
            for option in prober.options
        },
    )
):
    """The probe's own page, with every option."""


class ShortProbeForm(ProbeForm):
    """A probe in a row of its component; its options stay as they are."""

    def clean(self) -> dict[str, Any]:
        kept = dict(self.instance.options or {})
        data = super().clean()
        self.instance.options = kept if data.get("kind") == self.initial.get("kind") else {}
        return data


class ProbeInline(admin.TabularInline):  # type: ignore[type-arg]
    model = Probe
    form = ShortProbeForm
    fields = ("name", "kind", "target", "interval_s", "timeout_s", "is_paused")
    extra = 0
    show_change_link = True


@admin.register(Group)
class GroupAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("name", "position")
    search_fields = ("name",)

    def save_model(self, request: HttpRequest, obj: Group, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        Page.objects.turn()


@admin.register(Component)
class ComponentAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("name", "group", "status", "position", "is_shown", "auto_incidents")
    list_filter = ("group", "is_shown", "auto_incidents")
    search_fields = ("name", "description")
    readonly_fields = ("status",)
    inlines = (ProbeInline,)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """What staff set by hand shows at once."""
        super().save_related(request, form, formsets, change)
        form.instance.refresh(timezone.now())
        Page.objects.turn()

    def delete_model(self, request: HttpRequest, obj: Component) -> None:
        super().delete_model(request, obj)
        Page.objects.turn()


@admin.register(Probe)
class ProbeAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    form = FullProbeForm
    list_display = ("__str__", "component", "kind", "target", "interval_s", "outcome", "is_paused")
    list_filter = ("kind", "outcome", "is_paused", "region")
    search_fields = ("name", "target", "component__name")
    fieldsets = (
        (None, {"fields": ("component", "name", "kind", "target", "is_paused")}),
        ("When", {"fields": ("interval_s", "timeout_s", "retry_s", "region")}),
        (
            "What is healthy",
            {"fields": ("latency_limit_ms", "least_days_left", "confirm_down", "confirm_up", "down_status")},
        ),
        *(
            (
                f"Only for {prober.label}",
                {"fields": tuple(name_of(kind, option.name) for option in prober.options)},
            )
            for kind, prober in PROBERS.items()
            if prober.options
        ),  # type: ignore[arg-type]
    )

    def save_model(self, request: HttpRequest, obj: Probe, form: Any, change: bool) -> None:
        """A probe that was paused, or looks elsewhere now, changes what its component shows."""
        super().save_model(request, obj, form, change)
        obj.component.refresh(timezone.now())
        Page.objects.turn()

    def delete_model(self, request: HttpRequest, obj: Probe) -> None:
        component = obj.component
        super().delete_model(request, obj)
        component.refresh(timezone.now())
        Page.objects.turn()
