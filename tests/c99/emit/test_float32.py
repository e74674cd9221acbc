"""The C is within float32's error of float64, on every shape that a network may have."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from quantbench.c99.build.loader import loaded
from quantbench.c99.emit.c_syntax import real
from quantbench.c99.emit.library import Emitted
from quantbench.c99.generate import emit
from quantbench.c99.importer import import_onnx
from quantbench.c99.ir.error_bounds import execute
from quantbench.c99.target.isa import FLOAT_ISAS, Isa
from quantbench.c99.target.target import Dtype, Target
from tests.c99 import checking
from tests.c99.checking import SANITIZED, ran
from tests.c99.float32_networks import networks
from tests.c99.models import Model
from tests.c99.networks import written

Network = tuple[onnx.ModelProto, NDArray[np.float32]]


def small(folder: Path, **attributes: object) -> Emitted:
    """Two channels, a convolution of two blocks of channels, a fully connected layer."""
    model = Model(("n", 2, 7, 6))
    rng = np.random.default_rng(1)
    model.add("Conv", None, model.constant(rng.normal(0, 0.3, (20, 2, 3, 3))), **attributes)
    model.add("Relu")
    model.add("GlobalAveragePool")
    model.add("Flatten")
    given = [model.constant(rng.normal(0, 0.3, size)) for size in ((19, 20), 19)]
    model.add("Gemm", None, *given, transB=1)
    return emit(import_onnx(model.saved(folder), Dtype.FLOAT32))


@settings(max_examples=40, suppress_health_check=[*HealthCheck])
@given(networks())
def test_any_network(tmp_path_factory: pytest.TempPathFactory, network: Network) -> None:
    model, _ = network
    path = written(tmp_path_factory, model)
    graph = import_onnx(path, Dtype.FLOAT32)
    assert ran(emit(graph).files, path.parent, *SANITIZED).startswith("PASS")
    wide = emit(graph, Target.NATIVE).files
    assert ran(wide, path.parent, *SANITIZED, *checking.native()).startswith("PASS")


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
@pytest.mark.parametrize("flags", [("-Os",), ("-O3",), SANITIZED], ids=["small", "fast", "checked"])
def test_every_compiler(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compiler: str, flags: tuple[str, ...]
) -> None:
    monkeypatch.setenv("CC", compiler)
    for pads in ([0, 0, 0, 0], [1, 2, 0, 1]):
        files = small(tmp_path, pads=pads).files
        assert ran(files, tmp_path, *flags) == "PASS: 8 vectors\n"
        wide = emit(import_onnx(tmp_path / "model.onnx", Dtype.FLOAT32), Target.NATIVE).files
        assert ran(wide, tmp_path, *flags, *checking.native()) == "PASS: 8 vectors\n"


def test_kernels_for_wide_registers_are_chosen(tmp_path: Path) -> None:
    """Of the layers that have weights; -DMODEL_KERNELS takes the portable ones again."""
    small(tmp_path)
    files = emit(import_onnx(tmp_path / "model.onnx", Dtype.FLOAT32), Target.NATIVE).files
    for isa in FLOAT_ISAS:
        either = f"(?:== {isa.macro}|!= MODEL_PORTABLE)"  # the latter where both have the same
        begin = rf"if MODEL_KERNELS {either}\n    model_(l\d)_\d_\d\("
        assert re.findall(begin, files["model.c"]) == ["l0", "l1"]
    portable = (*checking.native(), "-DMODEL_KERNELS=MODEL_PORTABLE")
    assert ran(files, tmp_path, "-O3", *portable).startswith("PASS")


@pytest.mark.parametrize("isa", FLOAT_ISAS, ids=lambda isa: isa.name)
def test_whole_and_part_registers_of_each_set(tmp_path: Path, isa: Isa) -> None:
    """Blocks of 16 and of 8 channels, and outputs that fill none."""
    model, rng = Model(("n", 3, 7, 6)), np.random.default_rng(3)
    for outputs, inputs in ((70, 3), (24, 70)):
        weights = rng.normal(0, 0.2, (outputs, inputs, 3, 3))
        model.add("Conv", None, model.constant(weights), pads=[1, 1, 1, 1])
    model.add("Conv", None, model.constant(rng.normal(0, 0.2, (37, 24, 1, 1))))
    path = model.saved(tmp_path)
    files = emit(import_onnx(path, Dtype.FLOAT32), Target.NATIVE).files
    assert ran(files, tmp_path, "-O2", *checking.chosen(isa)).startswith("PASS")


@pytest.mark.parametrize("channels", [2, 20])
def test_depthwise(tmp_path: Path, channels: int) -> None:
    model = Model(("n", channels, 6, 6))
    weights = np.random.default_rng(2).normal(0, 1, (channels, 1, 3, 3))
    model.add("Conv", None, model.constant(weights), group=channels, pads=[0, 0, 1, 1])
    assert ran(emit(import_onnx(model.saved(tmp_path), Dtype.FLOAT32)).files, tmp_path, *SANITIZED)


@pytest.mark.parametrize(
    ("channels", "kernel", "attributes"),
    [
        (8, (3, 3), {"pads": [1, 1, 1, 1]}),
        (20, (5, 2), {"pads": [2, 0, 1, 3], "strides": [1, 2]}),
        (37, (1, 3), {"dilations": [1, 2]}),
    ],
)
def test_depthwise_in_lanes(
    tmp_path: Path, channels: int, kernel: tuple[int, int], attributes: dict[str, list[int]]
) -> None:
    model = Model(("n", channels, 6, 13))
    weights = np.random.default_rng(2).normal(0, 1, (channels, 1, *kernel))
    model.add("Conv", None, model.constant(weights), group=channels, **attributes)
    model.add("Relu", None)
    files = emit(import_onnx(model.saved(tmp_path), Dtype.FLOAT32), Target.NATIVE).files
    assert "model_l0_lanes(" in files["model.c"]
    assert ran(files, tmp_path, *SANITIZED, *checking.native()).startswith("PASS")


def test_the_golden_vectors_notice_a_wrong_weight(tmp_path: Path) -> None:
    files = dict(small(tmp_path).files)
    head, first, rest = re.split(r"(l0_weights\[\] = \{\s+\S+?p)", files["model.c"], maxsplit=1)
    files["model.c"] = head + first + re.sub(r"^([+-])(\d)", r"\g<1>1\2", rest)
    with pytest.raises(AssertionError, match="FAIL: vector 1, output 0 is"):
        ran(files, tmp_path, "-O1")


def test_the_tolerance_is_small(tmp_path: Path) -> None:
    made = small(tmp_path)
    graph = made.plan.graph
    assert graph.tensors[graph.output].type == "float32"
    model = import_onnx(tmp_path / "model.onnx", Dtype.FLOAT32)
    near = execute(model, np.ones((1, 2, 7, 6), np.float32))
    assert 0 < near.error.max() <= 1e-5 * np.abs(near.values).max()


def test_nan_and_infinity_come_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checking.command()
    monkeypatch.setenv("QUANTBENCH_CACHE", str(tmp_path / "cache"))
    predict = loaded(small(tmp_path), 1)
    for value in (np.nan, np.inf, -np.inf, 3e38, 1e-45):
        answers = predict(np.full((2, 2, 7, 6), value, np.float32))
        assert answers.shape[0] == 2
        assert answers.dtype == np.float32


@pytest.mark.parametrize("threads", [1, 2])
def test_images_are_reordered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, threads: int
) -> None:
    checking.command()
    monkeypatch.setenv("QUANTBENCH_CACHE", str(tmp_path / "cache"))
    made = small(tmp_path)
    predict = loaded(made, threads)
    inputs = np.random.default_rng(3).normal(0, 1, (9, 2, 7, 6)).astype(np.float32)
    near = execute(import_onnx(tmp_path / "model.onnx", Dtype.FLOAT32), inputs)
    assert (np.abs(predict(inputs) - near.values) <= near.error + 1e-6).all()
    assert np.array_equal(predict(inputs[3:4]), predict(inputs)[3:4])
    assert np.array_equal(predict(inputs[::-2]), predict(inputs)[::-2])


def test_names_of_the_model_stay_in_comments(tmp_path: Path) -> None:
    hostile = '*/ int evil; /* "%s" ??/ \\\n#error é'
    small(tmp_path)
    graph = import_onnx(tmp_path / "model.onnx", Dtype.FLOAT32)
    nodes = tuple(replace(node, name=hostile) for node in graph.nodes)
    files = emit(replace(graph, nodes=nodes, name=hostile)).files
    assert all("int evil" not in text and text.isascii() for text in files.values())
    assert ran(files, tmp_path, "-O1").startswith("PASS")


def test_only_three_headers_are_included(tmp_path: Path) -> None:
    files = small(tmp_path).files
    included = re.findall(r"#include (\S+)", files["model.h"] + files["model.c"])
    assert set(included) == {"<stddef.h>", "<stdint.h>", "<string.h>", '"model.h"'}


def test_no_step_at_all(tmp_path: Path) -> None:
    model = Model(("n", 3, 2, 2))
    model.add("Identity")
    files = emit(import_onnx(model.saved(tmp_path), Dtype.FLOAT32)).files
    assert ran(files, tmp_path, *SANITIZED).startswith("PASS")


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_a_constant_reads_back_exactly(value: float) -> None:
    text = real(value)
    assert text.endswith("F")
    assert float.fromhex(text[:-1]).hex() == value.hex()
