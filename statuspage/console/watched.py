"""What is watched, in the console: components, groups and probes."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from components.models import Component, Probe
from statuspage.access import needs
from statuspage.models import Role


@require_GET
@needs(Role.VIEWER)
def components_page(request: HttpRequest) -> HttpResponse:
    """All components in the order of the page."""
    request.section = "console_components"  # type: ignore[attr-defined]
    found = Component.objects.select_related("group").order_by("group__position", "position", "id")
    return render(request, "console/components.html", {"found": found})


@require_GET
@needs(Role.VIEWER)
def component_page(request: HttpRequest, public_id: str) -> HttpResponse:
    """One component with its probes."""
    request.section = "console_components"  # type: ignore[attr-defined]
    component = get_object_or_404(Component.objects.select_related("group"), public_id=public_id)
    context = {"component": component, "probes": component.probes.all()}
    return render(request, "console/component.html", context)


@require_GET
@needs(Role.VIEWER)
def probes_page(request: HttpRequest) -> HttpResponse:
    """All probes."""
    request.section = "console_probes"  # type: ignore[attr-defined]
    return render(request, "console/probes.html", {"found": Probe.objects.select_related("component")})


@require_GET
@needs(Role.VIEWER)
def probe_page(request: HttpRequest, public_id: str) -> HttpResponse:
    """One probe and its last results."""
    request.section = "console_probes"  # type: ignore[attr-defined]
    probe = get_object_or_404(Probe.objects.select_related("component"), public_id=public_id)
    context = {"probe": probe, "checks": probe.checks.order_by("-slot")[:50]}
    return render(request, "console/probe.html", context)
