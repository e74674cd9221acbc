"""Training and calibration with several seeds: each row's spread, against studies of one seed."""

from __future__ import annotations

from pathlib import Path
from statistics import stdev

import pytest

from quantbench.errors import UsageError
from quantbench.results.records import BySeed, Results, Row
from quantbench.results.seeds import by_seed
from quantbench.studies.options import Options
from quantbench.studies.pipeline import run as run_study
from tests.small_study import run


def static_on_torch(results: Results) -> Row:
    return next(row for row in results.rows if row.name == "static on torch")


def difference(results: Results) -> float:
    against = static_on_torch(results).against_float
    assert against is not None
    assert against.difference is not None
    return against.difference.value


def test_the_differences_are_those_of_studies_with_one_seed(tmp_path: Path) -> None:
    """The order of calibration samples differs, which changes no histogram of them all."""
    alone = [
        difference(
            run(tmp_path / str(seed), "float32", "static", runtimes=("torch",), seed=seed).results
        )
        for seed in (1, 2)
    ]
    several = run(
        tmp_path / "both", "float32", "static", runtimes=("torch",), seed=1, seeds=2
    ).results
    against = static_on_torch(several).against_float
    assert against is not None
    assert against.seeds is not None
    assert against.seeds.differences[0] == alone[0] == difference(several)
    assert against.seeds.differences[1] == pytest.approx(alone[1], abs=0.01)
    assert against.seeds.spread == pytest.approx(stdev(against.seeds.differences))
    if abs(against.seeds.mean) < against.seeds.spread:
        assert against.verdict not in ("worse", "better")
    assert Results.model_validate_json(several.model_dump_json()) == several


def test_a_row_that_other_seeds_do_not_have_is_left_out() -> None:
    others = [{"a": 0.25}, {}, {"a": -0.25, "b": 1.0}]
    assert by_seed(0.75, "a", others) == BySeed(
        differences=(0.75, 0.25, -0.25), mean=0.25, spread=0.5
    )
    assert by_seed(0.75, "c", others) is None


def test_a_network_in_memory_can_not_be_trained_again(tmp_path: Path) -> None:
    def never(*_: object) -> None:
        raise AssertionError("it was loaded")

    with pytest.raises(UsageError, match="--seeds can't train it again"):
        run_study(
            Options(out=tmp_path / "out", seeds=2, runtimes=("torch",)),
            load=never,  # type: ignore[arg-type]
        )
