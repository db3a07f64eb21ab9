"""The fallback page when there is no database, no copy and no template: the status is unknown."""

from html import escape

from components import identity

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Status unknown: {name}</title>
<main>
<h1>We don’t currently know the status</h1>
<p>This page cannot reach its own data. That says nothing about {name}, which may be working normally.</p>
<p>If {name} is working for you, there is nothing to do. Try this page again in a moment.</p>
{support}</main>
</html>
"""


def page() -> bytes:
    """The page's bytes, with the last known identity."""
    page_identity = identity.last_known()  # called in the event loop, without a database
    name, link = escape(page_identity.name), escape(page_identity.support_url)
    support = f'<p>Not working? <a href="{link}">Contact support</a>.</p>\n' if link else ""
    return PAGE.format(name=name, support=support).encode()
