"""Settings, Deploys: the secret addresses where CI reports deploys, and the newest markers."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from components.models import Component, DeployAddress, DeployMarker
from components.models.deploy_address import MAX_NAME_LENGTH
from statuspage.models import Audit, Role
from statuspage.staff.access import needs

MAX_MARKERS = 20
MAX_ADDRESSES = 100
REMOVAL = "Reports to this address will be refused. Deploys that were already reported stay."
TOO_MANY = f"There are {MAX_ADDRESSES} addresses already: remove one that is not used any more."


class DeployAddressForm(forms.Form):
    """Who reports, and of what."""

    name = forms.CharField(
        max_length=MAX_NAME_LENGTH,
        help_text="Who uses it, such as “GitHub Actions, shop”.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    component = forms.ModelChoiceField(
        Component.objects.order_by("name"),
        required=False,
        empty_label="any (each report names it)",
        help_text="Limits the address to deploys of this component.",
    )


@never_cache
@require_http_methods(["GET", "POST"])
@needs(Role.ADMIN)
def list_page(request: HttpRequest) -> HttpResponse:
    """All addresses; or add one, which is shown in the answer and never again."""
    form = DeployAddressForm(request.POST or None)
    if request.method == "GET":
        return _page(request, form)
    if form.is_valid() and DeployAddress.objects.count() >= MAX_ADDRESSES:
        form.add_error(None, TOO_MANY)
    if not form.is_valid():
        return _page(request, form, status=400)
    given = form.cleaned_data
    with transaction.atomic():
        address, key = DeployAddress.objects.add(given["name"], given["component"])
        after = {"name": address.name, "component": str(given["component"] or "any")}
        Audit.objects.note(request, "deploy_address.add", address, after=after)
    return _page(request, DeployAddressForm(), address=address, url=f"{settings.PUBLIC_URL}/deploy/{key}")


@require_POST
@needs(Role.ADMIN)
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Its address takes no reports any more, within seconds. Markers stay."""
    with transaction.atomic():
        address = get_object_or_404(DeployAddress.objects.select_for_update(), pk=pk)
        before = {"name": address.name}
        Audit.objects.note(request, "deploy_address.remove", address, before=before, after={"name": ""})
        address.delete()
    messages.success(request, f"The address of “{address.name}” was removed. It no longer accepts reports.")
    return redirect("console_deploys")


def _page(request: HttpRequest, form: DeployAddressForm, *, status: int = 200, **more: Any) -> HttpResponse:
    request.section = "console_settings"  # type: ignore[attr-defined]
    context = {
        "form": form,
        "removal": REMOVAL,
        "addresses": DeployAddress.objects.select_related("component"),
        "markers": DeployMarker.objects.select_related("component")[:MAX_MARKERS],
        **more,
    }
    return render(request, "console/deploys.html", context, status=status)
