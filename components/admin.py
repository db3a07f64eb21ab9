"""Components, groups and probes in Django's admin."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone

from components.models import Component, Group, Page, Probe

admin.site.site_header = "Status page"
admin.site.site_title = "Status page"


class ProbeInline(admin.TabularInline):  # type: ignore[type-arg]
    model = Probe
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
