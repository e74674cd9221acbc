from __future__ import annotations

import pytest

from quantbench.explain.judge import judge
from quantbench.explain.records import (
    Calibration,
    CalibrationPoint,
    ClassChange,
    Disagreement,
    Explanation,
    LayerSensitivity,
    Limit,
    Mixed,
    Prediction,
    Sensitivity,
    Unsplit,
)
from quantbench.report.terminal.explanation.bar import bar, stacked
from quantbench.report.terminal.explanation.page import explanation_page
from tests.explain.builder import (
    error,
    explained,
    layer,
    layer_error,
    peaks,
    quantized,
    ran,
    split,
)
from tests.report.builder import interval, results
from tests.report.golden import check, rendered

STUDY = results(*results().rows, quantized())


def whole() -> Explanation:
    """One with something in every part."""
    limit = Limit(compute_us=1.0, memory_us=0.5, bound_by="compute", share=0.1)
    evidence = explained(
        ran=(ran(layer(), layer("conv2", integer=False, reason="no kernel for it")),),
        times=(
            split(integer=4.0, float=2.0, conversion=1.0, other=0.5, call=12.5, limit=limit),
            split("float32 on torch", float=90.0, other=5.0, call=5.0, batch=1000),
        ),
        unsplit=(Unsplit(row="static on c99", reason="it was built without counters"),),
        predictions=(
            Prediction(
                row="ort_static on c99",
                float32="float32 on c99",
                kernels="avx2",
                measured_with="avx512vnni",
                batch=1,
                int8_us=6.9,
                float32_us=10.8,
                ratio=10.8 / 6.9,
            ),
        ),
        peaks=peaks(avx2_float32=50_000.0, avx2_int8=60_000.0),
        errors=(error(layer_error(), layer_error("conv2", sqnr_db=12.0, clipped=0.02)),),
        sensitivity=(
            Sensitivity(
                method="ort_static",
                samples=1_000,
                layers=(
                    LayerSensitivity(
                        layer="conv1",
                        macs=1_000,
                        alone=interval(-0.001, 0.0005),
                        alone_loss=0.002,
                        all_but=interval(0.0008, 0.0003),
                    ),
                    LayerSensitivity(
                        layer="conv2", macs=90, alone=interval(0.0, 0.0001), alone_loss=0.0001
                    ),
                ),
                mixed=Mixed(
                    max_drop=0.1,
                    unit="points",
                    left_float=("conv1",),
                    float_macs_share=0.12,
                    difference=interval(-0.0001, 0.0002),
                    recipe="mixed.toml",
                    reached=True,
                ),
            ),
        ),
        calibration=(
            Calibration(
                method="ort_static",
                unit="fraction",
                points=tuple(
                    CalibrationPoint(
                        observer=name, samples=n, mean=0.98, low=0.97, high=0.99, draws=3
                    )
                    for name in ("minmax", "entropy")
                    for n in (1, 64)
                ),
                enough=64,
            ),
        ),
        disagreement=(
            Disagreement(
                row="static on openvino",
                samples=10_000,
                changed=25,
                only_float_right=15,
                only_this_right=10,
                float_probability_of_changed=0.55,
                classes=(ClassChange(label="7", samples=1_000, float_right=990, right=980),),
            ),
        ),
        notes=("calibration: ended early",),
    )
    return evidence.model_copy(update={"findings": judge(STUDY, evidence).findings})


@pytest.mark.parametrize("width", [80, 120])
def test_looks_as_it_did_and_fits(width: int) -> None:
    text = rendered(explanation_page(whole(), STUDY), width)
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text
    check(f"explained-{width}.txt", text)


def test_findings_come_first_and_what_is_empty_is_left_out() -> None:
    text = rendered(explanation_page(whole(), STUDY), 80)
    places = [
        text.index(heading)
        for heading in ("Findings", "What ran as integer", "Where the time goes", "Error of",
                        "Sensitivity under", "by calibration samples", "Answers unlike", "note: ")
    ]  # fmt: skip
    assert places == sorted(places)
    empty = rendered(explanation_page(explained(), STUDY), 80)
    assert empty.split("\n\n")[1:] == [
        "Findings\n  Nothing was found that costs speed, size or score.\n"
    ]


def test_names_are_not_markup() -> None:
    odd = explained(ran=(ran(layer("[red]x[/red]", integer=False), row="[b]a[/b] on b"),))
    text = rendered(explanation_page(odd, STUDY), 120)
    assert "[red]x[/red]" in text
    assert "[b]a[/b] on b" in text


def test_bars_have_the_length_of_their_shares() -> None:
    assert [bar(share, 10) for share in (0.0, 0.001, 0.5, 1.0, 2.0)] == [
        "", "#", "#####", "##########", "##########"
    ]  # fmt: skip
    assert stacked([("#", 1.0), ("F", 2.0), ("=", 1.0)], 8) == "##FFFF=="
    thirds = stacked([("#", 1.0), ("F", 1.0), (".", 1.0)], 10)
    assert (len(thirds), thirds.count("#")) == (10, 3)
    assert stacked([("#", 0.0)]) == ""
