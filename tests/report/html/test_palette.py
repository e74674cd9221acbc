"""Contrast in both themes, and colours that colour-blind readers can tell apart."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from quantbench.report.html.palette import DARK, LIGHT, contrast, theme
from quantbench.report.html.picture import _DARK
from quantbench.report.svg.heat import LEVELS
from quantbench.report.svg.marks import COLOURS

THEMES = {"light": LIGHT, "dark": DARK}
# Machado, Oliveira and Fernandes 2009, severity 1.0.
BLIND = {
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
                   [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
                     [-0.011820, 0.042940, 0.968881]],
    "none": np.eye(3).tolist(),
}  # fmt: skip


@pytest.mark.parametrize(
    ("first", "second", "ratio"),
    [("#000000", "#ffffff", 21.0), ("#767676", "#ffffff", 4.54), ("#0000ff", "#ffffff", 8.59)],
)
def test_contrast_is_that_of_the_web_guidelines(first, second, ratio):
    """The ratios that WebAIM's checker gives for these colours."""
    assert contrast(first, second) == pytest.approx(ratio, abs=0.01)


@pytest.mark.parametrize("name", THEMES)
def test_texts_and_graphics_have_enough_contrast(name):
    colours = theme(THEMES[name])
    for text in ("ink", "soft", "accent", "good", "bad"):
        for ground in ("ground", "raised"):
            assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)
    for place in range(COLOURS):
        assert contrast(colours[f"s{place}"], colours["ground"]) >= 3, place
    for level in range(LEVELS):
        assert contrast(colours[f"h{level}"], colours[f"t{level}"]) >= 4.5, level


@pytest.mark.parametrize("blind", BLIND)
@pytest.mark.parametrize("name", THEMES)
def test_neighbours_among_series_differ_for_everyone(name, blind):
    """Two of the first four series, which most pages have, differ by 10 or more in CIE's Lab."""
    seen = [lab(THEMES[name][f"s{place}"], BLIND[blind]) for place in range(4)]
    for a, b in combinations(seen, 2):
        assert np.linalg.norm(a - b) >= 10


def lab(colour: str, matrix: list[list[float]]) -> np.ndarray:
    """A colour in CIE 1976 L*a*b*, as an eye sees it for which `matrix` holds."""
    channels = np.array([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    xyz = np.array(to_xyz) @ np.clip(np.array(matrix) @ linear, 0, 1)
    scaled = xyz / np.array([0.9505, 1.0, 1.089])
    f = np.where(scaled > 0.008856, np.cbrt(scaled), 7.787 * scaled + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def test_the_picture_of_a_notebook_shows_on_light_and_dark_pages():
    for name in (f"s{place}" for place in range(COLOURS)):
        if name != _DARK:
            assert min(contrast(LIGHT[name], ground) for ground in ("#ffffff", "#111111")) >= 3
