"""People and the audit log."""

import logging
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import get_user_model
from django.core.mail import send_mail  # noqa: TID251 - invitations (decision 6)
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from components import identity
from statuspage.models import Audit, Invitation, LastAdminError, Member, Role
from statuspage.staff.access import needs
from statuspage.staff.login.adapters import public_url
from statuspage.staff.login.recording import end_sessions
from statuspage.staff.people.forms import ROLES, AuditForm, InviteForm, RoleForm

logger = logging.getLogger(__name__)
PAGE_ROWS = 50


@dataclass(frozen=True, slots=True)
class Person:
    """A row of the list."""

    pk: int
    name: str
    email: str
    role: Role | None
    last_login: datetime | None
    has_second_factor: bool
    is_active: bool
    is_me: bool

    @property
    def role_label(self) -> str:
        """The role's label."""
        return self.role.label if self.role else "No role"


@never_cache
@needs(Role.ADMIN)
def people(request: HttpRequest) -> HttpResponse:
    """All people, and the open invitations."""
    return _people(request, InviteForm())


@never_cache
@needs(Role.ADMIN)
@require_POST
def invite(request: HttpRequest) -> HttpResponse:
    """Invite someone, by mail or with a link to pass on."""
    form = InviteForm(request.POST)
    if not form.is_valid():
        return _people(request, form, status=422)
    invitation, token = Invitation.objects.invite(
        form.cleaned_data["email"],
        form.cleaned_data["role"],
        by=request.user,  # type: ignore[arg-type]
        now=timezone.now(),
    )
    Audit.objects.note(request, "invitation.send", invitation, after={"role": invitation.role_label})
    link = public_url(reverse("accept_invitation", args=[token]))
    if _mail(invitation, link):
        invitation.is_mailed = True
        invitation.save(update_fields=["is_mailed"])
        messages.success(request, f"An invitation is on its way to {invitation.email}.")
        return redirect("people")
    return _people(request, InviteForm(), link=link, invitation=invitation)


@needs(Role.ADMIN)
@require_POST
def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """Withdraw an invitation."""
    invitation = get_object_or_404(Invitation.objects.open(timezone.now()), pk=pk)
    Audit.objects.note(request, "invitation.withdraw", invitation)
    invitation.delete()
    messages.success(request, f"The invitation for {invitation.email} was withdrawn.")
    return redirect("people")


@needs(Role.ADMIN)
@require_POST
def change_role(request: HttpRequest, pk: int) -> HttpResponse:
    """Give a person another role."""
    user, form = get_object_or_404(get_user_model(), pk=pk), RoleForm(request.POST)
    if not form.is_valid():
        return _refused(request, "Choose one of the roles.")
    role, before = form.cleaned_data["role"], Member.objects.role_of(user)
    try:
        Member.objects.appoint(user, role)
    except LastAdminError as error:
        return _refused(request, str(error.__doc__))
    Audit.objects.note(
        request,
        "person.role",
        user,
        before={"role": before.label if before else ""},
        after={"role": role.label},
    )
    messages.success(request, f"{user} is {role.label} now.")
    return redirect("people")


@needs(Role.ADMIN)
@require_POST
def deactivate(request: HttpRequest, pk: int) -> HttpResponse:
    """End a person's access at once."""
    user = get_object_or_404(get_user_model(), pk=pk)
    try:
        Member.objects.shut_out(user)
    except LastAdminError as error:
        return _refused(request, str(error.__doc__))
    Audit.objects.note(request, "person.deactivate", user, before={"active": True}, after={"active": False})
    end_sessions(user)
    messages.success(request, f"{user} can no longer log in.")
    return redirect("people")


@needs(Role.ADMIN)
@require_POST
def reactivate(request: HttpRequest, pk: int) -> HttpResponse:
    """Restore a person's access."""
    user = get_object_or_404(get_user_model(), pk=pk)
    Member.objects.let_in_again(user)
    Audit.objects.note(request, "person.reactivate", user, before={"active": False}, after={"active": True})
    messages.success(request, f"{user} can log in again.")
    return redirect("people")


@needs(Role.ADMIN)
@require_POST
def remove_factors(request: HttpRequest, pk: int) -> HttpResponse:
    """Remove a person's second factors, after they lost them: the password alone logs them in."""
    user = get_object_or_404(get_user_model(), pk=pk)
    removed, _ = Authenticator.objects.filter(user_id=user.pk).delete()
    Audit.objects.note(request, "factor.remove", user, before={"factors": removed}, after={"factors": 0})
    end_sessions(user)
    messages.success(request, f"{user} now logs in with the password alone.")
    return redirect("people")


@never_cache
@needs(Role.ADMIN)
@require_safe
def audit_log(request: HttpRequest) -> HttpResponse:
    """Who did what: newest first, searched and paged."""
    form = AuditForm(request.GET)
    entries = _search(form.cleaned_data) if form.is_valid() else Audit.objects.none()
    rows = Paginator(entries, PAGE_ROWS).get_page(request.GET.get("page"))
    asked = urlencode({name: str(value) for name, value in request.GET.items() if name != "page" and value})
    request.section = "audit"  # type: ignore[attr-defined]
    return render(request, "console/audit.html", {"form": form, "rows": rows, "asked": asked})


def _search(wanted: dict[str, Any]) -> QuerySet[Audit]:
    """The entries that match. Days are UTC, as the page shows them."""
    entries = Audit.objects.all()
    for word in wanted["words"].split():
        entries = entries.filter(
            Q(thing__icontains=word)
            | Q(act__icontains=word)
            | Q(actor__icontains=word)
            | Q(address__icontains=word)
            | Q(public_id=word)
        )
    if wanted["actor"]:
        entries = entries.filter(actor__icontains=wanted["actor"])
    if wanted["act"]:
        entries = entries.filter(act=wanted["act"])
    if wanted["since"]:
        entries = entries.filter(at__gte=datetime.combine(wanted["since"], time.min, UTC))
    if wanted["until"]:
        entries = entries.filter(at__lt=datetime.combine(wanted["until"], time.min, UTC) + timedelta(days=1))
    return entries


def _people(request: HttpRequest, form: InviteForm, *, status: int = 200, **more: Any) -> HttpResponse:
    shown = {
        "people": _persons(request.user.pk),
        "invitations": Invitation.objects.open(timezone.now()).select_related("invited_by"),
        "form": form,
        "roles": ROLES,
        "has_mail": bool(settings.EMAIL_URL),
    }
    request.section = "people"  # type: ignore[attr-defined]
    return render(request, "console/people.html", shown | more, status=status)


def _persons(me: int | None) -> list[Person]:
    users = get_user_model().objects.select_related("member").order_by("-is_active", "username")
    strong = Authenticator.objects.exclude(type=Authenticator.Type.RECOVERY_CODES)
    guarded = set(strong.values_list("user_id", flat=True))
    return [
        Person(
            pk=user.pk,
            name=user.get_username(),
            email=user.email,
            role=_role(user),
            last_login=user.last_login,
            has_second_factor=user.pk in guarded,
            is_active=user.is_active,
            is_me=user.pk == me,
        )
        for user in users
    ]


def _role(user: Any) -> Role | None:
    """The role a person has, or had before they were deactivated."""
    if user.is_superuser:
        return Role.ADMIN
    return Role(user.member.role) if hasattr(user, "member") else None


def _refused(request: HttpRequest, why: str) -> HttpResponse:
    messages.error(request, why)
    return redirect("people")


def _mail(invitation: Invitation, link: str) -> bool:
    """Whether the invitation was handed to a mail server."""
    if not settings.EMAIL_URL:
        return False
    shown = {"page_name": identity.current().name, "link": link, "invitation": invitation}
    try:
        send_mail(
            f"{identity.current().name}: you are invited to the status page",
            render_to_string("account/email/invitation.txt", shown),
            None,
            [invitation.email],
        )
    except OSError as error:
        logger.error("The invitation could not be mailed: %s", error)
        return False
    return True
