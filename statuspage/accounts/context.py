"""What the account pages show beside the form."""

from django.conf import settings
from django.http import HttpRequest


def account(request: HttpRequest) -> dict[str, object]:
    """For templates rendered with a request: the public page is not."""
    return {
        "page_name": settings.PAGE_NAME,
        "sso_name": settings.OIDC_NAME if settings.OIDC_ISSUER else "",
        "can_mail": bool(settings.EMAIL_URL),
    }
