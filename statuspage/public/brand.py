"""The page's logo and colour, at addresses that never change their meaning.

Both are public documents, so the copies on disk outlive the database with the pages that use them.
The colour is kept for the area of the logo: the name, a line above it, and the mark under the current
page. Buttons, links, focus and every status stay as they are (docs/decisions/0012-the-pages-own-look.md).
"""

from base64 import b64encode
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import Http404
from django.urls import reverse
from django.utils.crypto import constant_time_compare, salted_hmac

from components import colours, identity, pictures
from components.identity import Identity
from components.models import Picture
from statuspage.public.rendering import lasting
from statuspage.serving.document import Draft, document

NO_COLOUR = "none"
COLOURLESS = "@layer tokens{:root,[data-theme]{--brand:initial}}\n"
RULES = (
    "@layer components{"
    "body:not(.console){box-shadow:inset 0 3px var(--brand,transparent)}.brand b{color:var(--brand,inherit)}"
    ".top nav a[aria-current]{box-shadow:inset 0 -2px var(--brand,var(--text))}"
    ".brand__logo{block-size:32px;inline-size:auto;max-inline-size:min(240px,60vw);object-fit:contain;"
    "vertical-align:middle;margin-inline-end:6px}"
    '.brand__logo[data-for="dark"]{display:none}'
    "@media (prefers-color-scheme:dark){"
    ':root:not([data-theme="light"]) .brand__logo[data-for="light"]{display:none}'
    ':root:not([data-theme="light"]) .brand__logo[data-for="dark"]{display:inline}}'
    '[data-theme="dark"] .brand__logo[data-for="light"]{display:none}'
    '[data-theme="dark"] .brand__logo[data-for="dark"]{display:inline}'
    ':root .look[data-theme="light"] .brand__logo[data-for="light"]{display:inline}'
    ':root .look[data-theme="light"] .brand__logo[data-for="dark"]{display:none}'
    "}\n"
)


@dataclass(frozen=True, slots=True)
class Logo:
    """One picture in the head of a page. `alt` is empty where the name is beside it."""

    src: str
    alt: str
    width: int
    shown_in: str  # "light", "dark", or "both" themes
    height: int = pictures.HEIGHT


@document
def stylesheet(now: datetime, name: str) -> Draft:
    """The style sheet of one colour, at the address that `stylesheet_url` gives it. Raises Http404."""
    colour, _, mark = name.partition("-")
    if not (colour == NO_COLOUR or colours.HEX.fullmatch(f"#{colour}")):
        raise Http404("Style sheet not found.")
    body = _style("" if colour == NO_COLOUR else f"#{colour}")
    if not constant_time_compare(mark, _mark(body)):
        raise Http404("Style sheet not found.")
    return lasting("text/css; charset=utf-8", lambda _: body.encode())


@document
def picture(now: datetime, name: str) -> Draft:
    """A logo, with the content type of its own bytes. Raises Http404."""
    image = Picture.objects.filter(name=name).first()
    if image is None:
        raise Http404("Image not found.")
    body = bytes(image.body)
    return lasting(image.content_type, lambda _: body)


def stylesheet_url(page: Identity) -> str:
    """Its address; empty while there is neither colour nor logo.

    It holds the colour and a keyed hash of the content. So it can always be answered without the database,
    and strangers cannot make us render and keep sixteen million of them.
    """
    return _url(page.colour) if page.colour or page.logo else ""


def preview_url(page: Identity) -> str:
    """Its address, also without a colour: the preview then overrides the colour of the page around it."""
    return _url(page.colour)


def _url(colour: str) -> str:
    name = f"{colour[1:] or NO_COLOUR}-{_mark(_style(colour))}"
    return reverse("brand_style", args=[name])


def logos(page: Identity, tried: dict[str, str] | None = None) -> list[Logo]:
    """The logo in both themes, one picture or two. `tried`: addresses of unsaved ones."""
    is_one = not page.logo_dark or page.logo_dark == page.logo
    shown = [(page.logo, "both")] if is_one else [(page.logo, "light"), (page.logo_dark, "dark")]
    alt = page.name if pictures.is_wordmark(page.logo) else ""
    return [
        Logo((tried or {}).get(name) or picture_url(name), alt, pictures.shown_width(name), theme)
        for name, theme in shown
        if page.logo
    ]


def picture_url(name: str) -> str:
    """The address of a logo."""
    return reverse("brand_picture", args=[name])


def data_url(image: Picture) -> str:
    """The picture as a data: URL, for a preview before it is saved."""
    return f"data:{image.content_type};base64,{b64encode(image.body).decode()}"


def eager_paths() -> list[str]:
    """The addresses that every page loads, to be rendered with it."""
    page = identity.current()
    named = [picture_url(name) for name in dict.fromkeys((page.logo, page.logo_dark)) if name]
    return [path for path in (stylesheet_url(page), *named) if path]


def head(page: Identity, tried: dict[str, str] | None = None) -> dict[str, Any]:
    """The context of the template with the logo and the name."""
    return {"name": page.name, "logos": logos(page, tried), "is_wordmark": pictures.is_wordmark(page.logo)}


def _style(colour: str) -> str:
    return (colours.stylesheet(colour) if colour else COLOURLESS) + RULES


def _mark(body: str) -> str:
    return salted_hmac("statuspage.public.brand", body, algorithm="sha256").hexdigest()[:20]
