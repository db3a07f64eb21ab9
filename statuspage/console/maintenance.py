"""Maintenance in the console: list, plan, change, start, complete."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from components import identity
from components.models import Component
from incidents import automation, hidden_components, notification_status, placeholders, windows
from incidents.generated_text import names, verbs
from incidents.models import Maintenance, MaintenanceState, NoticeKind, Template, TemplateKind
from statuspage.console import promises
from statuspage.console.conflicts import ConflictCheck
from statuspage.console.numbers import whole
from statuspage.models import Audit, Role
from statuspage.staff.access import needs

PLANNED = (MaintenanceState.SCHEDULED, MaintenanceState.IN_PROGRESS, MaintenanceState.VERIFYING)
REPEATS = (
    ("", "once"),
    ("FREQ=DAILY", "every day"),
    ("FREQ=WEEKLY", "every week"),
    ("FREQ=WEEKLY;INTERVAL=2", "every two weeks"),
    ("FREQ=MONTHLY", "every month, on this date"),
)

CLOCKS = (
    "Each window keeps its start and end times in {zone} when clocks change. If its start is skipped in "
    "spring, the window moves forward by the gap. If a time comes twice in autumn, a window starts at the "
    "first and ends at the second."
)


class WorkForm(ConflictCheck, forms.ModelForm):  # type: ignore[type-arg]
    """A plan. Times are UTC, as everywhere in the console."""

    acts = ("maintenance.",)

    repeats = forms.ChoiceField(choices=REPEATS, required=False)
    although_hidden = forms.BooleanField(
        required=False, label=hidden_components.CONFIRM, widget=forms.HiddenInput
    )
    although_blank = forms.BooleanField(required=False, label=placeholders.CONFIRM, widget=forms.HiddenInput)

    class Meta:
        model = Maintenance
        fields = ("title", "body", "starts_at", "ends_at", "components", "repeats", "rule", "notice_h",
                  "starts_by_itself", "ends_by_itself")  # fmt: skip
        widgets = {
            "starts_at": forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
            "ends_at": forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
            "body": forms.Textarea(attrs={"rows": 5}),
            "components": forms.CheckboxSelectMultiple,
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chosen: Any = self.fields["components"]
        chosen.queryset = Component.objects.order_by("group__position", "position", "id")
        self.fields["rule"].label = "Or a custom rule"
        self.fields["starts_at"].label, self.fields["ends_at"].label = "Start, UTC", "End, UTC"
        self._explain_clocks()
        if self.instance.pk is not None:
            del self.fields["repeats"], self.fields["although_hidden"]
            if self.instance.series_id:
                del self.fields["rule"]

    def _explain_clocks(self) -> None:
        """What a repeated time means when clocks change."""
        zone = self.instance.zone or identity.current().time_zone
        if zone not in ("UTC", "Etc/UTC"):
            self.fields["rule" if self.instance.pk else "repeats"].help_text = CLOCKS.format(zone=zone)

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        data["rule"] = data.get("rule") or data.pop("repeats", "") or ""
        data.pop("repeats", None)
        is_confirmed = data.pop("although_hidden", False)
        if self.instance.pk is None and hidden_components.are_all_hidden(data.get("components") or ()):
            self.fields["although_hidden"].widget = forms.CheckboxInput()
            if not is_confirmed:
                self.add_error("although_hidden", f"{hidden_components.WARNING} Tick the box to continue.")
        for name in {"starts_at", "ends_at"} & data.keys():
            data[name] = promises.with_seconds(data[name], self.initial.get(name))
        self._ask_about_blanks(data)
        self.instance.rule = data["rule"] if "rule" in self.fields else self.instance.rule
        return data

    def _ask_about_blanks(self, data: dict[str, Any]) -> None:
        """Ask once about placeholders that the plan itself does not fill in."""
        is_confirmed = data.pop("although_blank", False)
        facts = _facts(data) if {"starts_at", "ends_at", "components"} <= data.keys() else {}
        texts = [placeholders.fill(data.get(name, ""), facts) for name in ("title", "body")]
        blanks = [blank for text in texts for blank in placeholders.written(text).values()]
        if blanks:
            self.fields["although_blank"].widget = forms.CheckboxInput()
            if not is_confirmed:
                self.add_error("although_blank", placeholders.question(blanks))


@require_GET
@needs(Role.VIEWER)
def list_page(request: HttpRequest) -> HttpResponse:
    """Maintenance under way and planned, then what is over."""
    request.section = "console_maintenance"  # type: ignore[attr-defined]
    maintenances = Maintenance.objects.prefetch_related("components")
    context = {
        "planned": maintenances.filter(state__in=PLANNED).order_by("starts_at")[:100],
        "over": maintenances.exclude(state__in=PLANNED)[:50],
    }
    return render(request, "console/maintenances.html", context)


@dataclass(frozen=True, slots=True)
class Excused:
    """What the second uptime figure leaves out, or would: a sentence, and the stretch behind it, if any."""

    words: str
    stretch: tuple[datetime, datetime] | None = None

    @classmethod
    def of(cls, work: Maintenance, now: datetime) -> "Excused":
        """The sentence for now: maintenance that has not begun cannot be late yet."""
        nothing = "Nothing is excluded from the second uptime figure:"
        if work.began_at is not None:
            if stretch := work.excused():
                return cls("Excluded from the second uptime figure:", stretch)
            is_told = work.promised() is not None
            why = (
                "it did not take place in the announced time"
                if is_told
                else "it was not announced before it began"
            )
            return cls(f"{nothing} {why}.")
        if work.state == MaintenanceState.CANCELLED:
            return cls(f"{nothing} this maintenance did not take place.")
        ahead = windows.excused(work.plans())
        if ahead is not None and now < ahead[1]:
            return cls("Will be excluded from the second uptime figure:", (max(ahead[0], now), ahead[1]))
        why = "the announced time is over" if ahead else "it was announced after its planned start"
        return cls(f"Nothing will be excluded from the second uptime figure: {why}.")


@require_GET
@needs(Role.VIEWER)
def page(request: HttpRequest, public_id: str) -> HttpResponse:
    """One maintenance, with its plans and updates."""
    request.section = "console_maintenance"  # type: ignore[attr-defined]
    work = _get(public_id)
    plans = work.plans()
    context = {
        "work": work,
        "updates": work.updates.select_related("author").order_by("-number"),
        "plans": work.plan_rows.select_related("author"),
        "binding": windows.binding(plans),
        "late": windows.late_edits(plans),
        "excused": Excused.of(work, timezone.now()),
        "audience": audience(list(work.components.all()), work),
        "clock_changes": work.clock_changes(timezone.now()),
        "now": timezone.now(),
    }
    return render(request, "console/maintenance.html", context)


@require_http_methods(["GET", "POST"])
@needs(Role.RESPONDER)
def form_page(request: HttpRequest, public_id: str = "") -> HttpResponse:
    """Plan maintenance, or change a plan."""
    request.section = "console_maintenance"  # type: ignore[attr-defined]
    work = _get(public_id) if public_id else None
    now = timezone.now()
    if request.method == "GET":
        form = WorkForm(instance=work, initial=None if work else _usual(now, request.GET.get("text", "")))
        return _form(request, form, work)
    form = WorkForm(request.POST, instance=work)
    if not form.is_valid():
        return _form(request, form, work, status=400)
    data = dict(form.cleaned_data)
    before = _plan(_get(public_id)) if work else {}
    try:
        saved = _save(data, work, request.user, now)
    except ValidationError as refused:
        form.add_error(None, refused)
        return _form(request, form, work, status=400)
    if work:
        after = _plan(_get(public_id))
        changed = [name for name in after if after[name] != before[name]]
        logged = ({name: which[name] for name in changed} for which in (before, after))
        Audit.objects.note(request, "maintenance.replan", saved, before=next(logged), after=next(logged))
    else:
        facts = {"starts_at": saved.starts_at, "ends_at": saved.ends_at}
        Audit.objects.note(request, "maintenance.plan", saved, after=facts)
    messages.success(
        request, "Saved. Earlier announcements are kept." if work else "Scheduled and announced."
    )
    return redirect("console_work", public_id=saved.public_id)


def audience(components: list[Component], work: Maintenance | None) -> notification_status.Audience:
    """Who is notified of maintenance of these components."""
    return notification_status.answers().audience(NoticeKind.MAINTENANCE, components, maintenance=work)


@require_POST
@needs(Role.RESPONDER)
def audience_part(request: HttpRequest, public_id: str = "") -> HttpResponse:
    """The line that says who is notified, for the selected components."""
    keys = [key for key in map(whole, request.POST.getlist("components")) if key is not None]
    work = _get(public_id) if public_id else None
    notified = audience(list(Component.objects.filter(pk__in=keys)), work)
    return render(request, "console/_audience.html", {"audience": notified})


def _save(data: dict[str, Any], work: Maintenance | None, author: Any, now: Any) -> Maintenance:
    """Announce it, or change it. Raises ValidationError."""
    facts = _facts(data)
    data |= {name: placeholders.fill(data[name], facts) for name in ("title", "body")}
    if work is None:
        given = {name: data.pop(name) for name in ("title", "body", "starts_at", "ends_at", "components")}
        return Maintenance.objects.plan(**given, now=now, author=author, **data)
    fresh = Maintenance.objects.get(pk=work.pk)
    if fresh.series_id:
        data.pop("rule", None)
    fresh.replan(now, author=author, **data)
    return fresh


def _plan(work: Maintenance) -> dict[str, Any]:
    """The fields of a plan, for the audit log."""
    names = (
        "title",
        "body",
        "starts_at",
        "ends_at",
        "rule",
        "notice_h",
        "starts_by_itself",
        "ends_by_itself",
    )
    concerned = ", ".join(sorted(component.name for component in work.components.all()))
    return {name: getattr(work, name) for name in names} | {"components": concerned}


def _facts(given: dict[str, Any]) -> dict[str, str]:
    """The values of the placeholders that the plan fills in."""
    start, end = (given[name].astimezone(UTC) for name in ("starts_at", "ends_at"))
    affected = [component.name for component in given["components"]]
    return {
        "date": f"{start.day} {start:%B}",
        "start": f"{start:%H:%M}",
        "end": f"{end:%H:%M} UTC" if start.date() == end.date() else f"{end.day} {end:%B}, {end:%H:%M} UTC",
        "components": names(affected),
        **verbs(affected),
        "page": identity.current().name,
    }


def _usual(now: Any, asked: str) -> dict[str, Any]:
    """Initial values: tomorrow, for an hour, with the requested text template or the first one."""
    start = (now + timedelta(days=1)).replace(minute=0, second=0, microsecond=0)
    texts = Template.objects.filter(kind=TemplateKind.MAINTENANCE)
    text = (texts.filter(pk=key) if (key := whole(asked)) else texts).first()
    words = {"title": text.title, "body": text.body} if text else {}
    return {"starts_at": start, "ends_at": start + timedelta(hours=1), **words}


def _form(
    request: HttpRequest, form: WorkForm, work: Maintenance | None, *, status: int = 200
) -> HttpResponse:
    texts = [] if work else list(Template.objects.filter(kind=TemplateKind.MAINTENANCE))
    ticked = [pk for pk in form["components"].value() or () if whole(str(pk)) is not None]
    notified = audience(list(Component.objects.filter(pk__in=ticked)), work)
    changes = work.clock_changes(timezone.now()) if work and status == 200 else []
    context = {"form": form, "work": work, "texts": texts, "audience": notified, "clock_changes": changes}
    return render(request, "console/maintenance_form.html", context, status=status)


def act(name: str, done: str) -> Callable[[Callable[..., None]], Callable[..., HttpResponse]]:
    """A verb of maintenance as a view: POST, show the result, back to its page."""

    def wrap(verb: Callable[..., None]) -> Callable[..., HttpResponse]:
        def view(request: HttpRequest, public_id: str) -> HttpResponse:
            work = _get(public_id)
            before = work.state
            try:
                verb(request, work)
            except ValidationError as refused:
                messages.error(request, " ".join(refused.messages))
            else:
                after = _get(public_id).state
                moved = {"before": {"state": before}, "after": {"state": after}} if before != after else {}
                Audit.objects.note(request, f"maintenance.{name}", work, **moved)
                messages.success(request, done)
            return redirect("console_work", public_id=public_id)

        return require_POST(needs(Role.RESPONDER)(view))

    return wrap


@act("begin", "Maintenance has started.")
def begin(request: HttpRequest, work: Maintenance) -> None:
    """Start it now."""
    work.begin(timezone.now(), author=request.user)


@act("complete", "Maintenance is complete. Anything still down is now an incident.")
def complete(request: HttpRequest, work: Maintenance) -> None:
    """End it now."""
    automation.complete_maintenance(work, timezone.now(), author=request.user)


@act("cancel", "Cancelled and announced.")
def cancel(request: HttpRequest, work: Maintenance) -> None:
    """Cancel it."""
    work.cancel(timezone.now(), author=request.user)


@act("post", "Published.")
def post(request: HttpRequest, work: Maintenance) -> None:
    """Post an update on it."""
    work.post(request.POST.get("body", "")[:25_000], timezone.now(), author=request.user)


def _get(public_id: str) -> Maintenance:
    return get_object_or_404(Maintenance, public_id=public_id)
