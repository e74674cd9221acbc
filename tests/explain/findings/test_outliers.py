from __future__ import annotations

import numpy as np
import pytest

from quantbench.explain.findings.outliers import KEPT, wasted
from tests.explain.builder import (
    ARTIFACT,
    error,
    explained,
    found,
    histogram,
    layer_error,
    quantized,
)
from tests.report.builder import results

RULE = "outliers"
STUDY = results(quantized())
NARROW = histogram((100_000, *[0] * 98, 1), 0.0, 100.0)
EVEN = histogram((1_000,) * 100, 0.0, 100.0)


def test_fires_where_one_value_stretches_the_range() -> None:
    (finding,) = found(RULE, STUDY, explained(errors=(error(histograms=(EVEN, NARROW)),)))
    assert (finding.weight, finding.rows) == ("cost", ("static on openvino",))
    assert finding.evidence[0].value == pytest.approx(99)
    assert f"conv1 (activations) in {ARTIFACT}" in finding.sentence
    assert "percentile" in finding.remedy
    weights = NARROW.model_copy(update={"what": "weights"})
    (other,) = found(RULE, STUDY, explained(errors=(error(histograms=(weights,)),)))
    assert "by channel" in other.remedy


def test_fires_where_a_channel_stretches_the_range() -> None:
    """The whole layer's figure is that of the large channel, and hides what the others lose."""
    large = layer_error("conv2", made_db=38.0, channel_db=3.0)
    (finding,) = found(RULE, STUDY, explained(errors=(error(layer_error(channel_db=44.0), large),)))
    assert (finding.weight, finding.rows) == ("fault", ("static on openvino",))
    assert finding.evidence[0].value == 35.0
    assert "stretch the range of conv2 in static state_dict" in finding.sentence
    usual = layer_error(made_db=45.0, channel_db=39.0)
    assert found(RULE, STUDY, explained(errors=(error(usual),))) == []


def test_does_not_fire_on_a_bell_curve_nor_without_histograms() -> None:
    values = np.random.default_rng(0).normal(size=200_000)
    counts, edges = np.histogram(values, bins=200)
    bell = histogram(tuple(counts.tolist()), float(edges[0]), float(edges[-1]))
    assert found(RULE, STUDY, explained(errors=(error(histograms=(EVEN, bell)),))) == []
    assert found(RULE, STUDY) == []


def test_the_share_is_that_of_quantiles() -> None:
    """NumPy's quantiles of the values themselves say the same, to the width of a bin."""
    values = np.random.default_rng(1).standard_t(3, size=100_000)
    counts, edges = np.histogram(values, bins=5_000)
    low, high = float(edges[0]), float(edges[-1])
    share = wasted(histogram(tuple(counts.tolist()), low, high))
    inner = np.quantile(values, [(1 - KEPT) / 2, (1 + KEPT) / 2])
    assert share == pytest.approx(1 - (inner[1] - inner[0]) / (high - low), abs=2 / 5_000)
    assert wasted(histogram((0, 0), 0.0, 1.0)) is None
