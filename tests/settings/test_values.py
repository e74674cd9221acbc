from __future__ import annotations

from contextlib import suppress
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from quantbench.errors import SettingError, UnknownNameError, UsageError
from quantbench.settings.values import parse_settings, seconds, share, split_pairs
from quantbench.system.record import Settings


class Sample(Settings):
    observer: Literal["minmax", "histogram"] = "histogram"
    images: int = Field(1000, gt=0, le=5000)
    rate: float = 0.1


def parsed(**given: str) -> Sample:
    return parse_settings(Sample, "setting of method 'static'", given)


def test_values_are_read_as_their_types() -> None:
    assert parsed() == Sample()
    assert parsed(images="20", observer="minmax", rate="1e-3") == Sample(
        images=20, observer="minmax", rate=0.001
    )


@pytest.mark.parametrize("name", ["image", "imagse", "Images"])
def test_an_unknown_name_gets_the_nearest(name: str) -> None:
    with pytest.raises(UnknownNameError) as caught:
        parsed(**{name: "20"})
    assert str(caught.value) == (
        f"unknown setting of method 'static' '{name}'; did you mean 'images'?"
    )


def test_a_name_that_is_near_to_none_gets_all() -> None:
    with pytest.raises(UnknownNameError, match=r"known: images, observer, rate$"):
        parsed(xyz="20")


@pytest.mark.parametrize(
    ("name", "value"),
    [("images", "0"), ("images", "5001"), ("images", "many"), ("images", "1.5"), ("images", ""),
     ("observer", "max"), ("rate", "nan"), ("rate", "inf"), ("images", "9" * 5000)],
)  # fmt: skip
def test_a_value_that_does_not_fit_is_named_in_one_line(name: str, value: str) -> None:
    with pytest.raises(SettingError, match=f"setting of method 'static' '{name}': ") as caught:
        parsed(**{name: value})
    assert len(str(caught.value).splitlines()) == 1


@given(st.dictionaries(st.sampled_from(["images", "observer", "rate", "other"]), st.text()))
def test_any_text_is_taken_or_refused(given: dict[str, str]) -> None:
    with suppress(UsageError):
        taken = parsed(**given)
        assert 0 < taken.images <= 5000
        assert "other" not in given


def test_pairs_are_split_at_the_first_sign() -> None:
    assert split_pairs(["a=1", "b.c=x=y", "d="], needs_owner=False) == {
        "a": "1", "b.c": "x=y", "d": ""
    }  # fmt: skip
    assert split_pairs(["a=1", "a=2"], needs_owner=False) == {"a": "2"}


@pytest.mark.parametrize("pair", ["images", "=5", "", "static.images"])
@pytest.mark.parametrize("needs_owner", [True, False])
def test_what_is_no_pair_is_shown(pair: str, needs_owner: bool) -> None:
    with pytest.raises(UsageError, match="NAME=VALUE") as caught:
        split_pairs([pair], needs_owner=needs_owner)
    assert f"'--set {pair}'" in str(caught.value)


def test_a_pair_names_its_owner_where_there_are_several() -> None:
    with pytest.raises(UsageError, match=r"METHOD\.NAME=VALUE or recipe\.NAME=VALUE"):
        split_pairs(["images=5"], needs_owner=True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("90", 90), ("90s", 90), ("5m", 300), ("1h", 3600), ("1h30m", 5400), ("0.5m", 30),
     (" 2M ", 120), (45, 45)],
)  # fmt: skip
def test_a_duration_is_seconds(text: object, expected: float) -> None:
    assert seconds(text) == expected


@pytest.mark.parametrize("text", ["", "5x", "m", "5 m", "-5s", "1e3s", "nan", "5m!"])
def test_what_is_no_duration_says_how_to_write_one(text: str) -> None:
    with pytest.raises(ValueError, match="5m, 1h or 1h30m"):
        seconds(text)


def test_a_percentage_is_a_share() -> None:
    assert [share("10%"), share("12.5 %"), share("0.2"), share(0.3)] == [0.1, 0.125, "0.2", 0.3]
    for text in ("%", "a%", "-5%", "5%%"):
        with pytest.raises(ValueError, match="10% or"):
            share(text)


def test_the_place_of_a_value_is_in_the_error() -> None:
    with pytest.raises(UnknownNameError, match=r"'imags' in a\.toml; did you mean 'images'"):
        parse_settings(Sample, "setting of method 'static'", {"imags": "5"}, "a.toml")
    with pytest.raises(SettingError, match=r"'images' in a\.toml: Input should be"):
        parse_settings(Sample, "setting of method 'static'", {"images": "x"}, "a.toml")
