"""The float32 network against the ONNX file that it was made of: see integer.py."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.check.evaluator import evaluate
from quantbench.c99.check.golden import float32_vectors
from quantbench.c99.frontend.reader import Network
from quantbench.c99.ir.error_bounds import Near, execute_all
from quantbench.c99.ir.functions import distance
from quantbench.c99.ir.graph import Final, Graph
from quantbench.c99.ir.probabilities import finished
from quantbench.errors import CompileError

_COUNT, _SEED = 6, 2
_BOUNDS = 4
"""ONNX Runtime computes what is folded here, normalizations above all, in several steps."""
_ROOM = 1e-5
"""A part of the largest output."""


def verify(file: Network, graph: Graph) -> None:
    """Compare the network's output with ONNX Runtime's, without optimizations.

    Raises CompileError where they are further apart than a few bounds of float32's rounding.
    """
    batch = file.batch or 1
    inputs = tuple(
        np.resize(values, (-(-_COUNT // batch) * batch, *values.shape[1:]))
        for values in float32_vectors(graph, _COUNT, _SEED)
    )
    with np.errstate(over="ignore", invalid="ignore"):
        outputs = execute_all(graph, inputs)
    feeds = {given.name: values for given, values in zip(file.inputs, inputs, strict=True)}
    answers = evaluate(file.model, file.batch, feeds, {}, file.outputs)
    for name, near in zip(file.outputs, outputs, strict=True):
        if graph.final == "argmax":
            _require_largest(near, answers[name])
        else:
            _require_near(near, answers[name], graph.final)


def _require_largest(near: Near, answers: NDArray[np.generic]) -> None:
    """The class that the file names has the largest score, but for both scores' errors."""
    chosen = answers.reshape(len(near.values), 1, *near.values.shape[2:]).astype(np.int64)
    score, error = (np.take_along_axis(array, chosen, 1) for array in (near.values, near.error))
    largest = near.values.max(axis=1, keepdims=True)
    room = _BOUNDS * (error + near.error.max(axis=1, keepdims=True))
    room = room + _ROOM * np.abs(near.values).max(initial=0.0)
    if not (largest - score <= room).all():
        raise CompileError(
            "compiled, it would name other classes than the ONNX file: a fault in quantbench; "
            "please report it"
        )


def _require_near(near: Near, answers: NDArray[np.generic], final: Final | None) -> None:
    theirs = answers.reshape(near.values.shape).astype(np.float64)
    ours = finished(near.values, final) if final else near.values
    finite = np.abs(theirs[np.isfinite(theirs)])
    room = _BOUNDS * near.error + _ROOM * finite.max(initial=0.0)
    apart = distance(ours, theirs)  # 0 where both are no number, or the same infinity
    if not (apart <= room).all():
        raise CompileError(
            "compiled, its answers would differ from the ONNX file's by up to "
            f"{apart.max():.3g}: a fault in quantbench; please report it"
        )
