"""The allauth addresses that exist here, each with an access mark.

allauth brings many more (signing up, changing addresses, linking accounts): what is not in this
table is not routed.
"""

from collections.abc import Callable, Iterator
from typing import Any

from allauth.account import urls as account
from allauth.mfa import urls as second_factor
from allauth.usersessions import urls as sessions
from django.conf import settings
from django.urls import URLPattern, URLResolver, path, re_path
from django.views.decorators.http import require_POST

from statuspage.models import Role
from statuspage.staff.access import needs, public
from statuspage.staff.login import views

MEMBERS = needs(Role.VIEWER)
Mark = Callable[[Any], Any]


def _plain(view: Any) -> Any:
    """Mark a wrapper of the view as public: allauth's own view may be used elsewhere too."""

    def seen(request: Any, *args: Any, **named: Any) -> Any:
        return view(request, *args, **named)

    return public(seen)


def _post(view: Any) -> Any:
    return public(require_POST(view))


ACCOUNT: dict[str, Mark] = {
    "account_login": _plain,
    "account_logout": _post,
    "account_inactive": _plain,
    "account_reauthenticate": MEMBERS,
    "account_change_password": MEMBERS,
    "account_reset_password": _plain,
    "account_reset_password_done": _plain,
    "account_reset_password_from_key": _plain,
    "account_reset_password_from_key_done": _plain,
}
SECOND_FACTOR: dict[str, Mark] = {
    "mfa_index": MEMBERS,
    "mfa_authenticate": _plain,  # between the password and the session
    "mfa_reauthenticate": MEMBERS,
    "mfa_activate_totp": MEMBERS,
    "mfa_deactivate_totp": MEMBERS,
    "mfa_view_recovery_codes": MEMBERS,
    "mfa_generate_recovery_codes": MEMBERS,
    "mfa_download_recovery_codes": MEMBERS,
    "mfa_list_webauthn": MEMBERS,
    "mfa_add_webauthn": MEMBERS,
    "mfa_edit_webauthn": MEMBERS,
    "mfa_remove_webauthn": MEMBERS,
    "mfa_reauthenticate_webauthn": MEMBERS,
    "mfa_login_webauthn": _plain,
}
SESSIONS: dict[str, Mark] = {"usersessions_list": MEMBERS}


def _chosen(patterns: list[Any], table: dict[str, Mark], prefix: str = "") -> Iterator[URLPattern]:
    for pattern in patterns:
        route = f"{prefix}{pattern.pattern}"
        if isinstance(pattern, URLResolver):
            yield from _chosen(pattern.url_patterns, table, route)
        elif pattern.name in table:
            build = re_path if route.startswith("^") else path
            yield build(route, table[pattern.name](pattern.callback), name=pattern.name)


def _single_sign_on() -> list[URLPattern]:
    if not settings.OIDC_ISSUER:
        return []
    from statuspage.staff.login import sso

    return [
        path("oidc/<provider_id>/login/", sso.login, name="openid_connect_login"),
        path("oidc/<provider_id>/login/callback/", sso.callback, name="openid_connect_callback"),
        path("oidc/cancelled/", views.cancelled, name="socialaccount_login_cancelled"),
    ]


_login = next(_chosen(account.urlpatterns, {"account_login": _plain}))
urlpatterns = [
    *_chosen(account.urlpatterns, ACCOUNT),
    path("login/", _login.callback, name="login"),
    *(
        path(f"2fa/{pattern.pattern}", pattern.callback, name=pattern.name)
        for pattern in _chosen(second_factor.urlpatterns, SECOND_FACTOR)
    ),
    *(
        path(f"sessions/{pattern.pattern}", pattern.callback, name=pattern.name)
        for pattern in _chosen(sessions.urlpatterns, SESSIONS)
    ),
    path("invitation/<str:token>/", views.accept, name="accept_invitation"),
    *_single_sign_on(),
]
