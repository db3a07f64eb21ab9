"""Components, groups and probes in Django's admin."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.contrib import admin
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from components.forms import FullProbeForm, ShortProbeForm, name_of
from components.models import Component, Group, Page, Probe
from components.probers import PROBERS

admin.site.site_header = "Status page"
admin.site.site_title = "Status page"


@contextmanager
def lost_certificates(request: Any) -> Iterator[None]:
    """Write to the audit log which client certificates are removed inside (the new kind presents none)."""
    now = timezone.now()
    with_certificate = Probe.objects.exclude(client_certificate="")
    summaries = {probe.pk: probe.certificate_summary(now) for probe in with_certificate}
    yield
    for probe in Probe.objects.filter(pk__in=summaries, client_certificate=""):
        before = {"client_certificate": summaries[probe.pk]}
        request.note("probe.edit", probe, before=before, after={"client_certificate": "none"})


class ProbeInline(admin.TabularInline):  # type: ignore[type-arg]
    model = Probe
    form = ShortProbeForm
    fields = ("name", "kind", "target", "interval_s", "timeout_s", "is_paused")
    extra = 0
    show_change_link = True


class OneByOneAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Deletes selected rows one at a time, so that `delete_model` runs for each."""

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        with transaction.atomic():
            Page.objects.lock()
            for row in queryset:
                self.delete_model(request, row)


@admin.register(Group)
class GroupAdmin(OneByOneAdmin):
    list_display = ("name", "position")
    search_fields = ("name",)

    def save_model(self, request: HttpRequest, obj: Group, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        Page.objects.bump_version(takes_away=True)

    def delete_model(self, request: HttpRequest, obj: Group) -> None:
        super().delete_model(request, obj)
        Page.objects.bump_version(takes_away=True)


@admin.register(Component)
class ComponentAdmin(OneByOneAdmin):
    list_display = ("name", "group", "status", "position", "is_shown", "auto_incidents")
    list_filter = ("group", "is_shown", "auto_incidents")
    search_fields = ("name", "description")
    readonly_fields = ("status",)
    exclude = ("needs",)  # chosen in the console, which refuses circles
    inlines = (ProbeInline,)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Show a status set by hand at once."""
        with lost_certificates(request):
            super().save_related(request, form, formsets, change)
        form.instance.refresh(timezone.now())
        form.instance.judge_again(timezone.now())
        is_public = form.instance.is_shown or "is_shown" in form.changed_data
        Page.objects.bump_version(takes_away=True, is_public=is_public)

    def delete_model(self, request: HttpRequest, obj: Component) -> None:
        super().delete_model(request, obj)
        Page.objects.bump_version(takes_away=True, is_public=obj.is_shown)


@admin.register(Probe)
class ProbeAdmin(OneByOneAdmin):
    form = FullProbeForm
    list_display = ("__str__", "component", "kind", "target", "interval_s", "outcome", "is_paused")
    list_filter = ("kind", "outcome", "is_paused", "region")
    search_fields = ("name", "target", "component__name")
    fieldsets = (
        (None, {"fields": ("component", "name", "kind", "target", "is_paused")}),
        ("Schedule", {"fields": ("interval_s", "timeout_s", "retry_s", "region")}),
        (
            "Thresholds",
            {
                "fields": (
                    "latency_limit_ms",
                    "least_days_left",
                    "confirm_down",
                    "confirm_up",
                    "unsteady_count",
                    "unsteady_window",
                    "down_status",
                )
            },
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
        """Pausing a probe, or moving it to another component, changes what the components show."""
        previous = Component.objects.filter(probes=obj.pk).exclude(pk=obj.component_id).first()
        with lost_certificates(request):
            super().save_model(request, obj, form, change)
        if previous is not None:
            previous.refresh(timezone.now())
        obj.component.refresh(timezone.now())
        obj.component.judge_again(timezone.now())
        is_public = obj.component.is_shown or (previous is not None and previous.is_shown)
        Page.objects.bump_version(takes_away=True, is_public=is_public)

    def delete_model(self, request: HttpRequest, obj: Probe) -> None:
        component = obj.component
        super().delete_model(request, obj)
        component.refresh(timezone.now())
        Page.objects.bump_version(takes_away=True, is_public=component.is_shown)
