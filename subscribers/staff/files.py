"""Import and export of subscribers, for admins only."""

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from components.access_marks import staff
from subscribers import exporting, importing
from subscribers.csv_format import COLUMNS, CSVError, opened
from subscribers.models import Import
from subscribers.staff.asking import StaffRequest
from subscribers.staff.forms import ImportForm
from subscribers.staff.views import SECTION

PARTS_AT_ONCE = 4  # of 500 lines: an answer within a second or two


@require_http_methods(["GET", "POST"])
@never_cache
@staff("admin")
def imports(request: StaffRequest) -> HttpResponse:
    """Upload a file, and list earlier imports."""
    request.section = SECTION
    is_sent = request.method == "POST"
    form = ImportForm(request.POST, request.FILES) if is_sent else ImportForm()
    if is_sent and form.is_valid():
        made = _begin(request, form)
        if made is not None:
            return redirect("console_import", pk=made.pk)
    context = {"form": form, "imports": Import.objects.all()[:20], "columns": ",".join(COLUMNS)}
    return render(request, "console/subscribers/imports.html", context, status=400 if is_sent else 200)


def _begin(request: StaffRequest, form: ImportForm) -> Import | None:
    """Store the file; None if it is not CSV, with the reason at the form's field."""
    file, asks = form.cleaned_data["file"], form.cleaned_data["asks"]
    text = opened(file.file)  # a line at a time, never held whole
    try:
        made = importing.begin(file.name, text, timezone.now(), author=request.user.get_username(), asks=asks)
    except CSVError as fault:
        form.add_error("file", str(fault))
        return None
    request.note("subscriber.import", made, after={"lines": made.total, "asks": asks})
    return made


@require_GET
@never_cache
@staff("admin")
def one_import(request: StaffRequest, pk: int) -> HttpResponse:
    """The progress of an import, and its refused lines."""
    request.section = SECTION
    return render(request, "console/subscribers/import.html", {"sheet": get_object_or_404(Import, pk=pk)})


@require_POST
@staff("admin")
def go_on(request: StaffRequest, pk: int) -> HttpResponse:
    """Import some more parts. With JavaScript the page repeats this until it is finished."""
    sheet = get_object_or_404(Import, pk=pk)
    for _ in range(PARTS_AT_ONCE):
        if not importing.import_next_part(sheet, timezone.now()):
            break
    if request.headers.get("HX-Request"):
        return render(request, "console/subscribers/_import.html", {"sheet": sheet})
    return redirect("console_import", pk=pk)


@require_POST
@staff("admin")
def stop(request: StaffRequest, pk: int) -> HttpResponse:
    """Discard the rest of a file."""
    sheet = get_object_or_404(Import, pk=pk)
    sheet.stop(timezone.now())
    request.note("subscriber.import_stop", sheet, after={"done": sheet.done, "lines": sheet.total})
    messages.success(request, "Stopped. Subscribers already added stay; the rest of the file was discarded.")
    return redirect("console_import", pk=pk)


@require_POST
@staff("admin")
def export(request: StaffRequest) -> HttpResponseBase:
    """All subscribers with full addresses, as a stream. By POST, as it is noted in the audit log."""
    request.note("subscriber.export")
    answer = StreamingHttpResponse(exporting.lines(), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="subscribers-{timezone.now():%Y-%m-%d}.csv"'
    answer["Cache-Control"] = "private, no-store"
    return answer
