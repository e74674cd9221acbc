"""Operators that move and reduce values: ONNX Runtime's numbers, and the same in C."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from quantbench.c99.compile import require_agreement
from quantbench.c99.frontend.reader import read
from quantbench.c99.generate import emit
from quantbench.c99.importer import import_onnx
from quantbench.c99.passes.layout import plan
from quantbench.c99.target.target import Dtype
from quantbench.errors import CompileError
from tests.c99.checking import SANITIZED, command
from tests.c99.models import Model
from tests.c99.shape_networks import CASES, Case, built, layer, node, resize, shuffle
from tests.c99.together import all_pass


@pytest.mark.parametrize("name", CASES)
def test_it_agrees_with_onnx_runtime(tmp_path: Path, name: str) -> None:
    case = CASES[name]
    require_agreement(read(built(case, quantized=True).saved(tmp_path)))
    if case.float32:
        require_agreement(read(built(case, quantized=False).saved(tmp_path)), Dtype.FLOAT32)


@pytest.mark.parametrize("quantized", [True, False], ids=["int8", "float32"])
def test_the_c_gives_the_same(tmp_path: Path, quantized: bool) -> None:
    def files() -> Iterator[dict[str, str]]:
        for case in CASES.values():
            path = built(case, quantized=quantized).saved(tmp_path)
            yield emit(import_onnx(path, Dtype.INT8 if quantized else Dtype.FLOAT32)).files

    all_pass([*files()], tmp_path, (*command(), *SANITIZED))


def kinds(path: Path) -> list[str]:
    return [type(step.work).__name__ for step in plan(import_onnx(path)).steps]


def test_a_shuffle_is_one_move(tmp_path: Path) -> None:
    path = built(Case(shuffle), quantized=True).saved(tmp_path)
    assert kinds(path) == ["Rearrange", "Requantize"]


def test_a_transpose_that_moves_ones_is_none(tmp_path: Path) -> None:
    case = Case(node("Transpose", perm=[0, 1, 3, 2]), (4, 1, 5))
    assert kinds(built(case, quantized=True).saved(tmp_path)) == ["Requantize"]


def test_a_scale_for_each_channel_moves_with_it(tmp_path: Path) -> None:
    def build(model: Model) -> None:
        layer("Conv", (6, 4, 1, 1))(model)
        model.add("Reshape", None, model.constant([-1, 2, 3, 6, 5], "int64"))
        model.add("Transpose", perm=[0, 2, 1, 3, 4])
        model.add("Reshape", None, model.constant([-1, 6, 6, 5], "int64"))
        model.pair(None, np.arange(1, 7) * 0.1, [7] * 6, axis=1)
        layer("Conv", (6, 1, 3, 3), group=6)(model)

    path = built(Case(build), quantized=True).saved(tmp_path)
    require_agreement(read(path))
    conv = next(each for each in import_onnx(path).tensors.values() if len(each.scale) == 6)
    # Channel 1 behind the shuffle, of scale 0.2, is channel 3 of the convolution.
    assert conv.scale[3] == pytest.approx(0.2)


def of_the_batch(model: Model) -> None:
    before = model.last
    model.add("Shape", before)
    model.add("Mul", None, model.constant([2, 1, 1, 1], "int64"))
    model.add("Reshape", before, model.last)


REFUSED = {
    "a cut of the batch": (Case(node("Slice", [1], [2], [0])), "it cuts the batch"),
    "a moved batch": (Case(node("Transpose", perm=[1, 0, 2, 3])), "moves the batch"),
    "a place that isn't there": (Case(node("Gather", [7], axis=2)), "within its size"),
    "a mean of all": (Case(node("ReduceMean")), "axes behind the batch are supported"),
    "sizes of an open batch": (Case(of_the_batch), "it computes with an open batch"),
    "a broken size": (
        Case(resize("linear", [1, 1, 1.6, 1], "align_corners")), "its scales give no whole sizes"
    ),
    "channels between channels": (
        Case(resize("linear", [1, 2, 1.5, 1], "half_pixel")), "it resizes channels"
    ),
    "cubic": (Case(resize("cubic", [1, 1, 2, 2], "half_pixel")), "nearest and linear"),
    "counted pads": (
        Case(
            node(
                "AveragePool", kernel_shape=[3, 2], strides=[2, 2], ceil_mode=1, count_include_pad=1
            )
        ),
        "where pads don't count",
    ),
    "much": (Case(node("Tile", [1, 1000, 1000, 1000])), "values; 1 to"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_it_refuses_in_one_line(tmp_path: Path, name: str) -> None:
    case, reason = REFUSED[name]
    with pytest.raises(CompileError, match=reason) as caught:
        import_onnx(built(case, quantized=True).saved(tmp_path))
    assert len(str(caught.value).splitlines()) == 1
