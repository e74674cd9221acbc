"""LiteRT, once called TensorFlow Lite, with the kernels of XNNPACK.

LiteRT hands XNNPACK all that it takes by default, and runs the rest on its own kernels.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from quantbench.artifacts.artifact import Artifact
from quantbench.artifacts.tflite_file import MODEL, checked
from quantbench.contracts import Predict
from quantbench.errors import ArtifactError, PredictionError, cause
from quantbench.export.batching import answer, exactly
from quantbench.samples.records import Array, Arrays
from quantbench.system.silence import silenced_natively
from quantbench.tasks.tflite_run import inputs_of, resized, runner

ACCEPTS = frozenset({"tflite"})
LIBRARIES = ("ai-edge-litert",)
_SIZES = 4
"""Batch sizes that stay allocated; a further one replaces the least recently used."""
_FAILURES = (RuntimeError, ValueError)


def load(artifact: Artifact, threads: int) -> Predict:
    """Load the model for the batch that the file states, and for another when it first comes.

    A batch that the file can't be resized to is answered in batches of the stated one. Raises
    ArtifactError for a file that LiteRT can't load.
    """
    path = artifact.folder / MODEL
    data = checked(path)
    try:
        with silenced_natively():  # it says on standard error that XNNPACK is there
            own = _interpreter(data, threads)
            own.allocate_tensors()
    except _FAILURES as error:
        raise ArtifactError(f"LiteRT can't load {path}: {cause(error)}") from error
    stated = inputs_of(own)[0].shape[0]
    run = runner(own)

    @lru_cache(_SIZES)
    def sized(batch: int) -> Predict | None:
        """Predicts a batch of another size; None where the file takes none such."""
        try:
            with silenced_natively():
                other = _interpreter(data, threads)
                resized(other, batch)
                fits = all(len(array) == batch for array in runner(other)(_zeros(other, batch)))
        except _FAILURES:
            return None
        return _positional(other) if fits else None

    def predict(*inputs: Array) -> Array | Arrays:
        try:
            size = len(inputs[0])
            if size == stated:
                return answer(run(inputs))
            other = sized(size)
            chosen = in_parts if other is None else other
            return chosen(*inputs)  # type: ignore[no-any-return]
        except _FAILURES as error:
            raise PredictionError(f"can't be run by LiteRT: {cause(error)}") from error

    in_parts = exactly(_positional(own), stated)
    return predict


def _positional(interpreter: Interpreter) -> Predict:
    run = runner(interpreter)
    return lambda *inputs: answer(run(inputs))


def _interpreter(data: bytes, threads: int) -> Interpreter:
    return Interpreter(model_content=data, num_threads=threads)


def _zeros(interpreter: Interpreter, batch: int) -> Arrays:
    return tuple(np.zeros((batch, *port.shape[1:]), port.dtype) for port in inputs_of(interpreter))
