"""The preparation of pictures that a page is given, against that of files."""

from __future__ import annotations

import pytest

from quantbench.report.html.preparation import Preparation, of_pictures
from quantbench.samples.images import Preprocessing


@pytest.mark.parametrize(
    ("preparation", "fit", "words"),
    [
        (Preprocessing(resize=40, crop=(32, 32)), 40, "shorter side is resized to 40 pixels"),
        (Preprocessing(resize=(32, 32)), [32, 32], "it is resized to 32x32"),
        (Preprocessing(crop=(32, 32)), "none", "it isn't resized"),
        (Preprocessing(), "cover", "resized until it covers 32x32"),
    ],
)
def test_a_picture_is_prepared_as_files_are(
    preparation: Preprocessing, fit: object, words: str
) -> None:
    found = of_pictures(preparation, (3, 32, 32), ("cat", "dog"))
    assert isinstance(found, Preparation)
    picture = found.description["picture"]
    assert isinstance(picture, dict)
    assert (picture["fit"], picture["height"], picture["channels"]) == (fit, 32, 3)
    assert (picture["mean"], picture["std"]) == ([0.0] * 3, [1.0] * 3)
    assert found.description["classes"] == ["cat", "dog"]
    assert words in found.words


def test_what_the_network_does_not_take_is_said() -> None:
    gray = Preprocessing(channels="L")
    assert of_pictures(gray, (3, 32, 32), ()) == "doesn't take images of 1 channels"
    assert isinstance(of_pictures(gray, (1, 32, 32), ()), Preparation)
    cut = Preprocessing(crop=(28, 20))
    assert of_pictures(cut, (3, 32, 32), ()) == "doesn't take images of 20x28"
    assert of_pictures(cut, (12,), ()) == "doesn't take images of 3 channels"
