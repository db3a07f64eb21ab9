"""Incidents and their updates in Django's admin. The console is where staff work."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils import timezone

from components.models import Page
from components.status import Status
from incidents import automation, handover, hidden_components
from incidents.lifecycle import Phase, may_move
from incidents.models import Affected, Incident, Post, Update

ASK_IN_CONSOLE = f"{hidden_components.WARNING} Publish it in the console, which asks whether you mean it."


class PostForm(forms.ModelForm):  # type: ignore[type-arg]
    """An incident with one box for the next update: what is typed there is posted on saving."""

    post_phase = forms.ChoiceField(
        label="Phase", choices=[(phase.value, phase.label) for phase in Phase], required=False
    )
    post_body = forms.CharField(
        label="New update",
        required=False,
        max_length=25_000,
        widget=forms.Textarea(attrs={"rows": 5, "cols": 80}),
        help_text="Markdown. If empty, nothing is posted. Your first post takes the incident over.",
    )

    class Meta:
        model = Incident
        fields = ("title", "impact_override", "started_at", "next_update_at")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["post_phase"].initial = self.instance.phase
        self.fields["started_at"].required = False

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        data["started_at"] = data.get("started_at") or timezone.now()
        if self.instance.pk is None and not data.get("post_body", "").strip():
            self.add_error("post_body", "Say what people notice: an incident needs a first update.")
        if data.get("post_body") and not may_move(
            Phase(self.instance.phase), Phase(data.get("post_phase") or self.instance.phase)
        ):
            self.add_error("post_phase", "This incident is resolved: open a new one.")
        return data


class AffectedFormSet(forms.BaseInlineFormSet):  # type: ignore[type-arg]
    """The affected components. If all are hidden, publishing is left to the console, which asks first."""

    def clean(self) -> None:
        super().clean()
        rows = [row.cleaned_data for row in self.forms if row.is_valid()]
        places = [row["component"] for row in rows if row.get("component") and not row.get("DELETE")]
        becomes_public = self.instance.published_at is None and self.data.get("post_body", "").strip()
        if becomes_public and hidden_components.are_all_hidden(places):
            raise ValidationError(ASK_IN_CONSOLE)


class AffectedInline(admin.TabularInline):  # type: ignore[type-arg]
    model = Affected
    fk_name = "incident"
    formset = AffectedFormSet
    fields = ("component", "status", "worst_status")
    extra = 0


class UpdateInline(admin.TabularInline):  # type: ignore[type-arg]
    """The updates. Their text may be corrected; the first wording is kept."""

    model = Update
    fields = ("number", "kind", "phase", "at", "body", "is_by_machine")
    readonly_fields = ("number", "kind", "phase", "at", "is_by_machine")
    extra = 0
    can_delete = False
    ordering = ("-number",)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Incident)
class IncidentAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    form = PostForm
    list_display = ("title", "phase", "shown_impact", "started_at", "resolved_at", "speaker")
    list_filter = ("phase", "is_owned", "is_by_machine")
    search_fields = ("title", "updates__body")
    date_hierarchy = "started_at"
    inlines = (AffectedInline, UpdateInline)
    actions = ("publish", "hand_back")

    @admin.display(description="updates by")
    def speaker(self, incident: Incident) -> str:
        """Who posts the updates: "people", "monitoring", or "suggested, not public"."""
        if incident.published_at is None:
            return "suggested, not public"
        return "people" if incident.is_owned else "monitoring"

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Save edited texts with `Incident.edit`, then post the new update, if there is one."""
        incident: Incident = form.instance
        now = timezone.now()
        for formset in formsets:
            if formset.model is Update:
                for row in formset.forms:
                    if "body" in row.changed_data:
                        update = Update.objects.get(pk=row.instance.pk)
                        incident.edit(update, row.cleaned_data["body"], now)
                # what Django's admin wants to know for its own log
                formset.new_objects, formset.changed_objects, formset.deleted_objects = [], [], []
            else:
                self.save_formset(request, form, formset, change)
        for place in incident.affected.all():
            incident.touch(place.component, Status(place.status), incident.started_at)
        body = form.cleaned_data.get("post_body", "").strip()
        if body:
            sent = Post(
                body,
                phase=form.cleaned_data["post_phase"] or incident.phase,
                next_update_at=form.cleaned_data.get("next_update_at"),
            )
            incident.post(sent, now=now, author=request.user)
        Page.objects.bump_version(takes_away=True, is_public=incident.published_at is not None)

    @admin.action(description="Publish the suggestion")
    def publish(self, request: HttpRequest, queryset: Any) -> None:
        """Publish these suggestions; one with only hidden components is refused."""
        for incident in queryset:
            if incident.is_all_hidden:
                self.message_user(request, f"{incident}: {ASK_IN_CONSOLE}", messages.ERROR)
            else:
                automation.publish(incident, timezone.now())

    @admin.action(description="Hand back to monitoring")
    def hand_back(self, request: HttpRequest, queryset: Any) -> None:
        """Hand these incidents back to the automation."""
        for incident in queryset:
            try:
                handover.hand_back(incident, timezone.now())
            except ValidationError as refused:
                self.message_user(request, "; ".join(refused.messages), messages.ERROR)
