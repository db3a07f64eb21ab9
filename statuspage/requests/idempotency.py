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
SAVING = ("", "save")  # what the button does; trying and looking may be done again and again


def form_key() -> SafeString:
    """The key of the forms of one page, as it stands in each of them."""
    return format_html('<input type="hidden" name="{}" value="{}">', FIELD, get_random_string(16))


def take_once(request: HttpRequest, view: Callable[[], HttpResponse]) -> HttpResponse:
    """What the view answers, or where the first sending of this very form led."""
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
    """Of the key, the address and what was typed: changed words are another form."""
    sent = sorted((name, values) for name, values in request.POST.lists() if name != "csrfmiddlewaretoken")
    files = [(name, _digest(file)) for name, every in request.FILES.lists() for file in every]
    told = json.dumps([request.path, sent, files])
    return hashlib.sha256(told.encode()).hexdigest()[:MAX_KEY_LENGTH]


def _digest(file: "UploadedFile[Any]") -> str:
    """Of what it holds; it is read again by the form."""
    digest = hashlib.sha256(file.read()).hexdigest()
    file.seek(0)
    return digest


def as_context(request: HttpRequest) -> dict[str, Any]:
    """For the templates of the console: `{{ form_key }}` in every form that is to be taken once."""
    return {"form_key": form_key()} if hasattr(request, "role") else {}
