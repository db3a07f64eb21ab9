"""Settings, Regions: those that cannot reach the database, with their keys (docs/regions.md)."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from components.models import Probe, RemoteRegion
from components.models.regional import MAX_REGION_LENGTH
from statuspage.models import Audit, Role
from statuspage.staff.access import needs


class RegionForm(forms.Form):
    """The name of a new region."""

    name = forms.CharField(
        max_length=MAX_REGION_LENGTH,
        help_text="As probes name it under “region”, such as frankfurt.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the list. `skew` is in words, as "0.2 s ahead"."""

    pk: int
    name: str
    last_seen_at: datetime | None
    is_seen: bool
    skew: str
    waiting: int
    lost: int
    checks: int
    old_key_until: datetime | None

    @property
    def removal(self) -> str:
        """What happens when it is removed."""
        checks = f": {self.checks} check{'' if self.checks == 1 else 's'}" if self.checks else ""
        return f"Its key ends at once. What it checks becomes unknown{checks}."


@never_cache
@require_http_methods(["GET", "POST"])
@needs(Role.ADMIN)
def list_page(request: HttpRequest) -> HttpResponse:
    """All remote regions; or add one, whose key is shown in the answer and never again."""
    form = RegionForm(request.POST or None)
    if request.method == "GET":
        return _page(request, form)
    if not form.is_valid():
        return _page(request, form, status=400)
    try:
        with transaction.atomic():
            region, key = RemoteRegion.objects.add(form.cleaned_data["name"], own=settings.REGION)
            Audit.objects.note(request, "region.add", region, after={"name": region.name})
    except forms.ValidationError as refused:
        form.add_error("name", refused)
        return _page(request, form, status=400)
    return _page(request, RegionForm(), region=region, key=key)


@never_cache
@require_POST
@needs(Role.ADMIN)
def rotate(request: HttpRequest, pk: int) -> HttpResponse:
    """A new key, shown in the answer; the one before it is valid for a day more, or ends now (`at_once`)."""
    at_once = request.POST.get("at_once") == "yes"
    with transaction.atomic():
        region = get_object_or_404(RemoteRegion.objects.select_for_update(), pk=pk)
        key = region.rotate(timezone.now(), at_once=at_once)
        Audit.objects.note(request, "region.rotate", region, after={"at once": at_once})
    return _page(request, RegionForm(), region=region, key=key, is_ended=at_once)


@require_POST
@needs(Role.ADMIN)
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Its key is no longer valid. Its probes become unknown."""
    with transaction.atomic():
        region = get_object_or_404(RemoteRegion.objects.select_for_update(), pk=pk)
        Audit.objects.note(request, "region.remove", region, before={"name": region.name}, after={"name": ""})
        region.delete()
    messages.success(request, f"Region {region.name} was removed: its key is no longer valid.")
    return redirect("console_regions")


def _page(request: HttpRequest, form: RegionForm, *, status: int = 200, **more: Any) -> HttpResponse:
    request.section = "console_settings"  # type: ignore[attr-defined]
    context = {"form": form, "lines": _lines(timezone.now()), "server": settings.PUBLIC_URL, **more}
    return render(request, "console/regions.html", context, status=status)


def _lines(now: datetime) -> list[Line]:
    checks = Counter(Probe.objects.filter(is_paused=False).order_by().values_list("region", flat=True))
    return [
        Line(
            region.pk,
            region.name,
            region.last_seen_at,
            region.is_seen(now),
            f"{abs(region.skew_s):.1f} s {'ahead' if region.skew_s > 0 else 'behind'}",
            region.waiting,
            region.lost,
            checks[region.name],
            region.old_key_until if region.old_key_until and region.old_key_until > now else None,
        )
        for region in RemoteRegion.objects.all()
    ]
