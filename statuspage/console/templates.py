"""Text templates in the console."""

from typing import Any

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from incidents import placeholders
from incidents.generated_text import verbs
from incidents.markdown import to_html
from incidents.models import Template, TemplateKind
from statuspage.console.conflicts import ConflictCheck
from statuspage.models import Audit, Role
from statuspage.staff.access import needs

# Example values, one for every placeholder that the system fills
SAMPLES = {
    "components": "Chat",
    "page": "Example",
    "now": "03:20 UTC",
    "next": "03:50 UTC",
    "what works": "Posts and Sign-in",
    "started": "02:58 UTC",
    "duration": "22 min",
    "title": "Chat cannot be reached",
    **verbs(["Chat"]),
}
MEANINGS = (
    ("components", "the affected components"),
    ("is", "“is”, or “are” if several are affected; likewise {was}, {has}, {does}"),
    ("what works", "components of the same group that work"),
    ("now", "the current time; with Monitoring and Resolved, when it recovered"),
    ("next", "when the next update is promised for"),
    ("started", "when the incident began"),
    ("duration", "how long it has lasted, until it recovered"),
    ("title", "the incident's title"),
    ("page", "the name of this page"),
)


class TemplateForm(ConflictCheck, forms.ModelForm):  # type: ignore[type-arg]
    """The fields of a text template."""

    acts = ("template.",)

    class Meta:
        model = Template
        fields = ("kind", "name", "phase", "title", "body")
        widgets = {"body": forms.Textarea(attrs={"rows": 7})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        phase: Any = self.fields["phase"]
        phase.choices = [("", "none: the phase stays as it is"), *phase.choices[1:]]


@require_GET
@needs(Role.VIEWER)
def list_page(request: HttpRequest) -> HttpResponse:
    """All text templates by kind."""
    request.section = "console_templates"  # type: ignore[attr-defined]
    texts = list(Template.objects.all())
    kinds = [(kind.label, [text for text in texts if text.kind == kind]) for kind in TemplateKind]
    context = {"kinds": kinds, "meanings": MEANINGS, "focus": request.GET.get("focus", "")[:40]}
    return render(request, "console/templates.html", context)


@require_http_methods(["GET", "POST"])
@needs(Role.EDITOR)
def form_page(request: HttpRequest, pk: int = 0) -> HttpResponse:
    """Edit a text template, preview it with example values, or save it."""
    request.section = "console_templates"  # type: ignore[attr-defined]
    text = get_object_or_404(Template, pk=pk) if pk else None
    form = TemplateForm(request.POST or None, instance=text)
    context: dict[str, Any] = {"form": form, "text": text, "meanings": MEANINGS}
    if request.method == "GET":
        shown = _shown(text.title, text.body) if text else None
        return render(request, "console/template_form.html", context | {"shown": shown})
    if not form.is_valid():
        return render(request, "console/template_form.html", context, status=400)
    data = form.cleaned_data
    if request.POST.get("do") == "preview":
        context["shown"] = _shown(data["title"], data["body"])
        return render(request, "console/template_form.html", context)
    before = {name: form.initial.get(name) for name in form.changed_data} if text else None
    saved = form.save(commit=False)
    with transaction.atomic():
        if text is None or "kind" in form.changed_data:
            saved.position = Template.objects.filter(kind=saved.kind).count() + 1
        saved.save()
        act = "template.edit" if text else "template.create"
        Audit.objects.note(
            request, act, saved, before=before, after={name: data[name] for name in form.changed_data}
        )
    messages.success(request, f"“{saved.name}” is saved.")
    return redirect("console_templates")


def _shown(title: str, body: str) -> dict[str, Any]:
    """The preview with example values, and the placeholders that stay for the writer."""
    filled = placeholders.fill(body, SAMPLES)
    sample_names = {name.casefold() for name in SAMPLES}
    unfilled = [
        name for name in placeholders.blanks(body) if " ".join(name.split()).casefold() not in sample_names
    ]
    return {"title": placeholders.fill(title, SAMPLES), "html": to_html(filled), "left": unfilled}


@require_POST
@needs(Role.EDITOR)
def move(request: HttpRequest, pk: int) -> HttpResponse:
    """Move it one place up or down within its kind."""
    text, way = get_object_or_404(Template, pk=pk), request.POST.get("way", "")
    by = {"up": -1, "down": 1}.get(way, 0)
    with transaction.atomic():
        row = list(Template.objects.select_for_update().filter(kind=text.kind))
        place = row.index(text)
        if 0 <= place + by < len(row):
            row.insert(place + by, row.pop(place))
        for number, template in enumerate(row, start=1):
            template.position = number
        Template.objects.bulk_update(row, ["position"])
        Audit.objects.note(request, "template.move", text, after={"position": row.index(text) + 1})
    messages.success(request, f"“{text.name}” is number {row.index(text) + 1} of {len(row)} now.")
    return redirect(f"{reverse('console_templates')}?focus={'up' if by < 0 else 'down'}-{pk}")


@require_POST
@needs(Role.EDITOR)
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete a text template."""
    text = get_object_or_404(Template, pk=pk)
    with transaction.atomic():
        facts = {"kind": text.kind, "name": text.name, "title": text.title, "body": text.body}
        Audit.objects.note(request, "template.delete", text, before=facts)
        text.delete()
    messages.success(request, f"“{text.name}” is deleted.")
    return redirect("console_templates")
