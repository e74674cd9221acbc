"""Studies that no metric of right and wrong judges: regression, agreement, a figure of all."""

from __future__ import annotations

import pytest

from quantbench.report.order import Order
from quantbench.report.terminal.diff import compared
from quantbench.report.terminal.page import View, comparison
from quantbench.results.diff import side_by_side
from quantbench.results.records import AgainstFloat, MetricFigure
from tests.report.builder import SQUARED, errors, interval, latency, results, row
from tests.report.golden import check, rendered

EVERYTHING = View(all_rows=True, details=True)
BASE = row()
QUANTIZED = {"size": 75_000, "float_macs": 0, "baseline": BASE}


def model_only(this):
    """A row without times that include reading raw data."""
    return this.model_copy(update={"latency": this.latency[:2]})


def regression(*more):
    """A regressor that came trained, with data that came prepared."""
    rows = (
        errors(0.0123),
        errors(0.0124, "static", single=20.0, model=10.0, difference=1.2e-4, **QUANTIZED),
        errors(0.02, "dynamic", single=300.0, difference=0.0042, verdict="worse", **QUANTIZED),
        *more,
    )
    return results(
        *map(model_only, rows),
        metric=SQUARED,
        sample="sample",
        model="regressor",
        data="test.npz",
        training=None,
        data_loading=None,
        preprocessing_sha256=None,
        splits={"calibration": "0" * 64, "test": "1" * 64},
    )


@pytest.mark.parametrize("width", [80, 120])
def test_a_regression_looks_as_it_did(width):
    text = rendered(comparison(regression(), EVERYTHING), width)
    check(f"regression-{width}.txt", text)
    assert max(map(len, text.splitlines())) <= width
    assert not any(word in text for word in ("image", "accura", "McNemar", "lost", "Reading"))


def test_two_regressions_side_by_side_look_as_they_did():
    a, b = regression(), regression(errors(0.5, "qat", **QUANTIZED))
    text = rendered(compared(side_by_side(a, b), ("a", "b"), (a, b)), 80)
    check("compared-regression-80.txt", text)
    assert not any(word in text for word in ("image", "accura", "loss"))


def test_results_by_other_metrics_have_no_scores_side_by_side():
    a = regression()
    b = results(splits=a.splits)
    text = rendered(compared(side_by_side(a, b), ("a", "b"), (a, b)), 80)
    assert "A is judged by mean squared error, B by accuracy." in " ".join(text.split())
    assert "0.0123" not in text
    assert "99.00" not in text


def test_a_row_without_a_score_says_why():
    reason = "metric 'mean_squared_error' isn't finite for these outputs"
    unknown = errors(None, "nan", score_reason=reason, verdict="not judged", **QUANTIZED)
    against = unknown.against_float.model_copy(update={"difference": None})
    study = regression(unknown.model_copy(update={"against_float": against}))
    text = rendered(comparison(study, EVERYTHING), 120)
    assert f"not judged: {reason}" in " ".join(text.split())
    assert "nan on torch" in text


def test_where_no_quantized_row_is_judged_that_is_the_answer():
    unknown = errors(None, "nan", verdict="not judged", **QUANTIZED)
    study = results(errors(0.1), unknown, metric=SQUARED, sample="sample")
    words = " ".join(rendered(comparison(study), 120).split())
    assert "no quantized row could be judged by mean squared error." in words


@pytest.mark.parametrize("by", [Order.ACCURACY, Order.METRIC])
def test_rows_are_sorted_by_the_metric_the_least_error_first(by):
    text = rendered(comparison(regression(), View(by=by)), 80)
    main = text[text.index("\nmethod ") :]
    assert main.index("float32 ") < main.index("static ") < main.index("dynamic ")


def agreement():
    """Rows judged by agreement with float32, where the samples have no targets."""
    metric = SQUARED.model_copy(
        update={
            "name": "agreement",
            "title": "agreement with float32",
            "unit": "fraction",
            "higher_is_better": True,
            "kind": "right_or_wrong",
            "margin": 0.01,
        }
    )
    far = row("static", correct=9_800, lost=200, **QUANTIZED)
    against = far.against_float.model_copy(
        update={"p": None, "adjusted_p": None, "verdict": "worse"}
    )
    rows = (row(correct=10_000), far.model_copy(update={"against_float": against, "metrics": {}}))
    return results(*rows, metric=metric, training=None, sample="sample")


def test_agreement_speaks_of_its_margin_and_of_no_test():
    text = rendered(comparison(agreement(), EVERYTHING), 80)
    assert max(map(len, text.splitlines())) <= 80
    assert "lost: samples that tell it from float32 in the same runtime." in text
    assert "worse: the difference is shown to be beyond 1 point." in text
    assert "McNemar" not in text
    assert "static on torch" in text
    assert "static on torch – 200 0 – – worse" in " ".join(text.split())


def test_a_figure_without_an_interval_is_shown_without():
    none = interval(0.875, 0).model_copy(
        update={"low": None, "high": None, "how": "too slow to resample"}
    )
    metric = SQUARED.model_copy(
        update={"title": "ROC AUC", "unit": "fraction", "higher_is_better": True}
        | {"name": "auc", "kind": "whole_set"}
    )
    base = row(score=none)
    against = AgainstFloat(
        baseline="float32 on torch",
        bytes_ratio=2.0,
        difference=none.model_copy(update={"value": 0.01}),
        verdict="not judged",
    )
    this = row("static", score=none, float_macs=0, against_float=against)
    text = rendered(comparison(results(base, this, metric=metric), EVERYTHING), 80)
    assert "87.50" in text
    assert "too slow to resample" in " ".join(text.split())


def test_a_metric_with_a_long_title_and_large_numbers_fits_80_columns():
    metric = SQUARED.model_copy(
        update={"title": "a title of a good many words", "unit": "furlongs"}
    )
    rows = (
        errors(123_456.7),
        errors(-98_765.4, "static_uncalibrated", difference=-222_222.1, **QUANTIZED),
        errors(1.23e-7, "tiny", difference=1e-9, **QUANTIZED),
    )
    figure = {"loss": MetricFigure(value=None, unit="nats", higher_is_better=False)}
    rows = [each.model_copy(update={"metrics": figure}) for each in rows]
    text = rendered(comparison(results(*rows, metric=metric), EVERYTHING), 80)
    assert max(map(len, text.splitlines())) <= 80
    assert "…" not in text[text.index("Formats and") :]  # above, a method's name may be cut
    for words in ("123,457", "static_uncalibrated", "±9,877", "1.230e-07", "−222,222"):
        assert words in text


def test_times_without_data_have_no_column():
    text = rendered(comparison(regression(), EVERYTHING), 80)
    assert "Slowest calls, throughput" in text
    whole = regression().model_copy(update={"data_loading": latency("end_to_end", 1000, 20.0)})
    assert "Slowest calls, time with data, throughput" in rendered(
        comparison(whole, EVERYTHING), 80
    )
