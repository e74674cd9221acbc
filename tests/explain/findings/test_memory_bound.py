from __future__ import annotations

from quantbench.explain.records import Limit
from tests.explain.builder import explained, found, quantized, split
from tests.report.builder import results

RULE = "memory_bound"
STUDY = results(quantized())


def test_fires_where_reading_weights_is_the_limit() -> None:
    limit = Limit(compute_us=2.0, memory_us=6.0, bound_by="memory", share=0.6)
    (finding,) = found(RULE, STUDY, explained(times=(split(integer=10.0, limit=limit),)))
    assert (finding.weight, finding.rows) == ("note", ("static on openvino",))
    assert [evidence.value for evidence in finding.evidence] == [60.0, 2.0]


def test_does_not_fire_where_arithmetic_is_the_limit_or_neither_is_near() -> None:
    compute = Limit(compute_us=6.0, memory_us=2.0, bound_by="compute", share=0.6)
    far = Limit(compute_us=0.1, memory_us=0.2, bound_by="memory", share=0.02)
    for limit in (compute, far, None):
        assert found(RULE, STUDY, explained(times=(split(integer=10.0, limit=limit),))) == []
