"""Account pages that allauth does not have: invitations, and too many attempts."""

from allauth.account.internal.flows.login import record_authentication
from allauth.account.models import EmailAddress
from allauth.account.utils import perform_login
from django.contrib.auth import get_user_model
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from statuspage.models import Audit, Invitation, InvitationGoneError
from statuspage.staff.access import public
from statuspage.staff.login.forms import AcceptForm


@public
@never_cache
@sensitive_post_parameters("password")
def accept(request: HttpRequest, token: str) -> HttpResponse:
    """A person makes their account from an invitation."""
    try:
        invitation = Invitation.objects.by_token(token, timezone.now())
    except InvitationGoneError as gone:
        return render(request, "account/invitation_gone.html", {"why": gone.__doc__}, status=410)
    if request.user.is_authenticated:
        return render(request, "account/invitation_other.html", status=409)
    form = AcceptForm(request.POST or None, invitation=invitation)
    if not form.is_valid():
        return render(request, "account/invitation.html", {"form": form, "invitation": invitation})
    try:
        user = _join(request, invitation, form)
    except InvitationGoneError as gone:
        return render(request, "account/invitation_gone.html", {"why": gone.__doc__}, status=410)
    except IntegrityError:
        form.add_error("name", "This name has just been taken.")
        return render(request, "account/invitation.html", {"form": form, "invitation": invitation})
    record_authentication(request, user, method="password", username=user.get_username())
    answer: HttpResponse = perform_login(request, user)
    return answer


@transaction.atomic
def _join(request: HttpRequest, invitation: Invitation, form: AcceptForm):  # type: ignore[no-untyped-def] # noqa: ANN202
    """Make the new person, in one transaction."""
    data = form.cleaned_data
    user = get_user_model().objects.create_user(data["name"], data["email"], data["password"])
    # only a link that was mailed to this very address proves that it is theirs
    is_proven = invitation.is_mailed and data["email"] == invitation.email
    EmailAddress.objects.create(user=user, email=data["email"], primary=True, verified=is_proven)
    invitation.accept(user, now=timezone.now())
    Audit.objects.note(request, "invitation.accept", user, after={"role": invitation.role_label})
    return user


@public
def cancelled(request: HttpRequest) -> HttpResponse:
    """The page after cancelling at the identity provider."""
    return render(request, "socialaccount/login_cancelled.html")


def too_many(request: HttpRequest) -> HttpResponse:
    """The page for too many attempts, with status 429."""
    answer = render(request, "429.html", status=429)
    answer.headers["Retry-After"] = "300"
    return answer
