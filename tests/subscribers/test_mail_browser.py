"""Mails as a mail program shows them: light and dark, on a phone and beside a list of mails."""

import re

from components.status import Status
from subscribers import emails
from subscribers.delivery.content import Word
from tests.looking import faults as found_by_axe
from tests.subscribers.letters import NOW, envelope, story

LONG = "https://example.org/" + "a-long-path/" * 12
MARKDOWN = f"""**No** messages are sent. See {LONG}

- one
- two

| region | state of the servers there | since |
|---|---|---|
| eu-central-1-of-many | down-and-not-coming-back-before-noon | 03:20 |

    curl -v --header 'Accept: application/json' https://api.widgetify.example/v1/messages?limit=100
"""
MAILS = {
    "picture": envelope(),
    "much": envelope(
        story(
            title="Nachrichtenübermittlungsdienstunterbrechung " * 3,
            words=(Word(3, "Identified", NOW, MARKDOWN), Word(2, "Investigating", NOW, MARKDOWN)),
            components=(
                (f"Warteschlangenverwaltung{'x' * 40}", Status.MAJOR_OUTAGE),
                ("Chat", Status.UNKNOWN),
            ),
            status=Status.MAJOR_OUTAGE,
        )
    ),
    "digest": envelope(
        others=tuple(
            story(key=f"x:{status}", title=f"{status.label}", status=status, components=(("Chat", status),))
            for status in Status
            if status is not Status.UNDER_MAINTENANCE
        )
    ),
}


def test_mails_fit_every_screen_and_can_be_read_in_light_and_dark(browser, tmp_path):
    faults = []
    for name, env in MAILS.items():
        source = emails.letter(env, NOW).get_body(("html",)).get_content()
        file = tmp_path / f"{name}.html"
        file.write_text(source)
        page = browser.open(file.as_uri())
        for scheme, width in (("light", 700), ("dark", 320)):
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(color_scheme=scheme)
            if page.evaluate("document.documentElement.scrollWidth") > width:
                faults.append(f"{name} is wider than {width} px")
            ground = page.evaluate("getComputedStyle(document.querySelector('.card')).backgroundColor")
            assert ground == {"light": "rgb(255, 255, 255)", "dark": "rgb(21, 26, 33)"}[scheme]
            if name != "digest":  # it holds all states; a look takes a second
                continue
            # a mail has no page around it: no landmarks
            found = found_by_axe(page)
            faults += [f"{name} {scheme}: {one}" for one in found if not re.match("region|landmark", one)]
    assert faults == []
