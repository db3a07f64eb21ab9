"""Settings, Incidents: which failures share an incident."""

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from components.models import Page
from statuspage.console.conflicts import ConflictCheck
from statuspage.models import Audit, Role
from statuspage.staff.access import needs


class PageForm(ConflictCheck, forms.ModelForm):  # type: ignore[type-arg]
    """The settings of the page about incidents."""

    acts, audited_id = ("page.settings",), ""

    class Meta:
        model = Page
        fields = ("joining", "uptime_target")
        labels = {"joining": "Failures that share one incident"}
        help_texts = {
            "joining": "A failure within the join window (JOIN_WINDOW_S) of the newest one joins the open"
            " automatic incident, so that one cause is one incident."
        }


@require_http_methods(["GET", "POST"])
@needs(Role.ADMIN)
def form_page(request: HttpRequest) -> HttpResponse:
    """Show the settings, or save only what was changed."""
    request.section = "console_settings"  # type: ignore[attr-defined]
    form = PageForm(request.POST or None, instance=Page.objects.this())
    if request.method == "GET" or not form.is_valid():
        status = 200 if request.method == "GET" else 400
        return render(request, "console/settings.html", {"form": form}, status=status)
    changed = list(form.changed_data)
    before = {name: form.initial.get(name) for name in changed}
    after = {name: form.cleaned_data[name] for name in changed}
    if changed:
        with transaction.atomic():
            Page.objects.lock()
            Page.objects.filter(pk=1).update(**after)
            Audit.objects.note(request, "page.settings", "Settings", before=before, after=after)
    messages.success(request, "Settings saved.")
    return redirect("console_settings")
