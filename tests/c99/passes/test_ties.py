"""Where half up and half to even differ, against all accumulators; and the C where they do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from quantbench.artifacts.artifact import Artifact
from quantbench.c99.check.golden import vectors
from quantbench.c99.generate import emit
from quantbench.c99.importer import import_onnx
from quantbench.c99.ir.graph import Graph, Pooling, Window
from quantbench.c99.ir.interpreter import execute
from quantbench.c99.ir.rounding import Range
from quantbench.c99.ir.rounding import ties_differ as differ
from quantbench.c99.ops.add import AddRequantization
from quantbench.c99.ops.add import ties_differ as sums_differ
from quantbench.c99.passes.layout import plan
from quantbench.c99.passes.ties import mark_ties
from quantbench.c99.passes.to_uint8 import to_uint8
from quantbench.c99.target.isa import ISAS, Isa
from quantbench.c99.target.target import Target
from quantbench.numerics.fixed_point import Multiplier
from tests.c99.builder import Builder, lenet
from tests.c99.checking import chosen, command, native
from tests.c99.drawn import graphs
from tests.c99.rounding import rounded_up
from tests.c99.together import all_pass
from tests.targets.networks import residual, separable

ranges = st.builds(
    lambda low, size: Range(low, low + size), st.integers(-3000, 3000), st.integers(0, 600)
)
results = st.builds(Range, st.integers(-255, 0), st.integers(0, 255))


def multipliers(odd: int, exponent: int) -> Multiplier:
    """Of those bits: an accumulator at a tie is an odd multiple of 2**exponent."""
    shifted = 31 - odd.bit_length()
    return Multiplier(m=odd << shifted, s=shifted + 1 + exponent)


factors = st.builds(
    multipliers, st.integers(0, 600).map(lambda half: 2 * half + 1), st.integers(-3, 12)
)


def clamped(values: NDArray[np.float64], result: Range) -> NDArray[np.float64]:
    return np.clip(values, result.low, result.high)


@settings(max_examples=500)
@given(ranges, factors, results)
def test_differ_is_what_every_accumulator_says(
    acc: Range, factor: Multiplier, result: Range
) -> None:
    """float64 holds these products exactly, and NumPy's rint is half to even."""
    reals = np.arange(acc.low, acc.high + 1) * float(factor.value)
    up, even = np.floor(reals + 0.5), np.rint(reals)
    assert differ(acc, factor, result) == (clamped(up, result) != clamped(even, result)).any()


@given(st.integers(-(2**31), 0), st.integers(0, 2**31 - 1), st.integers(0, 62), results)
def test_ten_significant_bits_have_no_tie(low: int, high: int, s: int, result: Range) -> None:
    """The tie next to 0 is then beyond 8 bits."""
    assert not differ(Range(low, high), Multiplier(m=513 << 21, s=s), result)


def test_a_channel_of_zeros_has_no_tie() -> None:
    assert not differ(Range(-(2**31), 2**31 - 1), Multiplier(m=0, s=1), Range(-128, 127))


@given(
    st.tuples(st.integers(0, 40), st.integers(0, 40)), st.tuples(*[st.integers(0, 9)] * 2),
    st.integers(0, 40), st.integers(0, 40), st.integers(-3, 3),
)  # fmt: skip
def test_sums_differ_is_what_every_pair_says(
    zeros: tuple[int, int], few: tuple[int, int], zero: int, size: int, shift: int
) -> None:
    """Factors of 2**-3 and its multiples, up to a larger one."""
    m1, m2 = (one * 2**12 for one in few)
    node = AddRequantization((m1, m2), 15 + abs(shift), zeros, zero, 0, size)
    first, second = (
        (np.arange(41) - z) * m / 2.0**node.shift for z, m in zip(zeros, (m1, m2), strict=True)
    )
    reals = first[:, None] + second
    given = np.clip(np.floor(reals + 0.5) + zero, 0, size)
    expected = (given != np.clip(np.rint(reals) + zero, 0, size)).any()
    assert sums_differ(node, (Range(0, 40), Range(0, 40))) == expected


@settings(max_examples=60)
@given(
    st.integers(0, 2**16), st.integers(1, 4),
    st.sampled_from(("none", "relu", "clip")), st.booleans(),
)  # fmt: skip
def test_no_input_of_a_layer_without_ties_tells_the_rules_apart(
    seed: int, outputs: int, activation: str, dyadic: bool
) -> None:
    """All 65,536 inputs of a small layer."""
    build = Builder((2,), seed, dyadic=dyadic)
    graph = mark_ties(build.graph(build.dense("input", outputs, activation=activation)))
    values = np.stack(np.meshgrid(np.arange(256), np.arange(256)), axis=-1).reshape(-1, 2)
    if not np.array_equal(rounded_up(graph, values), execute(graph, values)):
        assert any(marked(graph))


@settings(max_examples=100, suppress_health_check=list(HealthCheck))
@given(graphs(), st.integers(0, 99))
def test_a_network_without_ties_may_be_rounded_up(graph: Graph, seed: int) -> None:
    graph = mark_ties(to_uint8(graph))
    values = vectors(graph, 3, seed)
    if not np.array_equal(rounded_up(graph, values), execute(graph, values)):
        assert any(marked(graph))


def marked(graph: Graph) -> list[bool]:
    """Of each node that rounds, whether a tie is possible."""
    return [
        rounding.ties
        for node in graph.nodes
        for rounding in (getattr(node, "requantize", None),)
        if rounding is not None
    ]


def tying() -> tuple[Graph, ...]:
    """Networks in which many results are ties, in every kind of kernel."""
    made = [make("int8", dyadic=True) for make in (residual, separable)]
    one = Builder((1, 26, 41), dyadic=True)
    halved = Pooling("average", Window((2, 2), (2, 2)))
    made.append(one.graph(one.conv("input", 6, Window((5, 5)), pooling=halved)))
    mean = Builder((4, 8, 8))
    made.append(mean.graph(mean.pool("input", "average", Window((8, 8)))))
    return (*made, lenet(dyadic=True))


def test_the_golden_vectors_hold_ties() -> None:
    """So that C which rounds them up fails."""
    for graph in tying():
        same = to_uint8(graph)
        values = vectors(same, 6, seed=1)
        assert sum(marked(mark_ties(same))) >= len(marked(same)) - 1  # a mean of 20 has none
        assert not np.array_equal(rounded_up(same, values), execute(same, values))


@pytest.mark.parametrize(
    "kernels", [None, *ISAS], ids=lambda one: one.macro if one else "MODEL_PORTABLE"
)
def test_the_c_rounds_ties_to_even(tmp_path: Path, kernels: Isa | None) -> None:
    files = [emit(graph, Target.NATIVE).files for graph in tying()]
    all_pass(files, tmp_path, (*command(), "-O1", *chosen(kernels)))


def test_small_c_rounds_ties_to_even(tmp_path: Path) -> None:
    files = [emit(graph).files for graph in tying()]
    all_pass(files, tmp_path, (*command(), "-Os"))


@settings(max_examples=8, suppress_health_check=list(HealthCheck))
@given(graphs(dyadic=True))
def test_any_network_of_ties(graph: Graph) -> None:
    files = [emit(graph, target).files for target in (Target.PORTABLE, Target.NATIVE)]
    with TemporaryDirectory() as folder:
        all_pass(files, Path(folder), (*command(), "-O1", *native()))


def test_a_trained_network_does_not_pay(
    artifacts: Callable[[str, str, str], Artifact],
) -> None:
    """Scales of ONNX Runtime's quantizer have 24 significant bits."""
    graph = import_onnx(artifacts("lenet", "ort_static", "onnx").folder / "model.onnx")
    assert not any(marked(plan(graph).graph))
    for target in (Target.PORTABLE, Target.NATIVE):
        source = emit(graph, target).files["model.c"]
        assert "shift & 63U" not in source
        assert "requantized_to_even_512(a" not in source
