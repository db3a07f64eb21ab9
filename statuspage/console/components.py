"""Components and groups in the console."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from components import identity, uptime
from components.dependencies import circle
from components.models import Component, DayTally, Group, Page, page_order
from components.uptime import Seconds
from incidents.models import Incident
from statuspage.console.conflicts import ConflictCheck
from statuspage.console.overview import HOUR, minute_bars
from statuspage.console.probe_detail.facts import with_last
from statuspage.console.probe_detail.words import length
from statuspage.models import Audit, Role
from statuspage.staff.access import needs

MAX_INCIDENTS = 10
UNREAD = {"auto_incidents", "needs"}  # what no public page shows of a component
WAYS = {"up": -1, "down": 1}


class ComponentForm(ConflictCheck, forms.ModelForm):  # type: ignore[type-arg]
    """The fields of a component; its position is changed on the list."""

    acts = ("component.",)

    class Meta:
        model = Component
        fields = ("name", "description", "group", "is_shown", "manual_status", "auto_incidents",
                  "shows_evidence", "uptime_target", "shows_causes", "needs")  # fmt: skip
        widgets = {"auto_incidents": forms.Select, "needs": forms.CheckboxSelectMultiple}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        group: Any = self.fields["group"]
        group.queryset, group.empty_label = Group.objects.order_by("position", "id"), "no group"
        status: Any = self.fields["manual_status"]
        status.choices = [("", "none: as its probes say"), *status.choices[1:]]
        needs: Any = self.fields["needs"]
        needs.queryset = Component.objects.exclude(pk=self.instance.pk).select_related("group")

    def clean_needs(self) -> Any:
        """No component needs itself, not even through others."""
        needs = self.cleaned_data["needs"]
        if self.instance.pk and (parent := circle(self.instance, needs)) is not None:
            raise ValidationError(
                f"“{parent.name}” needs “{self.instance.name}” already: remove that first, or leave this out."
            )
        return needs


class GroupForm(ConflictCheck, forms.ModelForm):  # type: ignore[type-arg]
    """The fields of a group."""

    acts = ("group.",)

    class Meta:
        model = Group
        fields = ("name", "description")


# The list


@require_GET
@needs(Role.VIEWER)
def components_page(request: HttpRequest) -> HttpResponse:
    """All groups and components in the order of the page."""
    request.section = "console_components"  # type: ignore[attr-defined]
    context = {**_order(), "focus": request.GET.get("focus", "")[:40]}
    return render(request, "console/components.html", context)


def _order() -> dict[str, Any]:
    blocks = page_order.blocks()
    return {"blocks": blocks, "count": sum(len(block.components) for block in blocks)}


@require_POST
@needs(Role.EDITOR)
def move(request: HttpRequest) -> HttpResponse:
    """Move one row: `item` c:ID or g:KEY, and either `way` (up, down) or `after` (and `group`)."""
    kind, _, key = request.POST.get("item", "").partition(":")
    way = request.POST.get("way", "")
    if kind == "g":
        thing: Any = Group.objects.filter(public_id=key).first()
        outcome = _move_block(request, key, way)
    else:
        thing = get_object_or_404(Component, public_id=key)
        outcome = _move_component(request, thing, way)
    Audit.objects.note(
        request, f"{'group' if kind == 'g' else 'component'}.move", thing or key, after=outcome
    )
    words = outcome["words"]
    if request.headers.get("HX-Request"):
        return render(request, "console/_order.html", {**_order(), "said": words, "may_edit": True})
    messages.success(request, words)
    # no fragment: with one, browsers ignore autofocus
    return redirect(
        f"{reverse('console_components')}?focus={'down' if way == 'down' else 'up'}-{kind}-{key[:20]}"
    )


def _move_block(request: HttpRequest, key: str, way: str) -> dict[str, str]:
    if way in WAYS:
        moved = page_order.step_block(key, WAYS[way])
    else:
        page_order.put_block(key, after=request.POST.get("after", "").partition(":")[2])
        moved = True
    page = page_order.blocks()
    place = next((n for n, block in enumerate(page, start=1) if block.key == key), 0)
    if not place:
        return {"words": "That group no longer exists."}
    group = page[place - 1].group
    name = f"“{group.name}”" if group else "Components without a group"
    verb = "is now" if moved else "stays"
    return {"words": f"{name} {verb} number {place} of {len(page)} on the page."}


def _move_component(request: HttpRequest, component: Component, way: str) -> dict[str, str]:
    if way in WAYS:
        moved = page_order.step(component, WAYS[way])
    else:
        key = request.POST.get("group", "").partition(":")[2] or page_order.LOOSE
        page_order.put(component, key, after=request.POST.get("after", "").partition(":")[2])
        moved = True
    block = next(block for block in page_order.blocks() if component in block.components)
    place, where = block.components.index(component) + 1, block.group.name if block.group else "no group"
    verb = "is now" if moved else "stays"
    return {"words": f"“{component.name}” {verb} number {place} of {len(block.components)} in {where}."}


# One component


@require_GET
@needs(Role.VIEWER)
def component_page(request: HttpRequest, public_id: str) -> HttpResponse:
    """One component: its status, probes and incidents."""
    request.section = "console_components"  # type: ignore[attr-defined]
    component = _component(public_id)
    now = timezone.now()
    spans = component.spans.filter(Q(ended_at=None) | Q(ended_at__gte=now - HOUR))
    recent = list(spans.order_by("started_at"))
    incidents = Incident.objects.live().filter(affected__component=component)
    opened = list(incidents.filter(resolved_at=None))
    seconds = uptime_of(component, now)
    context = {
        "component": component,
        "since": recent[-1].started_at if recent and recent[-1].ended_at is None else None,
        "minutes": minute_bars(recent, now),
        "probes": list(with_last(component.probes.all())),
        "hooks": component.hooks.all(),
        "needs": component.needs.all(),
        "needed_by": component.needed_by.all(),
        "opened": opened,
        "past": list(incidents.exclude(resolved_at=None)[:MAX_INCIDENTS]),
        "may_delete": not opened,
        "uptime": uptime.percent(seconds),
        "down": length(seconds.down),
        "now": now,
    }
    return render(request, "console/component.html", context)


def uptime_of(component: Component, now: Any) -> Seconds:
    """The tallies of the last 30 days, today included."""
    days = DayTally.objects.filter(component=component, day__gt=identity.day_of(now) - timedelta(days=30))
    return sum((day.seconds for day in days), Seconds())


@require_http_methods(["GET", "POST"])
@needs(Role.EDITOR)
def component_form(request: HttpRequest, public_id: str = "") -> HttpResponse:
    """Add a component, or change one."""
    request.section = "console_components"  # type: ignore[attr-defined]
    component = _component(public_id) if public_id else None
    initial = {} if component else {"group": Group.objects.filter(public_id=request.GET.get("group")).first()}
    form = ComponentForm(request.POST or None, instance=component, initial=initial)
    if request.method == "GET" or not form.is_valid():
        status = 200 if request.method == "GET" else 400
        context = {"form": form, "thing": component, "what": "component"}
        return render(request, "console/component_form.html", context, status=status)
    saved = _save_component(request, form)
    messages.success(request, f"“{saved.name}” is saved." if component else f"“{saved.name}” is added.")
    return redirect("console_component", public_id=saved.public_id)


def _save_component(request: HttpRequest, form: ComponentForm) -> Component:
    """Save only changed columns: workers write the status of the same row meanwhile."""
    component: Component = form.instance
    is_new, changed = component.pk is None, list(form.changed_data)
    before = {name: _written(form.initial.get(name)) for name in changed}
    group = component.group
    with transaction.atomic():
        Page.objects.lock()
        if is_new:
            component.group, component.position = None, 2**31 - 1
            component.save()
        elif changed:
            columns = [name for name in changed if name not in ("group", "needs")]
            component.save(update_fields=[*columns, "updated_at"])
        if "needs" in changed:
            component.needs.set(form.cleaned_data["needs"])
        if is_new or "group" in changed:
            page_order.put(component, group.public_id if group else page_order.LOOSE, after="last")
        component.refresh(timezone.now())
        may_be_new = {"manual_status", "auto_incidents", "group"} & set(changed)
        if may_be_new or ("is_shown" in changed and component.is_shown):
            component.judge_again(timezone.now())
        was_hidden = not is_new and "is_shown" in changed
        is_read = (component.is_shown or was_hidden) and (is_new or bool(set(changed) - UNREAD))
        Page.objects.bump_version(takes_away=not is_new, is_public=is_read)
        after = {name: _written(form.cleaned_data[name]) for name in changed}
        Audit.objects.note(
            request,
            "component.create" if is_new else "component.edit",
            component,
            before=None if is_new else before,
            after=after,
        )
    return component


def _written(value: Any) -> Any:
    """For the audit log: several components by their names."""
    return value if isinstance(value, str) or not isinstance(value, Iterable) else ", ".join(map(str, value))


@require_POST
@needs(Role.EDITOR)
def component_show(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show it to customers, or hide it from them: `is_shown` yes or no."""
    component, is_shown = _component(public_id), request.POST.get("is_shown") == "yes"
    with transaction.atomic():
        Page.objects.lock()
        Component.objects.filter(pk=component.pk).update(is_shown=is_shown)
        if is_shown:
            component.judge_again(timezone.now())
        Page.objects.bump_version(takes_away=not is_shown)
        Audit.objects.note(
            request, "component.show" if is_shown else "component.hide", component,
            before={"is_shown": component.is_shown}, after={"is_shown": is_shown},
        )  # fmt: skip
    where = "on the page" if is_shown else "hidden from the page, and still monitored"
    messages.success(request, f"“{component.name}” is {where}.")
    return redirect("console_component", public_id=public_id)


@require_POST
@needs(Role.EDITOR)
def component_delete(request: HttpRequest, public_id: str) -> HttpResponse:
    """Delete it with its probes and history; refused while it has an open incident."""
    component = _component(public_id)
    with transaction.atomic():
        Page.objects.lock()  # no incident opens meanwhile
        held = Incident.objects.live().filter(affected__component=component, resolved_at=None).first()
        if held is None:
            facts = {"name": component.name, "group": component.group, "probes": component.probes.count()}
            Audit.objects.note(request, "component.delete", component, before=facts)
            component.delete()
            Page.objects.bump_version(takes_away=True, is_public=component.is_shown)
    if held is not None:
        messages.error(
            request,
            f"“{component.name}” is part of the open incident “{held.title}”: resolve it first, or hide the"
            " component.",
        )
        return redirect("console_component", public_id=public_id)
    messages.success(request, f"“{component.name}” is deleted.")
    return redirect("console_components")


# Groups


@require_http_methods(["GET", "POST"])
@needs(Role.EDITOR)
def group_form(request: HttpRequest, public_id: str = "") -> HttpResponse:
    """Add a group at the end of the page, or change one."""
    request.section = "console_components"  # type: ignore[attr-defined]
    group = get_object_or_404(Group, public_id=public_id) if public_id else None
    form = GroupForm(request.POST or None, instance=group)
    if request.method == "GET" or not form.is_valid():
        status = 200 if request.method == "GET" else 400
        context = {"form": form, "thing": group, "what": "group"}
        return render(request, "console/component_form.html", context, status=status)
    changed, saved = list(form.changed_data), form.instance
    before = {name: form.initial.get(name) for name in changed} if group else None
    with transaction.atomic():
        Page.objects.lock()
        if group is None:
            saved.position = 2**31 - 1
            saved.save()
            page_order.put_block(saved.public_id, after="last")
        else:
            saved.save(update_fields=[*changed, "updated_at"])
        Page.objects.bump_version(takes_away=group is not None, is_public=_is_read(saved))
        after = {name: form.cleaned_data[name] for name in changed}
        act = "group.edit" if group else "group.create"
        Audit.objects.note(request, act, saved, before=before, after=after)
    messages.success(request, f"“{saved.name}” is {'saved' if group else 'added'}.")
    return redirect(f"{reverse('console_components')}#g-{saved.public_id}")


@require_POST
@needs(Role.EDITOR)
def group_delete(request: HttpRequest, public_id: str) -> HttpResponse:
    """Remove the group; its components stay, in no group."""
    group = get_object_or_404(Group, public_id=public_id)
    with transaction.atomic():
        Page.objects.lock()
        Audit.objects.note(
            request, "group.delete", group, before={"name": group.name, "members": group.components.count()}
        )
        is_read = _is_read(group)
        group.delete()
        Page.objects.bump_version(takes_away=True, is_public=is_read)
    messages.success(request, f"“{group.name}” is deleted. Its components are no longer in a group.")
    return redirect("console_components")


def _is_read(group: Group) -> bool:
    """Whether the group is public: it has a public component."""
    return group.components.filter(is_shown=True).exists()


def _component(public_id: str) -> Component:
    return get_object_or_404(Component.objects.select_related("group"), public_id=public_id)
