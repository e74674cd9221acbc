from __future__ import annotations

from quantbench.results.records import Unlike
from tests.explain.builder import found, quantized
from tests.report.builder import results

RULE = "runtimes_disagree"


def test_fires_where_a_runtime_answers_unlike_another() -> None:
    odd = quantized(unlike=Unlike(runtime="onnxruntime", apart=2.3, error=0.05))
    (finding,) = found(RULE, results(odd, quantized("qat")))
    assert (finding.weight, finding.rows) == ("fault", ("static on openvino",))
    assert [evidence.value for evidence in finding.evidence] == [2.3, 0.05]
    assert finding.remedy.startswith("ship it on onnxruntime, not on openvino")


def test_does_not_fire_where_all_agree() -> None:
    assert found(RULE, results(quantized())) == []
