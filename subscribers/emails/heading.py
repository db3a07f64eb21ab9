"""The first line of a mail: the page's name, with its logo and colour."""

from typing import Any

from django.urls import reverse

from components import colours, identity, pictures

SHOWN_IN_MAIL = (".png", ".jpeg")  # Outlook shows no WebP: then the name stands alone


def heading(name: str, url: str) -> dict[str, Any]:
    """The context of `mail/frame.html`. `url`: of the page, which also serves the logo.

    Needs no database, as an alert may be about that.
    """
    page_identity = identity.last_known()
    logo, dark = (
        picture if picture.endswith(SHOWN_IN_MAIL) else ""
        for picture in (page_identity.logo, page_identity.logo_dark)
    )
    is_wordmark = pictures.is_wordmark(logo)
    shown = [(logo, "day" if dark else "")] + ([(dark, "night")] if dark else [])
    return {
        "name": name,
        "url": url,
        "is_wordmark": is_wordmark,
        "logos": [
            {
                "src": f"{url}{reverse('brand_picture', args=[picture])}",
                "alt": name if is_wordmark else "",
                "width": pictures.shown_width(picture),
                "height": pictures.HEIGHT,
                "shown": when,
            }
            for picture, when in shown
            if logo
        ],
        "light": colours.shade(page_identity.colour, colours.LIGHT).colour
        if page_identity.colour
        else "#151A21",
        "dark": colours.shade(page_identity.colour, colours.DARK).colour if page_identity.colour else "",
    }
