"""The first line of a mail: the page's name, with its logo and colour."""

from typing import Any

from django.urls import reverse

from components import colours, identity, pictures

SHOWN_IN_MAIL = (".png", ".jpeg")  # Outlook shows no WebP: then the name stands alone


def heading(name: str, url: str) -> dict[str, Any]:
    """For `mail/frame.html`. `url`: of the page; pictures are fetched from there, the same for everybody.

    Nothing is asked of the database: an alert may be about that.
    """
    here = identity.last_known()
    logo, dark = (one if one.endswith(SHOWN_IN_MAIL) else "" for one in (here.logo, here.logo_dark))
    is_wordmark = pictures.is_wordmark(logo)
    shown = [(logo, "day" if dark else "")] + ([(dark, "night")] if dark else [])
    return {
        "name": name,
        "url": url,
        "is_wordmark": is_wordmark,
        "logos": [
            {
                "src": f"{url}{reverse('brand_picture', args=[one])}",
                "alt": name if is_wordmark else "",
                "width": pictures.shown_width(one),
                "height": pictures.HEIGHT,
                "shown": when,
            }
            for one, when in shown
            if logo
        ],
        "light": colours.shade(here.colour, colours.LIGHT).colour if here.colour else "#151A21",
        "dark": colours.shade(here.colour, colours.DARK).colour if here.colour else "",
    }
