"""Probes in the console: the list, one probe, and every action."""

import csv
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from components import secret_fields
from components.client_certificates import KEY
from components.models import Check, Component, Page, Probe
from components.outcomes import Outcome
from components.targets import InvalidProbeError
from components.texts import cell
from incidents.generated_text import met
from statuspage.console import number_chart
from statuspage.console.latency_chart import chart
from statuspage.console.plot import SPANS, since
from statuspage.console.probe_detail import causes, facts, results, trials
from statuspage.console.probe_edit import EditForm
from statuspage.models import Audit, Role
from statuspage.staff.access import needs

PAGE_SIZE = 100
MAX_CSV = 250_000  # two weeks of a check every five seconds
LISTS = {
    "all": Q(),
    "failing": Q(outcome=Outcome.DOWN, is_paused=False),
    "degraded": Q(outcome=Outcome.DEGRADED, is_paused=False),
    "unknown": Q(outcome=Outcome.UNKNOWN, is_paused=False),
    "up": Q(outcome=Outcome.UP, is_paused=False),
    "paused": Q(is_paused=True),
}
COLUMNS = (
    "slot", "region", "outcome", "failure", "status_code", "total_ms", "dns_ms", "connect_ms", "tls_ms",
    "first_byte_ms", "transfer_ms", "lag_ms", "days_left", "address", "detail",
)  # fmt: skip


# what public pages show of a probe, or compute from
READ = {"name", "kind", "interval_s", "down_status", "region", "latency_limit_ms"}
HIDDEN = {"options", "target", "client_certificate"}  # the audit log has only a part of these
FAILURE, DETAIL = COLUMNS.index("failure") - 1, COLUMNS.index("detail") - 1  # without the slot


def _is_whole(request: HttpRequest) -> bool:
    """Whether to show text from targets: only to staff who may edit probes."""
    role: Role = request.role  # type: ignore[attr-defined]
    return role >= Role.EDITOR


@require_GET
@needs(Role.VIEWER)
def list_page(request: HttpRequest) -> HttpResponse:
    """All probes by component, with a search."""
    request.section = "console_probes"  # type: ignore[attr-defined]
    which = request.GET.get("which", "all")
    which = which if which in LISTS else "all"
    words = request.GET.get("q", "").strip()[:100].replace("\0", "")
    probes = Probe.objects.filter(LISTS[which]).select_related("component__group")
    if words:
        named = Q(name__icontains=words) | Q(component__name__icontains=words)
        probes = probes.filter(named | Q(pk__in=_looking_at(words)))
    place = Coalesce("component__group__position", "component__position")
    ordered = probes.order_by(place, "component__group_id", "component__position", "component_id", "id")
    context = {
        "found": Paginator(facts.with_last(ordered), PAGE_SIZE).get_page(request.GET.get("page")),
        "which": which,
        "lists": list(LISTS),
        "words": words,
        "now": timezone.now(),
    }
    return render(request, "console/probes.html", context)


def _looking_at(words: str) -> list[int]:
    """Ids of probes with these words in the public part of their address."""
    rows = Probe.objects.only("id", "target")
    return [probe.pk for probe in rows if words.casefold() in probe.shown_target.casefold()]


@require_GET
@needs(Role.VIEWER)
def page(request: HttpRequest, public_id: str) -> HttpResponse:
    """One probe. `?part=live`: only the part that is updated."""
    request.section = "console_probes"  # type: ignore[attr-defined]
    probe, now = _get(public_id), timezone.now()
    span = SPANS.get(request.GET.get("span", ""), SPANS["1h"])
    only = request.GET.get("only") == "changes"
    context = facts.page(probe, now, is_whole=_is_whole(request))
    context |= {
        "probe": probe,
        "spans": SPANS.values(),
        "span": span,
        "only": only,
        "lines": results.lines(context.pop("checks"), probe, only_changes=only),
        "before": causes.before(probe, now),
        "chart": chart(probe, span, now),
        "numbers": number_chart.chart(probe, span, now),
        "is_part": request.GET.get("part") == "live",
        "now": now,
    }
    name = "console/_probe.html" if context["is_part"] else "console/probe.html"
    return render(request, name, context)


@require_GET
@needs(Role.VIEWER)
def checks_csv(request: HttpRequest, public_id: str) -> Any:
    """The raw checks of a span, newest first."""
    probe = _get(public_id)
    span = SPANS.get(request.GET.get("span", ""), SPANS["1h"])
    rows = Check.objects.backwards(probe, since(span, timezone.now()), COLUMNS[2:])
    answer = StreamingHttpResponse(
        _csv(islice(rows, MAX_CSV), is_whole=_is_whole(request)),
        content_type="text/csv",
    )
    answer["Content-Disposition"] = f'attachment; filename="checks-{probe.public_id}-{span.key}.csv"'
    return answer


class _Echo:
    """A file whose `write` returns the text."""

    def write(self, text: str) -> str:
        return text


def _csv(rows: Iterable[tuple[Any, ...]], *, is_whole: bool) -> Iterable[str]:
    writer = csv.writer(_Echo())
    yield writer.writerow(("time", *COLUMNS[1:]))
    for slot, *rest in rows:
        if not is_whole:
            rest[DETAIL] = met(rest[FAILURE], rest[DETAIL])
        at = datetime.fromtimestamp(slot, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        yield writer.writerow((at, *(cell(value) if isinstance(value, str) else value for value in rest)))


# Verbs


@require_POST
@needs(Role.RESPONDER)
def check_now(request: HttpRequest, public_id: str) -> HttpResponse:
    """Make it due now; the worker's next tick checks it."""
    probe = _get(public_id)
    if probe.look_now(int(timezone.now().timestamp())):
        Audit.objects.note(request, "probe.check", probe)
        messages.success(request, "Check requested. The result appears here in a second or two.")
    elif probe.is_paused:
        messages.error(request, "It is paused: resume it first.")
    else:
        messages.success(request, "A check is running, or has just finished.")
    return _back(request, public_id)


@require_POST
@needs(Role.EDITOR)
def pause(request: HttpRequest, public_id: str) -> HttpResponse:
    """Stop checking until resumed."""
    probe = _get(public_id)
    with transaction.atomic():
        probe.pause(timezone.now())
        Audit.objects.note(request, "probe.pause", probe, before={"outcome": probe.outcome})
    messages.success(request, "Paused. Its results no longer count.")
    return _back(request, public_id)


@require_POST
@needs(Role.EDITOR)
def resume(request: HttpRequest, public_id: str) -> HttpResponse:
    """Check again."""
    probe = _get(public_id)
    with transaction.atomic():
        probe.resume(timezone.now())
        Audit.objects.note(request, "probe.resume", probe)
    messages.success(request, "Resumed. It checks right away and starts fresh.")
    return _back(request, public_id)


@require_POST
@needs(Role.EDITOR)
def delete(request: HttpRequest, public_id: str) -> HttpResponse:
    """Delete it with its results; the history of its component stays."""
    probe = _get(public_id)
    component = probe.component
    with transaction.atomic():
        Page.objects.lock()
        before = {
            "name": str(probe),
            "kind": probe.kind,
            "target": probe.shown_target,
            "component": component.name,
        }
        Audit.objects.note(request, "probe.delete", probe, before=before)
        probe.delete()
        component.refresh(timezone.now())
        Page.objects.bump_version(takes_away=True, is_public=component.is_shown)
    messages.success(request, f"“{before['name']}” is deleted.")
    return redirect("console_component", public_id=component.public_id)


def _back(request: HttpRequest, public_id: str) -> HttpResponse:
    return redirect("console_probe", public_id=public_id)


# The form


@require_http_methods(["GET", "POST"])
@needs(Role.EDITOR)
@sensitive_post_parameters(KEY, *secret_fields.names())
def edit(request: HttpRequest, public_id: str) -> HttpResponse:
    """Change a probe: show the options of a kind, try it, replay the last day, or save."""
    probe = _get(public_id)
    if probe.main_id is not None:  # it follows the row of its first region
        return redirect("console_probe_edit", public_id=Probe.objects.get(pk=probe.main_id).public_id)
    return _form_page(request, probe)


@require_http_methods(["GET", "POST"])
@needs(Role.EDITOR)
@sensitive_post_parameters(KEY, *secret_fields.names())
def add(request: HttpRequest, public_id: str) -> HttpResponse:
    """A probe of this component."""
    component = get_object_or_404(Component, public_id=public_id)
    return _form_page(request, Probe(component=component))


def _form_page(request: HttpRequest, probe: Probe) -> HttpResponse:
    request.section = "console_probes"  # type: ignore[attr-defined]
    do = request.POST.get("do", "save")
    if request.method == "GET":
        return _form(request, EditForm(instance=probe), probe)
    if do == "options":
        return _form(request, EditForm(instance=probe, initial=request.POST.dict()), probe)
    form = EditForm(request.POST, instance=probe)
    if not form.is_valid():
        return _form(request, form, probe, status=400)
    if do == "try":
        return _tried(request, form)
    if do == "dry" and probe.pk:
        compared = trials.dry_run(form.instance, Probe.objects.get(pk=probe.pk), timezone.now())
        return _form(request, form, probe, compared=compared)
    saved = _save(request, form)
    gone = form.had_certificate and not saved.client_certificate
    removed = "Its client certificate is removed. " if gone else ""
    then = "Send the first report to its address." if saved.is_passive else "It checks right away."
    messages.success(request, f"Saved. {removed}{then}")
    return redirect("console_probe", public_id=saved.public_id)


def _tried(request: HttpRequest, form: EditForm) -> HttpResponse:
    try:
        tried = trials.try_out(form.instance)
    except InvalidProbeError as refused:
        form.add_error(refused.field if refused.field in form.fields else None, refused.sentence)
        return _form(request, form, form.instance, status=400)
    except trials.BusyError as busy:
        form.add_error(None, str(busy))
        return _form(request, form, form.instance, status=503)
    return _form(request, form, form.instance, tried=tried)


def _save(request: HttpRequest, form: EditForm) -> Probe:
    """Save only changed columns: workers write the state of the same row meanwhile."""
    probe: Probe = form.instance
    is_new, names, now = probe.pk is None, form.own_names, timezone.now()
    before = None if is_new else _logged_fields(Probe.objects.get(pk=probe.pk), names, now)
    regions = form.cleaned_data.get("other_regions", [])
    with transaction.atomic():
        Page.objects.lock()
        if is_new:
            probe.save()
        elif names:
            probe.save(update_fields=names)
        probe.set_regions(regions)
        probe.look_now(int(now.timestamp()))
        probe.component.refresh(now)
        is_read = probe.component.is_shown and (is_new or bool(READ & set(names)))
        Page.objects.bump_version(takes_away=not is_new, is_public=is_read)
        act = "probe.create" if is_new else "probe.edit"
        after = _logged_fields(probe, names, now)
        if "other_regions" in form.changed_data:
            after["other_regions"] = ", ".join(regions) or "none"
        for name in HIDDEN & after.keys():
            if before and before[name] == after[name]:
                after[name] += " (a part that is not shown here was changed)"
        Audit.objects.note(request, act, probe, before=before, after=after)
    return probe


def _logged_fields(probe: Probe, names: list[str], now: datetime) -> dict[str, Any]:
    """These fields for the audit log; of options only the names, as headers and queries hold secrets."""
    fields = {name: getattr(probe, name) for name in names if name != "sealed_client_key"}
    if "client_certificate" in fields:
        fields["client_certificate"] = probe.certificate_summary(now) or "none"
    if "options" in fields:
        fields["options"] = ", ".join(sorted(probe.named_options))
    if "target" in fields:
        fields["target"] = probe.shown_target
    return fields


def _form(
    request: HttpRequest, form: EditForm, probe: Probe, *, status: int = 200, **more: Any
) -> HttpResponse:
    saved = Probe.objects.filter(pk=probe.pk).first() if probe.pk else None
    context = {"form": form, "probe": saved, "component": probe.component, **more}
    return render(request, "console/probe_form.html", context, status=status)


def _get(public_id: str) -> Probe:
    return get_object_or_404(Probe.objects.select_related("component__group"), public_id=public_id)
