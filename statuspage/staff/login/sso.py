"""Single sign-on (OpenID Connect): who may log in, and with which role.

Imported only when OIDC_ISSUER is set.
"""

from typing import Any

from allauth.account.models import EmailAddress
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.helpers import render_authentication_error
from allauth.socialaccount.internal import jwtkit
from allauth.socialaccount.models import SocialLogin
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView, OAuth2LoginView
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from statuspage.models import Audit, Invitation, Member, Role
from statuspage.staff.access import public
from statuspage.staff.login import claims
from statuspage.staff.login.adapters import public_url
from statuspage.staff.login.backends import person_of
from statuspage.staff.login.oidc_http import Session

PROVIDER = "sso"


class SsoAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """Lets members and invited people in; others only if OIDC_ROLE sets a role."""

    def get_requests_session(self) -> Session:
        """A session through the egress door."""
        return Session()

    def authenticate_by_email(self, sociallogin: SocialLogin) -> tuple[Any, str] | None:
        """The member with an address that is verified on both sides; None otherwise.

        allauth's own method also accepts unverified addresses.
        """
        email = _proven(sociallogin)
        address = EmailAddress.objects.filter(email__iexact=email, verified=True).first() if email else None
        return (address.user, email) if address else None

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        """True: `pre_social_login` has refused everyone else."""
        return True

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Refuse others before an account is made."""
        if sociallogin.is_existing:
            return
        email = _proven(sociallogin)
        if _is_taken(email) or not (_invitation(email) or settings.OIDC_ROLE):
            Audit.objects.note(request, "login.failed", email or "an unverified address")
            raise ImmediateHttpResponse(
                render(request, "socialaccount/refused.html", {"email": email}, status=403)
            )
        sociallogin.email_addresses = [
            address for address in sociallogin.email_addresses if address.verified is True
        ]

    @transaction.atomic
    def save_user(self, request: HttpRequest, sociallogin: SocialLogin, form: Any = None) -> Any:
        """The new person, with the role of their invitation or of OIDC_ROLE."""
        user = super().save_user(request, sociallogin, form)
        invitation = _invitation(_proven(sociallogin))
        if invitation is not None:
            member = invitation.accept(user, now=timezone.now())
        else:
            member = Member.objects.appoint(user, Role[settings.OIDC_ROLE.upper()])
        Audit.objects.note(request, "invitation.accept", user, after={"role": Role(member.role).label})
        return user

    def get_connect_redirect_url(self, request: HttpRequest, socialaccount: Any) -> str:
        """Required by allauth; not reached, as accounts are linked by their address alone."""
        return reverse("mfa_index")


class OidcAdapter(OpenIDConnectOAuth2Adapter):  # type: ignore[misc]
    """allauth's adapter, returning to PUBLIC_URL and checking every signature."""

    def get_callback_url(self, request: HttpRequest, app: Any) -> str:
        """On PUBLIC_URL, whatever the request's Host."""
        return public_url(reverse("openid_connect_callback", kwargs={"provider_id": self.provider_id}))

    def complete_login(self, request: HttpRequest, app: Any, token: Any, **kwargs: Any) -> SocialLogin:
        """Give allauth claims that were checked; on its own it takes userinfo as it comes."""
        userinfo = self._fetch_user_info(token.token)
        id_token = kwargs["response"].get("id_token")
        signed = self._decode_id_token(app, id_token) if id_token else None
        if not isinstance(userinfo, dict):
            raise OAuth2Error("The provider's response is not a set of claims.")
        try:
            settled = claims.settle(userinfo, signed)
        except claims.ClaimsError as error:
            raise OAuth2Error(error.__doc__) from error
        return self.get_provider().sociallogin_from_response(request, {"userinfo": settled})

    def _decode_id_token(self, app: Any, id_token: str) -> dict[str, Any]:
        """Verify and decode the token, also if it came from the issuer: private networks may lack TLS."""
        payload: dict[str, Any] = jwtkit.verify_and_decode(
            credential=id_token,
            keys_url=self.openid_config["jwks_uri"],
            issuer=self.openid_config["issuer"],
            audience=app.client_id,
            lookup_kid=jwtkit.lookup_kid_jwk,
        )
        return payload


OpenIDConnectProvider.oauth2_adapter_class = OidcAdapter


@public
@require_POST
def login(request: HttpRequest, provider_id: str) -> HttpResponse:
    """To the issuer, through a page: browsers treat a redirect after a form as the form's own target."""
    if request.POST.get("process", "login") != "login" or "process" in request.GET:
        raise PermissionDenied
    adapter = _adapter(request, provider_id)
    try:
        answer = OAuth2LoginView.adapter_view(adapter)(request)
    except OSError as error:
        answer = render_authentication_error(request, adapter.get_provider(), exception=error)
    if not isinstance(answer, HttpResponseRedirect):
        return answer  # type: ignore[no-any-return]
    return render(request, "socialaccount/onward.html", {"url": answer.url, "name": settings.OIDC_NAME})


@public
def callback(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Back from the issuer."""
    answer: HttpResponse = OAuth2CallbackView.adapter_view(_adapter(request, provider_id))(request)
    return answer


def _adapter(request: HttpRequest, provider_id: str) -> OidcAdapter:
    if provider_id != PROVIDER:
        raise Http404
    return OidcAdapter(request, provider_id)


def _proven(sociallogin: SocialLogin) -> str:
    """The address that the issuer has verified; empty without one."""
    addresses = (address for address in sociallogin.email_addresses if address.verified is True)
    return next((str(address.email) for address in addresses), "")


def _is_taken(email: str) -> bool:
    """Whether someone has this address, verified or not."""
    if not email:
        return False
    has_user = get_user_model().objects.filter(email__iexact=email).exists()
    return (
        has_user or person_of(email) is not None or EmailAddress.objects.filter(email__iexact=email).exists()
    )


def _invitation(email: str) -> Invitation | None:
    if not email:
        return None
    return Invitation.objects.open(timezone.now()).filter(email__iexact=email).first()
