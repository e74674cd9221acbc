from __future__ import annotations

from tests.explain.builder import explained, found, peaks, quantized
from tests.report.builder import results, row

RULE = "no_int8_advantage"


def test_fires_where_the_peaks_are_nearly_equal() -> None:
    measured = peaks(avx2_float32=50_000.0, avx_float32=20_000.0, avx2_int8=60_000.0)
    (finding,) = found(RULE, results(quantized()), explained(peaks=measured))
    assert (finding.weight, finding.rows) == ("cost", ("static on openvino",))
    assert [evidence.value for evidence in finding.evidence] == [60_000.0, 50_000.0]
    assert "1.20 times as many" in finding.sentence


def test_does_not_fire_with_vnni_nor_without_peaks_nor_without_quantized_rows() -> None:
    fast = explained(peaks=peaks(avx512f_float32=100_000.0, avx512vnni_int8=400_000.0))
    assert found(RULE, results(quantized()), fast) == []
    assert found(RULE, results(quantized())) == []
    slow = explained(peaks=peaks(avx2_float32=1.0, avx2_int8=1.0))
    assert found(RULE, results(row()), slow) == []
