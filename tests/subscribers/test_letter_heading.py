"""The first line of a mail: the page's name, logo and colour."""

import re

import pytest

from components import colours, identity
from components.models import Page
from subscribers import emails
from subscribers.delivery.content import publisher_now
from tests.subscribers.letters import NOW, envelope

SQUARE, WIDE, WEBP = "0123-64x64.png", "4567-240x60.jpeg", "89ab-64x64.webp"


def html(**page):
    identity.learn(Page(**page))
    message = emails.letter(envelope(), NOW)
    return message.get_body(("html",)).get_content()


def images(text):
    return re.findall(r"<img[^>]+>", text)


def test_without_a_look_it_is_the_name_alone():
    text = html()
    assert images(text) == []
    assert "<b>" in text


def test_a_mark_stands_beside_the_name_and_a_wordmark_in_its_place():
    (mark,) = images(html(logo=SQUARE))
    assert re.search(r'src="https?://[^"]+/brand/0123-64x64\.png"\s+alt="" width="32" height="32"', mark)
    text = html(logo=WIDE)
    (word,) = images(text)
    assert re.search(r'alt="\w+" width="128"', word)
    assert "</a>" in text.split(word)[1].split("<b")[0]


def test_the_dark_logo_is_for_the_dark():
    day, night = images(html(logo=SQUARE, logo_dark=WIDE))
    assert 'class="day"' in day
    assert 'class="night"' in night
    assert "display:none" in night


@pytest.mark.parametrize("page", [{"logo": WEBP}, {"logo": WEBP, "logo_dark": SQUARE}])
def test_what_outlook_cannot_show_is_left_out(page):
    assert images(html(**page)) == []


def test_the_colour_is_legible_in_both_themes():
    text = html(colour="#ffd400")
    light, dark = (colours.shade("#ffd400", theme).colour for theme in (colours.LIGHT, colours.DARK))
    assert f'<b class="brand" style="color:{light}">' in text
    assert f".brand {{ color: {dark} !important }}" in text


def test_a_message_made_after_a_rename_has_the_new_name(db):
    Page.objects.this()
    assert publisher_now().name == "Widgetify"
    Page.objects.filter(pk=1).update(name="Tern")  # by another process, a moment ago
    assert publisher_now().name == "Tern"
    assert identity.last_known().name == "Tern"
