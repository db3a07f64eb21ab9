"""A form of staff is processed once: sent again, it leads where the first one led."""

import hashlib
import json
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.crypto import get_random_string
from django.utils.html import format_html
from django.utils.safestring import SafeString

from components.models import Page
from incidents.models import TakenForm
from incidents.models.taken import MAX_KEY_LENGTH

FIELD = "form_key"
TWICE = "This was already sent. It was accepted once."
SAVING = ("", "save")  # what the button does; tests and previews may be repeated


def form_key() -> SafeString:
    """The hidden input with a new key, the same for all forms of a page."""
    return format_html('<input type="hidden" name="{}" value="{}">', FIELD, get_random_string(16))


def take_once(request: HttpRequest, view: Callable[[], HttpResponse]) -> HttpResponse:
    """The view's answer, or the redirect to where the first submission of this form led."""
    is_keyed = request.method == "POST" and bool(request.POST.get(FIELD))
    if not is_keyed or request.POST.get("do", "") not in SAVING:
        return view()
    mark, now = _mark(request), timezone.now()
    with transaction.atomic():
        Page.objects.lock()  # a second sending waits here for the first
        taken = TakenForm.objects.of(mark, request.user)
        if taken is not None:
            messages.info(request, TWICE)
            return redirect(taken.led_to)
        response = view()
        if response.status_code == 302:
            TakenForm.objects.take(mark, request.user, now=now, led_to=response["Location"])
    return response


def _mark(request: HttpRequest) -> str:
    """A hash of the key, the address and the content: a form with changed text is another one."""
    sent = sorted((name, values) for name, values in request.POST.lists() if name != "csrfmiddlewaretoken")
    files = [(name, _digest(file)) for name, every in request.FILES.lists() for file in every]
    content = json.dumps([request.path, sent, files])
    return hashlib.sha256(content.encode()).hexdigest()[:MAX_KEY_LENGTH]


def _digest(file: "UploadedFile[Any]") -> str:
    """A hash of the file's content; rewinds it for the form."""
    digest = hashlib.sha256(file.read()).hexdigest()
    file.seek(0)
    return digest


def as_context(request: HttpRequest) -> dict[str, Any]:
    """Context of console templates: `{{ form_key }}` in every form that is processed once."""
    return {"form_key": form_key()} if hasattr(request, "role") else {}
