"""The page's brand colour, adjusted to be legible in both themes: contrast by WCAG 2.2, section 1.4.3.

One colour is chosen. Where it is too faint for text on a theme's surfaces, it is mixed with black
(light theme) or white (dark theme), in 256 steps, until it is not: the nearest shade that passes.
"""

import re
from dataclasses import dataclass

MIN_CONTRAST = 4.5  # for text; lines and large parts would do with 3
HEX = re.compile(r"#[0-9a-f]{6}")
STEPS = 256
Rgb = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Theme:
    """A theme's background colours (`bg` and `surface` of the design), and the colour to mix with."""

    name: str
    grounds: tuple[str, str]
    towards: str


@dataclass(frozen=True, slots=True)
class Shade:
    """A colour as shown in one theme. Ratios are the lowest of that theme's backgrounds."""

    theme: str
    colour: str
    ratio: float
    asked_ratio: float  # of the colour as it was chosen

    @property
    def is_shifted(self) -> bool:
        """Whether the colour itself would have been too faint."""
        return self.asked_ratio < MIN_CONTRAST


LIGHT = Theme("light", ("#f5f6f8", "#ffffff"), "#000000")
DARK = Theme("dark", ("#0d1116", "#151a21"), "#ffffff")


def read(text: str) -> str:
    """A colour as "#rrggbb", from "#0B5FFF", "0b5fff" or "#05f". Raises ValueError."""
    digits = text.strip().lower().removeprefix("#")
    if len(digits) == 3:
        digits = "".join(digit * 2 for digit in digits)
    if not HEX.fullmatch(f"#{digits}"):
        raise ValueError(text)
    return f"#{digits}"


def contrast(colour: str, other: str) -> float:
    """The WCAG ratio of two colours, 1 to 21."""
    high, low = sorted((_luminance(_rgb(colour)), _luminance(_rgb(other))), reverse=True)
    return (high + 0.05) / (low + 0.05)


def shade(colour: str, theme: Theme) -> Shade:
    """This colour, or the nearest one that can be read in this theme."""
    asked = _least(colour, theme)
    for step in range(STEPS + 1):
        mixed = _mixed(colour, theme.towards, step / STEPS)
        ratio = _least(mixed, theme)
        if ratio >= MIN_CONTRAST:
            return Shade(theme.name, mixed, ratio, asked)
    raise AssertionError("black on white and white on black always pass")


def stylesheet(colour: str) -> str:
    """CSS that sets `--brand` in both themes. Depends on the colour alone."""
    light, dark = shade(colour, LIGHT).colour, shade(colour, DARK).colour
    return (
        f'@layer tokens{{:root,[data-theme="light"]{{--brand:{light}}}'
        f'@media (prefers-color-scheme:dark){{:root:not([data-theme="light"]){{--brand:{dark}}}}}'
        f'[data-theme="dark"]{{--brand:{dark}}}}}\n'
    )


def _least(colour: str, theme: Theme) -> float:
    return min(contrast(colour, ground) for ground in theme.grounds)


def _rgb(colour: str) -> Rgb:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _mixed(colour: str, other: str, share: float) -> str:
    pairs = zip(_rgb(colour), _rgb(other), strict=True)
    return "#" + "".join(f"{round(start + (end - start) * share):02x}" for start, end in pairs)


def _luminance(rgb: Rgb) -> float:
    """WCAG 2.2, "relative luminance"."""
    parts = (part / 255 for part in rgb)
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
