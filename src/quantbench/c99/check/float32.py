"""The float32 network against the ONNX file that it was made of: see integer.py."""

from __future__ import annotations

import numpy as np
from scipy.special import softmax

from quantbench.c99.check.evaluator import evaluate
from quantbench.c99.check.golden import float32_vectors
from quantbench.c99.frontend.reader import Network
from quantbench.c99.ir.error_bounds import execute
from quantbench.c99.ir.functions import distance
from quantbench.c99.ir.graph import Graph
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
    inputs = float32_vectors(graph, _COUNT, _SEED)
    inputs = inputs[: len(inputs) // (file.batch or 1) * (file.batch or 1)]
    if not len(inputs):
        inputs = np.resize(
            float32_vectors(graph, _COUNT, _SEED), (file.batch or 1, *inputs.shape[1:])
        )
    with np.errstate(over="ignore", invalid="ignore"):
        near = execute(graph, inputs)
    answers = evaluate(file.model, file.batch, {file.input: inputs}, {}, [file.output])
    theirs = answers[file.output].reshape(near.values.shape).astype(np.float64)
    ours = softmax(near.values, axis=1) if graph.softmax else near.values
    finite = np.abs(theirs[np.isfinite(theirs)])
    room = _BOUNDS * near.error + _ROOM * finite.max(initial=0.0)
    apart = distance(ours, theirs)  # 0 where both are no number, or the same infinity
    if not (apart <= room).all():
        raise CompileError(
            "compiled, its answers would differ from the ONNX file's by up to "
            f"{apart.max():.3g}: a fault in quantbench; please report it"
        )
