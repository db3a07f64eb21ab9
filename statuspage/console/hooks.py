"""Recovery hooks in the console: the list, one hook, its form, and what people decide about calls."""

from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from components import encryption
from components.models import Component, Page
from components.shown_addresses import without_secrets
from incidents.hooks import asking, targets
from incidents.models import Act, Brake, Hook, Incident
from incidents.models.act import MAX_SHOWN
from incidents.models.hook import MAX_USELESS
from statuspage.console import hook_trials
from statuspage.console.conflicts import ConflictCheck
from statuspage.console.hook_choices import CAUSE_CHOICES, FAILURE_CHOICES
from statuspage.models import Audit, Role
from statuspage.staff.access import needs

SECRET = "secret"  # noqa: S105 - the name of a field
SIGNING = ("sealed_secret", "old_secrets")  # the columns of it


class HookForm(ConflictCheck, forms.ModelForm):  # type: ignore[type-arg]
    """The fields of a hook. The secret is never shown here: an empty field keeps it."""

    acts = ("hook.",)
    logged_as: ClassVar = {"url": "target"}

    failures = forms.MultipleChoiceField(
        label="Only for these failures", choices=FAILURE_CHOICES, required=False,
        widget=forms.CheckboxSelectMultiple, help_text="None ticked: for every failure.",
    )  # fmt: skip
    causes = forms.MultipleChoiceField(
        label="Only for these likely causes", choices=CAUSE_CHOICES, required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="None ticked: whatever the cause, except for those that no call can mend.",
    )  # fmt: skip
    secret = forms.CharField(
        label="Signing secret", required=False, strip=True, max_length=200,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text="Starts with whsec_. Empty: the present one is kept, and a new hook gets "
        "a new one. A present one goes on signing for 24 hours beside the one that you enter.",
    )  # fmt: skip

    class Meta:
        model = Hook
        fields = ("name", "action", "url", "failures", "causes", "budget", "window_s", "cooldown_s",
                  "settle_s", "deadline_s", "is_dry_run", "needs_approval", "is_announced")  # fmt: skip

    def clean_url(self) -> str:
        """Only an address that can be called."""
        return targets.checked_url(self.cleaned_data["url"])

    def clean_secret(self) -> str:
        """Empty, or one that can sign."""
        secret: str = self.cleaned_data[SECRET]
        return targets.checked_secret(secret) if secret else ""


@require_GET
@needs(Role.VIEWER)
def list_page(request: HttpRequest) -> HttpResponse:
    """Every hook, and the brake."""
    request.section = "console_components"  # type: ignore[attr-defined]
    context = {"hooks": Hook.objects.select_related("component"), "brake": Brake.objects.engaged()}
    return render(request, "console/hooks.html", context)


@require_GET
@needs(Role.VIEWER)
def page(request: HttpRequest, public_id: str) -> HttpResponse:
    """One hook with its last calls."""
    return _page(request, _get(public_id))


@require_POST
@needs(Role.EDITOR)
def try_out(request: HttpRequest, public_id: str) -> HttpResponse:
    """The exact request that it would send now. Nothing is sent."""
    hook = _get(public_id)
    return _page(request, hook, trial=hook_trials.signed_request(hook, timezone.now()))


def _page(request: HttpRequest, hook: Hook, **more: Any) -> HttpResponse:
    request.section = "console_components"  # type: ignore[attr-defined]
    acts = hook.acts.select_related("incident", "asked_by").order_by("-id")[:MAX_SHOWN]
    words = [*FAILURE_CHOICES, *CAUSE_CHOICES]
    context = {
        "hook": hook,
        "component": hook.component,
        "address": without_secrets(hook.url),
        "acts": acts,
        "brake": Brake.objects.engaged(),
        "only": [label for key, label in words if key in (*hook.failures, *hook.causes)],
        "max_useless": MAX_USELESS,
        "old_secret_until": hook.old_secret_until(timezone.now()),
        "now": timezone.now(),
        **more,
    }
    return render(request, "console/hook.html", context)


@require_http_methods(["GET", "POST"])
@needs(Role.EDITOR)
@sensitive_post_parameters(SECRET)
def add(request: HttpRequest, public_id: str) -> HttpResponse:
    """A hook of this component."""
    component = get_object_or_404(Component, public_id=public_id)
    return _form_page(request, Hook(component=component))


@require_http_methods(["GET", "POST"])
@needs(Role.EDITOR)
@sensitive_post_parameters(SECRET)
def edit(request: HttpRequest, public_id: str) -> HttpResponse:
    """Change a hook."""
    return _form_page(request, _get(public_id))


def _form_page(request: HttpRequest, hook: Hook) -> HttpResponse:
    request.section = "console_components"  # type: ignore[attr-defined]
    form = HookForm(request.POST or None, instance=hook)
    if request.method == "GET" or not form.is_valid():
        status = 200 if request.method == "GET" else 400
        context = {"form": form, "hook": hook if hook.pk else None, "component": hook.component}
        return render(request, "console/hook_form.html", context, status=status)
    is_new = hook.pk is None
    _save(request, form)
    how = "It is not armed yet: try it, then arm it." if is_new else "Saved."
    messages.success(request, f"“{hook.name}” is added. {how}" if is_new else how)
    return redirect("console_hook", public_id=hook.public_id)


def _save(request: HttpRequest, form: HookForm) -> None:
    """Save only changed columns: the runner writes the state of the same row meanwhile."""
    hook: Hook = form.instance
    is_new, names = hook.pk is None, [name for name in form.changed_data if name != SECRET]
    before = None if is_new else _logged({name: form.initial.get(name) for name in names})
    after = _logged({name: form.cleaned_data[name] for name in names})
    typed = form.cleaned_data[SECRET]
    if typed:
        after["signing"] = "another secret"
    columns = [*names, "updated_at"]
    with transaction.atomic():
        hook.target = targets.target_of(hook.url)
        if typed and not is_new:
            hook.change_secret(timezone.now(), typed)
            columns += SIGNING
        if is_new:
            hook.keep_secret(typed)
            hook.save()
        else:
            hook.save(update_fields=[*columns, "target"])
        Audit.objects.note(
            request, "hook.create" if is_new else "hook.edit", hook, before=before, after=after
        )


def _logged(values: dict[str, Any]) -> dict[str, Any]:
    """For the audit log: lists as words; the address as `target`, without the values of its query."""
    listed = {name: ", ".join(value) if isinstance(value, list) else value for name, value in values.items()}
    if "url" in listed:
        listed["target"] = listed.pop("url")
    return listed


@require_POST
@needs(Role.EDITOR)
def arm(request: HttpRequest, public_id: str) -> HttpResponse:
    """Let it act by itself."""
    hook = _get(public_id)
    with transaction.atomic():
        Page.objects.lock()  # the brake does not go on meanwhile
        if Brake.objects.engaged() is not None:
            messages.error(request, "The global brake is on: release it first.")
        else:
            hook.arm()
            Audit.objects.note(request, "hook.arm", hook)
            messages.success(request, f"“{hook.name}” is armed.")
    return redirect("console_hook", public_id=public_id)


@require_POST
@needs(Role.RESPONDER)
def disarm(request: HttpRequest, public_id: str) -> HttpResponse:
    """Keep it from acting by itself: whoever handles an incident may do that."""
    hook = _get(public_id)
    with transaction.atomic():
        hook.disarm()
        Audit.objects.note(request, "hook.disarm", hook)
    messages.success(request, f"“{hook.name}” is disarmed: it is not called automatically.")
    return redirect("console_hook", public_id=public_id)


@require_POST
@needs(Role.EDITOR)
def secret(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show the signing secret once, or replace it first (`renew`)."""
    hook = _get(public_id)
    is_new = request.POST.get("renew") == "yes"
    with transaction.atomic():
        if is_new:
            Page.objects.lock()  # two at once are two new secrets, and none is lost on the way
            hook = _get(public_id)
            hook.change_secret(timezone.now())
            hook.save(update_fields=[*SIGNING, "updated_at"])
        Audit.objects.note(request, "hook.renew_signing" if is_new else "hook.show_signing", hook)
    try:
        return _page(request, hook, shown_secret=hook.secret)
    except encryption.DecryptionError as error:
        messages.error(request, f"The signing secret cannot be read. {error.__doc__} Or make a new one.")
        return redirect("console_hook", public_id=public_id)


@require_POST
@needs(Role.EDITOR)
def delete(request: HttpRequest, public_id: str) -> HttpResponse:
    """Delete it. What it did stays on the timelines."""
    hook = _get(public_id)
    component = hook.component
    with transaction.atomic():
        before = {"name": hook.name, "component": component.name, "target": hook.url}
        Audit.objects.note(request, "hook.delete", hook, before=before)
        hook.delete()
    messages.success(request, f"“{hook.name}” is deleted.")
    return redirect("console_component", public_id=component.public_id)


@require_POST
@needs(Role.EDITOR)
def release_brake(request: HttpRequest) -> HttpResponse:
    """Release the global brake. Every hook stays disarmed until a person arms it."""
    with transaction.atomic():
        Page.objects.lock()
        brake = Brake.objects.engaged()
        if brake is not None:
            brake.release(timezone.now(), by=str(request.user))
            Audit.objects.note(request, "hooks.release_brake", brake.reason)
    messages.success(request, "The brake is released. Arm the hooks that should act again.")
    return redirect("console_hooks")


# On an incident


@require_POST
@needs(Role.RESPONDER)
def decide(request: HttpRequest, key: str) -> HttpResponse:
    """Approve or refuse a proposed call: `verdict` approve or refuse."""
    act = get_object_or_404(Act.objects.select_related("incident"), key=key)
    is_approved = request.POST.get("verdict") == "approve"
    decision = asking.approve if is_approved else asking.refuse
    try:
        with transaction.atomic():
            decision(act, timezone.now(), author=request.user)
            facts = {"hook": act.hook_name, "act": act.key}
            Audit.objects.note(
                request, "act.approve" if is_approved else "act.refuse", act.incident, after=facts
            )
    except ValidationError as refused:
        messages.error(request, " ".join(refused.messages))
    else:
        messages.success(request, "Approved: it is called now." if is_approved else "Refused.")
    return redirect("console_incident", public_id=act.incident.public_id)


@require_POST
@needs(Role.RESPONDER)
def press(request: HttpRequest, public_id: str) -> HttpResponse:
    """Call a hook now, for this incident (`hook`: its id). Budget and brake do not bind people."""
    incident = get_object_or_404(Incident, public_id=public_id)
    components = incident.affected.values("component")
    hook = get_object_or_404(Hook, public_id=request.POST.get("hook", ""), component__in=components)
    try:
        with transaction.atomic():
            act = asking.press(hook, incident, timezone.now(), author=request.user)
            facts = {"hook": act.hook_name, "act": act.key}
            Audit.objects.note(request, "act.press", incident, after=facts)
    except ValidationError as refused:
        messages.error(request, " ".join(refused.messages))
    else:
        messages.success(request, f"“{hook.name}” is called now. What comes of it is on the timeline.")
    return redirect("console_incident", public_id=public_id)


def of_incident(incident: Incident) -> dict[str, Any]:
    """For the page of an incident: its calls, newest first, and the hooks that a person may call."""
    acts = list(Act.objects.of(incident).select_related("component", "asked_by").order_by("-id")[:MAX_SHOWN])
    hooks = Hook.objects.filter(component__in=incident.affected.values("component"))
    is_open = not (incident.resolved_at or incident.deleted_at or incident.merged_into_id)
    return {
        "acts": acts,
        "callable_hooks": list(hooks.select_related("component")) if is_open else [],
        "is_calling": any(act.is_open and not act.is_proposed for act in acts),
    }


def _get(public_id: str) -> Hook:
    return get_object_or_404(Hook.objects.select_related("component__group"), public_id=public_id)
