"""Damaged and hostile files: an error of ours within a second, and nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

from quantbench.artifacts.artifact import Artifact
from quantbench.c99.importer import import_onnx
from quantbench.c99.ir.interpreter import run_all
from quantbench.c99.ir.sizes import largest
from quantbench.c99.operators import operators
from quantbench.errors import ArtifactError, CompileError

METHODS = ("ort_static", "nncf_static", "pt2e_static")
SECONDS = 1.0
_STRUCTURE = 5000
"""Bytes at either end; weights, where a change is harmless, lie between."""


def mutated(data: bytes, rng: np.random.Generator) -> bytes:
    """One to four changes: a bit, a byte, a cut, a piece left out, doubled or put elsewhere."""
    found = bytearray(data)
    for _ in range(rng.integers(1, 5)):
        size = len(found)
        at = int(rng.integers(size))
        if rng.random() < 0.7:  # where the structure is
            at = min(int(rng.integers(_STRUCTURE)), size - 1)
            at = at if rng.random() < 0.5 else size - 1 - at
        length = int(rng.integers(1, 40))
        match rng.integers(6):
            case 0:
                found[at] ^= 1 << int(rng.integers(8))
            case 1:
                found[at] = int(rng.integers(256))
            case 2 if rng.random() < 0.2:
                del found[at:]
            case 3:
                del found[at : at + length]
            case 4:
                found[at:at] = found[at : at + length]
            case _:
                to = int(rng.integers(size))
                found[to : to + length] = found[at : at + length]
        if not found:
            break
    return bytes(found)


def rewired(data: bytes, rng: np.random.Generator) -> bytes:
    """Files that are well formed: other operators, inputs, attributes, types and shapes."""
    model = onnx.load_model_from_string(data)
    graph = model.graph
    names = [name for node in graph.node for name in (*node.input, *node.output)]
    for _ in range(rng.integers(1, 4)):
        node = graph.node[int(rng.integers(len(graph.node)))]
        tensor = graph.initializer[int(rng.integers(len(graph.initializer)))]
        number = int(rng.choice([-(2**63), -1, 0, 1, 2, 3, 7, 2**15, 2**31, 2**63 - 1]))
        match rng.integers(9):
            case 0:
                node.op_type = str(rng.choice(sorted(operators())))
            case 1 if node.input:
                node.input[int(rng.integers(len(node.input)))] = str(rng.choice(names))
            case 2:
                node.input.append(str(rng.choice(names)))
            case 3 if node.attribute:
                attribute = node.attribute[int(rng.integers(len(node.attribute)))]
                attribute.i = number
                if attribute.ints:
                    attribute.ints[int(rng.integers(len(attribute.ints)))] = number
            case 4 if tensor.dims:
                tensor.dims[int(rng.integers(len(tensor.dims)))] = number
            case 5:
                tensor.data_type = int(rng.integers(0, 27))
            case 6:
                tensor.CopyFrom(graph.initializer[int(rng.integers(len(graph.initializer)))])
            case 7:
                del graph.node[int(rng.integers(len(graph.node)))]
            case _:
                size = graph.input[0].type.tensor_type.shape.dim[int(rng.integers(4))]
                size.dim_value = number
    return model.SerializeToString()


def survives(data: bytes, path: Path) -> bool:
    """Whether it was imported all the same; then it can be executed."""
    path.write_bytes(data)
    begun = time.process_time()
    reason = ""
    try:
        graph = import_onnx(path)
    except (CompileError, ArtifactError) as error:
        reason = str(error)
    assert time.process_time() - begun < SECONDS
    assert len(reason.splitlines()) <= 1, reason
    if not reason and largest(graph) < 10**6:
        image = np.zeros((1, *graph.tensors[graph.input].shape), np.int64)
        for name, values in run_all(graph, image).items():
            assert values.shape[1:] == graph.tensors[name].shape
    return not reason


@pytest.mark.parametrize("mutate", [mutated, rewired])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("count", [100, pytest.param(2000, marks=pytest.mark.slow)])
def test_mutated_files(
    artifacts: Callable[[str, str, str], Artifact],
    tmp_path: Path,
    method: str,
    count: int,
    mutate: Callable[[bytes, np.random.Generator], bytes],
) -> None:
    data = (artifacts("lenet", method, "onnx").folder / "model.onnx").read_bytes()
    rng = np.random.default_rng(count)
    outcomes = {survives(mutate(data, rng), tmp_path / "model.onnx") for _ in range(count)}
    assert outcomes == {True, False}


@pytest.mark.parametrize("method", METHODS)
def test_truncated_files(
    artifacts: Callable[[str, str, str], Artifact], tmp_path: Path, method: str
) -> None:
    data = (artifacts("lenet", method, "onnx").folder / "model.onnx").read_bytes()
    for size in np.linspace(0, len(data) - 1, 60).astype(int).tolist():
        assert not survives(data[:size], tmp_path / "model.onnx")
