from __future__ import annotations

import pytest

from quantbench.results.records import Results, Row
from tests.explain.builder import found, quantized
from tests.formats import INT8_CHANNEL, UINT8, numerics
from tests.report.builder import environment, results

RULE = "saturation_without_vnni"
OLD = environment(instruction_sets=("avx2",))
WIDE = numerics(INT8_CHANNEL, UINT8)


def study(row: Row, machine: object = OLD) -> Results:
    return results(row, environment=machine)


def test_fires_on_a_cpu_without_vnni() -> None:
    (finding,) = found(RULE, study(quantized(runtime="onnxruntime", numerics=WIDE)))
    assert (finding.weight, finding.rows) == ("note", ("static on onnxruntime",))
    assert [evidence.value for evidence in finding.evidence[:2]] == [64_770, 32_767]


def test_it_is_a_fault_where_the_score_suffers() -> None:
    worse = quantized(runtime="torch", numerics=WIDE, correct=9_800, lost=120, gained=20)
    (finding,) = found(RULE, study(worse))
    assert finding.weight == "fault"


@pytest.mark.parametrize(
    ("row", "machine"),
    [
        (quantized(runtime="onnxruntime", numerics=WIDE), environment()),
        (quantized(runtime="onnxruntime", numerics=WIDE), environment(architecture="aarch64")),
        (quantized(runtime="c99", numerics=WIDE), OLD),
        (quantized(runtime="onnxruntime", numerics=WIDE, settings={"reduce_range": True}), OLD),
        (quantized(runtime="onnxruntime", numerics=numerics(UINT8, UINT8)), OLD),
        (
            quantized(
                runtime="onnxruntime",
                numerics=numerics(INT8_CHANNEL.model_copy(update={"used_bits": 7}), UINT8),
            ),
            OLD,
        ),
    ],
    ids=["vnni", "arm", "another runtime", "reduced", "unsigned weights", "7 bits"],
)
def test_does_not_fire_where_nothing_can_saturate(row: Row, machine: object) -> None:
    assert found(RULE, study(row, machine)) == []
