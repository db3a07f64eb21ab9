"""What staff do with the address of a passive probe: renew it, and forget an alert that nobody resolves."""

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from components.clock import database_now
from components.models import Inbox, Page
from components.passive.alerts import NAMELESS
from statuspage.models import Audit, Role
from statuspage.staff.access import needs


@require_POST
@needs(Role.EDITOR)
def renew(request: HttpRequest, public_id: str) -> HttpResponse:
    """A new address. The old one takes nothing from now on; what it took before is not lost."""
    with transaction.atomic():
        inbox = _locked(public_id)
        inbox.change_key(database_now())
        Audit.objects.note(request, "probe.renew_address", inbox.probe)
        Page.objects.bump_version(is_public=False)  # which makes web processes read the addresses again
    messages.success(request, "This is the new address. The old one is refused: change it where it is used.")
    return redirect(f"{reverse('console_probe', args=[public_id])}#address-title")


@require_POST
@needs(Role.RESPONDER)
def forget_alert(request: HttpRequest, public_id: str) -> HttpResponse:
    """Take an open alert (`source`: the sender's id) for resolved; its probe is judged at once."""
    source = request.POST.get("source", "")
    with transaction.atomic():
        inbox = _locked(public_id)
        alert = inbox.forget_alert(source, database_now())
        if alert is not None:
            facts = {"alert": alert.name or NAMELESS, "source": source, "state": alert.state}
            Audit.objects.note(request, "probe.forget_alert", inbox.probe, before=facts)
            Page.objects.bump_version(is_public=False)
    if alert is None:
        messages.error(request, "This alert is not open any more.")
    else:
        messages.success(
            request, f"“{alert.name or NAMELESS}” was forgotten. It opens again if it is reported again."
        )
    return redirect("console_probe", public_id=public_id)


def _locked(public_id: str) -> Inbox:
    rows = Inbox.objects.select_for_update(of=("self",)).select_related("probe")
    return get_object_or_404(rows, probe__public_id=public_id)
