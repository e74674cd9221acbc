"""The colours of a page, light and dark.

Series are Okabe and Ito's colours ("Color Universal Design", 2008), darkened or lightened until
each has a contrast of 3 with its ground (WCAG 2.2, 1.4.11); texts have 4.5 (1.4.3). A shape or word
says the same as each colour.
"""

from __future__ import annotations

from collections.abc import Iterator

from quantbench.report.svg.heat import LEVELS

LIGHT = {
    "ground": "#ffffff", "raised": "#f4f6f9", "ink": "#1b2130", "soft": "#556070",
    "rule": "#d5dae2", "accent": "#0a5ea3", "good": "#0b6b41", "bad": "#ae2417",
    "s0": "#0072b2", "s1": "#c24e00", "s2": "#007f5f", "s3": "#b0558a",
    "s4": "#94690a", "s5": "#3a8fc4", "s6": "#3d4452", "s7": "#7f8794",
}  # fmt: skip
DARK = {
    "ground": "#12161d", "raised": "#1c222c", "ink": "#e8ebf1", "soft": "#a5aebc",
    "rule": "#363e4b", "accent": "#74b9f2", "good": "#5fd3a0", "bad": "#ff8f7f",
    "s0": "#4aa5df", "s1": "#f08b4c", "s2": "#2ec497", "s3": "#e29cc4",
    "s4": "#e4b94e", "s5": "#a3d8f7", "s6": "#d3d8e0", "s7": "#8a93a2",
}  # fmt: skip
_STRONGEST = {"#ffffff": "#a83a00", "#12161d": "#ff9f5e"}
"""Ground -> the strongest colour of a heat map on it."""


def theme(colours: dict[str, str]) -> dict[str, str]:
    """All colours of a theme by name, those of heat maps and of the texts on them included."""
    return {**colours, **dict(_heat(colours))}


def contrast(first: str, second: str) -> float:
    """The contrast of two colours, 1 to 21, as WCAG 2.2 defines it."""
    dark, light = sorted((_luminance(first), _luminance(second)))
    return (light + 0.05) / (dark + 0.05)


def _heat(colours: dict[str, str]) -> Iterator[tuple[str, str]]:
    first, last = _rgb(colours["raised"]), _rgb(_STRONGEST[colours["ground"]])
    for level in range(LEVELS):
        share = level / (LEVELS - 1)
        mixed = [round(a + share * (b - a)) for a, b in zip(first, last, strict=True)]
        fill = "#" + "".join(f"{value:02x}" for value in mixed)
        yield f"h{level}", fill
        yield f"t{level}", max(("#000000", "#ffffff"), key=lambda text: contrast(text, fill))


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _luminance(colour: str) -> float:
    linear = [
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in (part / 255 for part in _rgb(colour))
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
