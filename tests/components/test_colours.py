"""The page's colour can be read in both themes, whatever was chosen."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components import colours
from components.colours import DARK, LIGHT
from tests.whole import ROOT

HEX = st.from_regex(r"#[0-9a-f]{6}", fullmatch=True)


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    # figures of WebAIM's contrast checker
    [("#000000", "#ffffff", 21.0), ("#777777", "#ffffff", 4.48), ("#0000ff", "#ffffff", 8.59)],
)
def test_contrast_is_that_of_wcag(one, other, ratio):
    assert colours.contrast(one, other) == pytest.approx(ratio, abs=0.01)
    assert colours.contrast(other, one) == colours.contrast(one, other)


@given(HEX)
def test_every_colour_is_legible_in_both_themes(colour):
    for theme in (LIGHT, DARK):
        shade = colours.shade(colour, theme)
        assert all(colours.contrast(shade.colour, ground) >= colours.MIN_CONTRAST for ground in theme.grounds)
        assert shade.is_shifted or shade.colour == colour


def test_the_nearest_shade_is_taken():
    shade = colours.shade("#ffd400", LIGHT)
    assert shade.is_shifted
    assert colours.MIN_CONTRAST <= shade.ratio < colours.MIN_CONTRAST + 0.1


@pytest.mark.parametrize("text", ["#0B5FFF", "0b5fff", " #0b5fff "])
def test_ways_to_write_one(text):
    assert colours.read(text) == "#0b5fff"
    assert colours.read("#0bf") == "#00bbff"


@pytest.mark.parametrize("text", ["", "blue", "#12345", "#1234567", "#gggggg", "url(x)", "#٠٠٠٠٠٠"])
def test_what_is_no_colour(text):
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        colours.read(text)


def test_the_grounds_are_those_of_the_pages():
    css = (ROOT / "statuspage/static/statuspage/public.css").read_text().lower()
    grounds = set(re.findall(r"--bg: (#\w{6}); --surface: (#\w{6})", css))
    assert grounds == {LIGHT.grounds, DARK.grounds}
