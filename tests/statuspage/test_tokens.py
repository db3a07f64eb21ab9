"""Colours by the numbers: contrast of the style sheet's own tokens; states apart for every eye."""

import itertools
import math
import re
from pathlib import Path

import brotli
import pytest

STATIC = Path(__file__).resolve().parents[2] / "statuspage" / "static" / "statuspage"
CSS = (STATIC / "public.css").read_text()
STATES = ("ok", "slow", "part", "down", "work", "grey")
# Machado, Oliveira and Fernandes (2009), severity 1.0, on linear RGB
EYES = {
    "normal": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protan": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deutan": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritan": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}


def tokens(block):
    return dict(re.findall(r"--([\w-]+): (#[0-9A-F]{6})", block))


LIGHT = tokens(CSS.split(":root {")[1].split("}")[0])
DARK = LIGHT | tokens(CSS.split(':root[data-theme="dark"] {')[1].split("}")[0])
THEMES = {"light": LIGHT, "dark": DARK}


def linear(colour):
    parts = (int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5))
    return [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]


def contrast(one, two):
    """WCAG 2.2."""
    light = sorted(0.2126 * r + 0.7152 * g + 0.0722 * b for r, g, b in map(linear, (one, two)))
    return (light[1] + 0.05) / (light[0] + 0.05)


def lab(rgb):
    """CIE L*a*b*, D65."""
    r, g, b = (min(1, max(0, c)) for c in rgb)
    x = (0.4124564 * r + 0.3575761 * g + 0.1804375 * b) / 0.95047
    y = 0.2126729 * r + 0.7151522 * g + 0.0721750 * b
    z = (0.0193339 * r + 0.1191920 * g + 0.9503041 * b) / 1.08883
    fx, fy, fz = (t ** (1 / 3) if t > 216 / 24389 else (24389 / 27 * t + 16) / 116 for t in (x, y, z))
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


def seen(colour, eye):
    rgb = linear(colour)
    return lab([sum(weight * c for weight, c in zip(row, rgb, strict=True)) for row in EYES[eye]])


@pytest.mark.parametrize("theme", THEMES)
def test_words_are_readable_on_every_ground(theme):
    t = THEMES[theme]
    for ink, ground in itertools.product(("text", "text-2", "text-3"), ("bg", "surface")):
        assert contrast(t[ink], t[ground]) >= 4.5, (ink, ground)
    for state in STATES:
        assert contrast(t[f"{state}-text"], t[f"{state}-tint"]) >= 4.5, state
        assert contrast(t[f"{state}-text"], t["surface"]) >= 4.5, state
        assert contrast(t["text-2"], t[f"{state}-tint"]) >= 4.5, state
    assert contrast("#FFFFFF", t["banner-down"]) >= 4.5
    assert contrast("#FFE3EA", t["banner-down"]) >= 4.5


@pytest.mark.parametrize("theme", THEMES)
def test_icons_bars_and_borders_are_visible(theme):
    t = THEMES[theme]
    for state in STATES:
        assert contrast(t[state], t["surface"]) >= 3, state
        assert contrast(t[state], t[f"{state}-tint"]) >= 3, state
    for mark in ("bar-ok", "line-strong", "focus"):
        assert contrast(t[mark], t["surface"]) >= 3, mark
    for state in ("ok", "part", "down", "work"):
        assert contrast(t["glyph"], t[state]) >= 3, state
    assert contrast(t["glyph-slow"], t["slow"]) >= 4.5


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("eye", EYES)
def test_any_two_states_stay_apart_for_every_eye(theme, eye):
    t = THEMES[theme]
    for one, two in itertools.combinations(STATES, 2):
        apart = math.dist(seen(t[one], eye), seen(t[two], eye))
        assert apart >= 18, (one, two, round(apart, 1))


def test_dark_by_choice_and_dark_by_system_are_the_same():
    by_system = tokens(CSS.split(':root:not([data-theme="light"]) {')[1].split("}")[0])
    by_choice = tokens(CSS.split(':root[data-theme="dark"] {')[1].split("}")[0])
    assert by_system == by_choice


@pytest.mark.parametrize(("file", "most"), [("public.css", 7_000), ("live.js", 4_000)])
def test_the_budget(file, most):
    assert len(brotli.compress((STATIC / file).read_bytes())) < most


def test_nothing_is_asked_of_third_parties():
    for file in STATIC.iterdir():
        text = file.read_text().replace("http://www.w3.org/2000/svg", "")
        assert "http://" not in text
        assert "https://" not in text
