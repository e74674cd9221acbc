"""Which roundings are proved of a layer, and that its C is exact with them and without."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from quantbench.c99.emit.library import Options, require_options
from quantbench.c99.generate import emit
from quantbench.c99.ir.graph import Graph, Pooling, Requantization, Window
from quantbench.c99.nodes.layer import Layer, with_requantization
from quantbench.c99.passes.layout import plan
from quantbench.c99.passes.proved import channels_of
from quantbench.c99.simd.requantize import Form, form_of
from quantbench.c99.target.isa import AVX2, AVX512VNNI, NEON, SSE2, Isa
from quantbench.c99.target.target import Dtype, Target
from quantbench.errors import UsageError
from quantbench.numerics.fixed_point import multiplier
from tests.c99.builder import Builder
from tests.c99.checking import chosen, command, native
from tests.c99.together import all_pass

TYING = Fraction(3, 64)
"""A multiple of 32/3 is at a tie, above even and odd integers: only the exact rounding has them."""


def network(*, planted: bool = False, shared: bool = False) -> Graph:
    """Two convolutions; one channel of the first has ties where `planted`."""
    build = Builder((3, 12, 19), seed=3)
    pooling = Pooling("average", Window((2, 2), (2, 2)))
    x = build.conv("input", 37, Window((3, 3)), activation="none", pooling=pooling)
    x = build.conv(x, 8, Window((1, 1)), activation="relu")
    nodes = []
    for number, node in enumerate(build.nodes):
        assert isinstance(node, Layer)
        factors = np.random.default_rng(number).uniform(0.008, 0.02, len(node.weights))
        made = [multiplier(Fraction(float(real)), "test") for real in factors]
        if planted and number == 0:
            made[5] = multiplier(TYING, "test")
        if shared:
            made = made[:1]
        rounding = Requantization(tuple(made), zero_point=7, low=0, high=255 - 40 * number)
        nodes.append(with_requantization(node, rounding))
    return replace(build.graph(x), nodes=tuple(nodes))


def layers(graph: Graph) -> list[Requantization]:
    """The requantizations of a planned graph."""
    nodes = plan(graph).graph.nodes
    return [node.requantize for node in nodes if isinstance(node, Layer) and node.requantize]


@pytest.mark.parametrize("shared", [False, True])
def test_every_form_is_proved_of_layers_as_quantizers_write_them(shared: bool) -> None:
    for requantize in layers(network(shared=shared)):
        short, count = requantize.short, len(requantize.multipliers)
        assert short.upper is not None
        assert short.common is not None
        assert short.real is not None
        assert len(short.upper.m) == len(short.common.m) == len(short.real.factor) == count
        assert short.upper.shift == 32 < short.common.shift
        assert form_of(requantize, AVX512VNNI) is form_of(requantize, AVX2) is Form.REAL
        assert form_of(requantize, SSE2) is form_of(requantize, NEON) is Form.WHOLE


def test_one_channel_without_a_proof_keeps_its_layer_exact() -> None:
    first, second = layers(network(planted=True))
    assert first.short.upper is first.short.common is first.short.real is None
    assert first.ties
    assert form_of(first, AVX512VNNI) is form_of(first, AVX2) is Form.WHOLE
    assert form_of(second, AVX512VNNI) is Form.REAL
    source = emit(network(planted=True), Target.NATIVE).files["model.c"]
    for text in ("model_requantized_to_even_512(", "model_real_requantized_256("):
        assert text in source.partition("l0_0_0(")[2]


def test_each_register_takes_the_form_that_its_channels_have() -> None:
    """The planted channel, 5, is in the first of the layer's three registers."""
    options = Options(isas=("avx512vnni",))
    source = emit(network(planted=True), Target.NATIVE, options).files["model.c"]
    tile = source.partition("void model_l0_0_0(")[2].partition("\n}\n")[0]
    stores = [line for line in tile.splitlines() if "model_store_bytes(" in line]
    assert {"factors0" in line: "model_requantized_to_even_512(" in line for line in stores} == {
        True: True,
        False: False,
    }
    assert all("factors0" in line or "model_real_requantized_512(" in line for line in stores)


def test_a_kernel_that_rounds_channels_apart_takes_each_ones_form(tmp_path: Path) -> None:
    """One input channel to six outputs: with AVX-512 VBMI lanes are pixels, not channels."""
    build = Builder((1, 24, 32), seed=4)
    pooling = Pooling("average", Window((2, 2), (2, 2)))
    x = build.conv("input", 6, Window((5, 5)), activation="relu", pooling=pooling)
    (node,) = build.nodes
    assert isinstance(node, Layer)
    made = [multiplier(Fraction(real, 10_000), "test") for real in (31, 37, 41, 43, 47)]
    rounding = Requantization((*made, multiplier(TYING, "test")), zero_point=0, low=0, high=255)
    graph = replace(build.graph(x), nodes=(with_requantization(node, rounding),))
    forms = layers(graph)[0].short
    assert forms.real is None
    assert [form.real is not None for form in forms.by_channel] == [True] * 5 + [False]
    files = emit(graph, Target.NATIVE).files
    pixels = files["model.c"].partition("_pixels(const")[2].partition("\n}\n")[0]
    assert pixels.count("model_real_requantized_512(") == 5
    assert pixels.count("model_requantized_to_even_512(") == 1
    alone = emit(graph, Target.NATIVE, Options(integer_only=True)).files
    assert "model_real_requantized" not in alone["model.c"].partition("_pixels(const")[2]
    all_pass([files, alone], tmp_path, (*command(), "-O1", *native()))


def test_accumulators_of_an_average_are_sums_over_its_places() -> None:
    graph = plan(network()).graph
    first, second = (node for node in graph.nodes if isinstance(node, Layer))
    channels = channels_of(first, graph)
    assert channels is not None
    flat = first.weights.reshape(37, -1).astype(np.int64)
    greatest = first.bias + 255 * np.maximum(flat, 0).sum(axis=1)
    assert channels.high.tolist() == (4 * greatest).tolist()
    relu = channels_of(second, graph)
    assert relu is not None
    assert not relu.low.any()


def test_nothing_stays_proved_where_results_are_moved() -> None:
    requantize = layers(network())[0]
    assert requantize.plus(1).short.real is None


@pytest.mark.parametrize("kernels", [None, AVX512VNNI, AVX2], ids=lambda isa: isa and isa.macro)
def test_the_c_is_exact(tmp_path: Path, kernels: Isa | None) -> None:
    graphs = network(), network(shared=True), network(planted=True)
    alone = Options(integer_only=True)
    files = [emit(graph, Target.NATIVE).files for graph in graphs]
    files += [emit(graph, Target.NATIVE, alone).files for graph in graphs[:2]]
    all_pass(files, tmp_path, (*command(), "-O1", *chosen(kernels)))


def test_avx2_without_fused_operations_takes_integers(tmp_path: Path) -> None:
    flags = (*chosen(AVX2), "-mno-avx512f", "-mno-fma")
    options = Options(isas=("avx2",))
    graphs = network(), network(planted=True)
    files = [emit(graph, Target.NATIVE, options).files for graph in graphs]
    all_pass(files, tmp_path, (*command(), "-O1", *flags))
    assert not any("vcvttps2dq" in _assembly(text, tmp_path, *flags) for text in files)


def test_proved_layers_shift_nothing_by_a_variable(tmp_path: Path) -> None:
    chosen(AVX512VNNI)
    alone = Options(integer_only=True, isas=("avx512vnni",))
    proved = _assembly(emit(network(), Target.NATIVE, alone).files, tmp_path, *native())
    planted = _assembly(
        emit(network(planted=True), Target.NATIVE, alone).files, tmp_path, *native()
    )
    real = _assembly(
        emit(network(), Target.NATIVE, Options(isas=("avx512vnni",))).files, tmp_path, *native()
    )
    assert "vpsrav" in planted
    assert "vpsrav" not in proved + real
    assert "vcvttps2dq" in real
    assert "vcvttps2dq" not in proved + planted


def test_integers_alone_are_what_the_head_says() -> None:
    for options, said in ((Options(), False), (Options(integer_only=True), True)):
        head = emit(network(), Target.NATIVE, options).files["model.c"].partition("*/")[0]
        assert ("with integers alone" in head) == said
    portable = emit(network()).files["model.c"]
    assert "with integers alone" in portable.partition("*/")[0]
    assert "_shift[]" not in portable


def _assembly(files: dict[str, str], folder: Path, *flags: str) -> str:
    """The assembly that the compiler makes of model.c."""
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    build = [*command(), "-std=c99", "-O2", *flags, "-S", "model.c", "-o", "model.s"]
    subprocess.run(build, cwd=folder, check=True)
    return (folder / "model.s").read_text(encoding="utf-8")


def test_float32_has_no_integers_alone() -> None:
    with pytest.raises(UsageError, match="--integer-only is for --dtype int8"):
        require_options(Options(integer_only=True), Target.NATIVE, Dtype.FLOAT32)
