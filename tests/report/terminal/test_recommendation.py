from __future__ import annotations

from quantbench.report.terminal.recommendation import recommendation_lines
from tests.report.builder import against_fastest, results, row

SLOW = row()
FAST = row(runtime="onnxruntime", size=249_000, single=40.0, model=25.0, end_to_end=45.0)


def quantized(**changes):
    fields = {"size": 75_000, "float_macs": 0, "baseline": SLOW, "single": 100.0}
    return row("static", "openvino", **(fields | changes))


def lines(*rows):
    return list(recommendation_lines(results(SLOW, FAST, *rows)))


def test_what_is_shipped_gains_and_costs():
    names, (single, many) = zip(
        *lines(quantized(single=20.0, model=10.0, correct=9_895, lost=15, gained=10)), strict=True
    )
    assert names == ("One image at a time", "Batches of 1,000")
    assert single == (
        "ship static on openvino (artifacts/static-openvino): 2.00 times (95% interval 1.94–2.06) "
        "as fast as float32 on onnxruntime, the fastest float32; 75,000 bytes, 174,000 fewer than "
        "its 249,000; accuracy −0.05 points (95% interval −0.16 to +0.06, no difference shown) "
        "against float32 on torch."
    )
    assert "2.50 times (95% interval 2.43–2.58)" in many


def test_what_the_engine_gains_by_itself_is_said():
    fields = {"size": 75_000, "float_macs": 0, "baseline": FAST, "single": 20.0}
    this = row("static", "onnxruntime", **fields)
    this = this.model_copy(update={"against_fastest": against_fastest(this.latency)})
    one = lines(this)[0][1]
    assert one.endswith(
        " Against float32 on torch, the fastest float32 of another runtime, it is 10.0 times (95% "
        "interval 9.71–10.3) as fast; float32 on onnxruntime alone is 5.00 times (95% interval "
        "4.85–5.15)."
    )


def test_a_larger_file_is_said():
    assert (
        "; 300,000 bytes, not fewer than its 249,000; "
        in lines(quantized(single=20.0, size=300_000))[0][1]
    )


def test_where_float_is_kept_the_smallest_is_told():
    assert lines(quantized(single=80.0))[0][1] == (
        "keep float32 on onnxruntime: of the quantized rows that aren't shown to be worse in "
        "accuracy, none is shown faster. The smallest of them, static on openvino "
        "(artifacts/static-openvino), has 75,000 bytes, 174,000 fewer than its 249,000; it is "
        "0.50 times (95% interval 0.49–0.52) as fast (slower); accuracy 0.00 points (95% interval "
        "−0.04 to +0.04, no difference shown) against float32 on torch."
    )


def test_where_nothing_speaks_for_quantizing():
    assert lines()[0][1] == "keep float32 on onnxruntime: nothing quantized was measured."
    worse = quantized(single=20.0, correct=9_800, lost=120, gained=20)
    assert lines(worse)[0][1] == (
        "keep float32 on onnxruntime: every quantized row is shown to be worse in accuracy."
    )
    assert lines(quantized(size=250_000))[0][1].endswith(
        "is shown faster, and none has fewer bytes."
    )


def test_unstable_times_are_told_beside_the_answer():
    wild = quantized(single=10.0, wobble=0.15)
    assert lines(wild)[0][1].endswith(
        " (! The times of static on openvino are unstable: repeat on an idle machine.)"
    )
    starved = FAST.model_copy(update={"busy_threads": 0.5})
    sentences = list(recommendation_lines(results(SLOW, starved, quantized(single=10.0))))
    assert sentences[0][1].endswith(
        " (! The times of float32 on onnxruntime are unstable: repeat on an idle machine.)"
    )
    assert "unstable" not in lines(quantized(single=10.0))[0][1]
