"""Template context of the account pages."""

from django.conf import settings
from django.http import HttpRequest

from components import identity


def account(request: HttpRequest) -> dict[str, object]:
    """For templates rendered with a request: the public page is not."""
    return {
        "page_name": identity.current().name,
        "sso_name": settings.OIDC_NAME if settings.OIDC_ISSUER else "",
        "can_mail": bool(settings.EMAIL_URL),
    }
