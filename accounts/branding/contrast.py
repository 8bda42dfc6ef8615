"""Colours that people can read: the contrast of WCAG 2.2 between the brand's colour and what it stands on."""

import re
from typing import NamedTuple

MIN_TEXT_CONTRAST = 4.5  # WCAG 2.2, 1.4.3
WHITE, BLACK = "#ffffff", "#000000"
_SHAPE = re.compile(r"#[0-9a-fA-F]{6}")
_STEPS = 64  # of the search for a readable mixture; more would not be seen


class Rgb(NamedTuple):
    """Red, green and blue, 0 to 255."""

    red: int
    green: int
    blue: int


def is_colour(text: str) -> bool:
    """Return whether a text is a colour as ``#rrggbb``."""
    return _SHAPE.fullmatch(text) is not None


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours, 1 to 21 (WCAG 2.2, "contrast ratio")."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def text_on(ground: str) -> str:
    """Return white or black, whichever can be read on a colour; white where both can.

    One of the two always reaches 4.5:1, because their product is 21 for every colour.
    """
    return WHITE if contrast(WHITE, ground) >= MIN_TEXT_CONTRAST else BLACK


def readable_on(colour: str, *grounds: str) -> str:
    """Return the colour, mixed with as little black or white as makes it readable as text on each of the grounds."""
    toward = BLACK if _luminance(grounds[0]) > _luminance("#767676") else WHITE
    mixtures = (_mix(colour, toward, step / _STEPS) for step in range(_STEPS + 1))
    return next(
        (mixed for mixed in mixtures if all(contrast(mixed, ground) >= MIN_TEXT_CONTRAST for ground in grounds)), toward
    )


def _mix(colour: str, other: str, share: float) -> str:
    pairs = zip(_rgb(colour), _rgb(other), strict=True)
    return "#" + "".join(f"{round(own + (given - own) * share):02x}" for own, given in pairs)


def _rgb(colour: str) -> Rgb:
    return Rgb(*bytes.fromhex(colour[1:]))


def _luminance(colour: str) -> float:
    """Return the relative luminance (WCAG 2.2, "relative luminance")."""
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in (value / 255 for value in _rgb(colour))
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
