"""ONNX's own tests of each operator that float32 compiles: its data through the generated C."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from quantbench.c99.operators import operators
from quantbench.errors import CompileError
from tests.c99.checking import command
from tests.c99.onnx_cases import cases, written
from tests.c99.together import all_pass

LISTED = {
    "a batch of images": "shapes other than batches of images, signals and vectors",
    "keep the batch in front": "reshapes that take the batch apart, or fold it away",
    "one constant for all channels": "a constant for each place, in Max and Min",
    "one constant number": "a power for each place",
    "one of uint": "constants of unsigned integers",
    "float32, float64, int8": "constants of other types",
    "where only activations are": "constants in a Concat",
    "its bias has the shape": "a bias for each place",
    "transA 0": "a Gemm of a transposed input",
    "2 dimensions are supported": "a MatMul of stacks of matrices",
    "3 inputs": "a maximum or minimum of three",
    "training": "training mode",
    "aren't numbers": "limits that are no numbers",
    "lower limit": "limits that leave nothing",
    "of [N, C, H, W]": "means over other axes than height and width",
    "constants only": "a Transpose of activations",
    "auto_pad NOTSET and VALID": "a ConvTranspose that pads by itself",
    "'output_shape'": "a ConvTranspose of a given size",
    "batch stays in front": "a batch that is repeated",
    "of axis 0": "samples gathered from the batch",
    "the batch, or nothing": "reductions of the batch",
    "its shape (0, 4)": "empty tensors",
    "nearest and linear": "a Resize that is cubic, crops, or counts places in another way",
    "its scales give no whole sizes": "corners of an image of a broken size",
    "'antialias'": "a Resize with a filter",
    "'axes'; supported: coord": "a Resize of some axes",
    "cuts the batch": "parts of a batch",
    "0 values": "empty results",
    "'mode'; supported: blocksize": "SpaceToDepth in the order of a later operator set",
    "moves the batch": "axes exchanged with the batch",
    "at the end": "a Softmax that isn't of classes",
    "[C, H, W]": "pooling of other ranks",
}
"""What the tests that aren't compiled ask for: a part of the message -> the reason."""
UNTESTED = frozenset(
    ("ArgMax", "Cast", "Constant", "ConstantOfShape", "DequantizeLinear", "QuantizeLinear", "Shape",
     "Split")
)  # fmt: skip
"""Operators of constants, of other types, of several outputs, or of networks of integers; ArgMax
has a test of its own."""
LISTED_WHOLLY = frozenset({"Concat", "Softmax", "Tile"})
"""Operators of which every test asks for something listed, or is left to the caller."""


@pytest.mark.slow
def test_onnx_data_through_the_c(tmp_path: Path) -> None:
    files, passed, refused = [], Counter[str](), []
    tests = [*cases()]
    for case in tests:
        try:
            text = written(case, tmp_path / "model.onnx")
        except CompileError as error:
            refused.append((case.name, str(error)))
            continue
        if text is not None:
            files.append(text)
            passed[case.op] += 1
    assert not [(name, why) for name, why in refused if not any(part in why for part in LISTED)]
    assert {case.op for case in tests} >= {*operators()} - UNTESTED
    assert {case.op for case in tests} - {*passed} <= LISTED_WHOLLY
    (tmp_path / "all").mkdir()
    all_pass(files, tmp_path / "all", (*command(), "-O0"), warnings=())
