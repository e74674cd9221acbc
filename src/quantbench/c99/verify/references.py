"""ONNX Runtime's outputs for the same samples: of the quantized file and of a float network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.check.evaluator import Run, optimized, unoptimized
from quantbench.c99.frontend.reader import Network, read
from quantbench.errors import CompileError, UsageError, cause

Inputs = NDArray[Any]
Reference = Callable[[Inputs], NDArray[np.float32]]
"""A function from inputs [N, *shape] to outputs [N, ...]."""


def runtime_references(network: Network) -> dict[str, Reference]:
    """ONNX Runtime on the quantized file, as people run it and as the file is written, by name.

    Raises CompileError where it can't load the file.
    """
    return {
        "ONNX Runtime": _reference(network, optimized),
        "ONNX Runtime, not optimized": _reference(network, unoptimized),
    }


def float_reference(path: Path, quantized: Network) -> Reference:
    """The float32 network in the ONNX file `path`, on ONNX Runtime.

    Raises UsageError for a quantized network, or one with another input; ArtifactError and
    CompileError for a file that can't be read.
    """
    network = read(path)
    if network.quantized:
        raise UsageError(f"--float {path} is a quantized network; name the one before that")
    shapes = [list(each.input_shape) for each in (network, quantized)]
    if network.input_type or shapes[0] != shapes[1]:
        kind = network.input_type or "float32"
        raise UsageError(
            f"--float {path} takes {kind} {shapes[0]}, the quantized network {shapes[1]}: it is "
            "the float network of another one"
        )
    return _reference(network, unoptimized)


def _reference(network: Network, load: Callable[[Any], Run]) -> Reference:
    try:
        run = load(network.model)
    except Exception as error:  # ONNX Runtime's errors have no common base class
        raise CompileError(f"ONNX Runtime can't load it: {cause(error)}") from error

    def outputs(inputs: Inputs) -> NDArray[np.float32]:
        parts = [
            _first(run({network.input: part}))[:count]
            for part, count in _batches(inputs, network.batch)
        ]
        return np.asarray(np.concatenate(parts), np.float32)

    return outputs


def _first(outputs: Sequence[Any]) -> NDArray[Any]:
    return np.asarray(outputs[0])


def _batches(inputs: Inputs, batch: int | None) -> list[tuple[Inputs, int]]:
    """Batches of the size that a file fixes, the last one filled up, and how many count of each."""
    if batch is None:
        return [(inputs, len(inputs))]
    parts = [inputs[begin : begin + batch] for begin in range(0, len(inputs), batch)]
    return [(np.resize(part, (batch, *part.shape[1:])), len(part)) for part in parts]
