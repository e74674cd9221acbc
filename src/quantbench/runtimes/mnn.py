"""MNN on the CPU."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from quantbench.artifacts.artifact import Artifact
from quantbench.contracts import Predict
from quantbench.errors import ArtifactError
from quantbench.export.batching import answer, exactly
from quantbench.export.to_mnn import MODEL
from quantbench.samples.records import Array, Arrays
from quantbench.system.silence import silenced_natively

with silenced_natively():  # it prints what the CPU can do
    import MNN

ACCEPTS = frozenset({"mnn"})
LIBRARIES = ("mnn",)
_SHAPES = 8
"""Shapes whose inputs stay in memory; a further one replaces the least recently used."""


def options(threads: int) -> dict[str, str | int]:
    """The settings of a session."""
    return {
        "backend": "CPU",
        "numThread": threads,
        "precision": "high",  # else float32 layers may run in 16 bits where the CPU has them
        "memory": "high",
        "power": "high",
    }


def opened(artifact: Artifact, threads: int) -> tuple[Any, dict[str, Any]]:
    """The module, and what it says of itself. Raises ArtifactError for a file that it can't load.

    `inputs` and `inputNames` are in the order in which it takes them.
    """
    path = artifact.folder / MODEL
    try:
        with silenced_natively():
            manager = MNN.nn.create_runtime_manager((options(threads),))
            module = MNN.nn.load_module_from_file(str(path), [], [], runtime_manager=manager)
            return module, module.get_info()
    except (SystemError, RuntimeError, ValueError, AttributeError) as error:
        raise ArtifactError(f"MNN {MNN.version()} can't load {path}; quantize again") from error


def load(artifact: Artifact, threads: int) -> Predict:
    """Load the model. Raises ArtifactError for a file that MNN can't load."""
    module, about = opened(artifact, threads)
    stated = about["inputs"]
    fixed = stated[0].shape[0] if stated and stated[0].shape else -1

    @lru_cache(_SHAPES)
    def inputs(shapes: tuple[tuple[tuple[int, ...], str], ...]) -> list[Any]:
        return [_placeholder(shape, dtype) for shape, dtype in shapes]

    def predict(*arrays: Array) -> Array | Arrays:
        held = [taken(array) for array in arrays]
        variables = inputs(tuple((array.shape, array.dtype.name) for array in held))
        for variable, array in zip(variables, held, strict=True):
            variable.write(array)
        outputs = module.forward(variables)
        values = outputs if isinstance(outputs, list) else [outputs]
        return answer([np.array(value.read()) for value in values])

    return exactly(predict, fixed) if fixed > 0 else predict


def taken(array: Array) -> Array:
    """The array in its own order in memory; MNN holds whole numbers in 32 bits."""
    return np.ascontiguousarray(array, np.int32 if array.dtype.kind in "iu" else array.dtype)


def _placeholder(shape: tuple[int, ...], dtype: str) -> Any:
    expr = MNN.expr
    return expr.placeholder(list(shape), expr.NCHW, expr.int if dtype == "int32" else expr.float)
