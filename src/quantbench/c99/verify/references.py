"""ONNX Runtime's outputs for the same samples: of the quantized file and of a float network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.check.evaluator import Run, optimized, unoptimized
from quantbench.c99.frontend.reader import Network, read
from quantbench.errors import CompileError, UsageError, cause

Inputs = tuple[NDArray[Any], ...]
Outputs = tuple[NDArray[np.float32], ...]
Reference = Callable[[Inputs], Outputs]
"""A function from the network's inputs [N, *shape] to its outputs [N, ...]."""


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
    takes = [_described(each) for each in (network, quantized)]
    if any(each.type for each in network.inputs) or takes[0] != takes[1]:
        raise UsageError(
            f"--float {path} takes {takes[0]}, the quantized network {takes[1]}: it is the float "
            "network of another one"
        )
    return _reference(network, unoptimized)


def _described(network: Network) -> str:
    return ", ".join(str(list(each.shape)) for each in network.inputs)


def _reference(network: Network, load: Callable[[Any], Run]) -> Reference:
    try:
        run = load(network.model)
    except Exception as error:  # ONNX Runtime's errors have no common base class
        raise CompileError(f"ONNX Runtime can't load it: {cause(error)}") from error

    names = [each.name for each in network.inputs]

    def outputs(inputs: Inputs) -> Outputs:
        parts = [
            [values[:count] for values in run(dict(zip(names, part, strict=True)))]
            for part, count in _batches(inputs, network.batch)
        ]
        return tuple(
            np.asarray(np.concatenate(values), np.float32) for values in zip(*parts, strict=True)
        )

    return outputs


def _batches(inputs: Inputs, batch: int | None) -> list[tuple[Inputs, int]]:
    """Batches of the size that a file fixes, the last one filled up, and how many count of each."""
    samples = len(inputs[0])
    if batch is None:
        return [(inputs, samples)]
    return [
        (
            tuple(_filled(each[begin : begin + batch], batch) for each in inputs),
            min(batch, samples - begin),
        )
        for begin in range(0, samples, batch)
    ]


def _filled(values: NDArray[Any], batch: int) -> NDArray[Any]:
    return np.resize(values, (batch, *values.shape[1:]))
