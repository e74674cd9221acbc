"""The float network's own answers, before anything is exported or quantized."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
import torch
from torch import nn

from quantbench.artifacts.onnx_file import checked
from quantbench.errors import UsageError, cause
from quantbench.samples.records import Array, Arrays
from quantbench.tasks.layers import tensors
from quantbench.tasks.network import Network

FloatPredict: TypeAlias = Callable[[Arrays], Arrays]
"""Inputs, one array [N, ...] each -> outputs, one array [N, ...] each."""

BATCH = 32


def float_predict(network: Network) -> FloatPredict:
    """Load the float network: its module, or its ONNX file where it has none.

    The function returned takes any number of samples, in batches of BATCH or of the only size
    that the network takes; it raises UsageError where the network fails on them. Raises
    UnavailableError where there is neither a module nor a file.
    """
    if network.onnx is None or network.make_module is not None:
        run = _of_module(network.module())
    else:
        run = _of_onnx(network)
    batch = network.fixed_batch or BATCH

    def predict(inputs: Arrays) -> Arrays:
        parts = [
            _named_failure(network, run, tuple(array[start : start + batch] for array in inputs))
            for start in range(0, len(inputs[0]), batch)
        ]
        return tuple(np.concatenate(arrays) for arrays in zip(*parts, strict=True))

    return predict


def _named_failure(network: Network, run: FloatPredict, inputs: Arrays) -> Arrays:
    try:
        return run(inputs)
    except Exception as error:  # a network's own code may raise anything
        shapes = ", ".join(f"{array.dtype} {list(array.shape)}" for array in inputs)
        raise UsageError(
            f"{network.name} fails on its samples ({shapes}): {cause(error)}"
        ) from error


def _of_module(module: nn.Module) -> FloatPredict:
    weights = next(module.parameters(), None)
    device = "cpu" if weights is None else weights.device

    def run(inputs: Arrays) -> Arrays:
        with torch.no_grad():
            answer = module(*(torch.from_numpy(array).to(device) for array in inputs))
        return tuple(tensor.cpu().numpy() for tensor in tensors(answer))

    return run


def _of_onnx(network: Network) -> FloatPredict:
    import onnxruntime as ort  # most networks need none

    if network.onnx is None:
        raise UsageError(f"{network.name} is no ONNX file")
    options = ort.SessionOptions()
    options.log_severity_level = 4  # errors are raised as well
    session = ort.InferenceSession(
        checked(network.onnx).data, options, providers=["CPUExecutionProvider"]
    )
    names: Sequence[str] = [spec.name for spec in network.inputs]

    def run(inputs: Arrays) -> Arrays:
        answers: list[Array] = session.run(None, dict(zip(names, inputs, strict=True)))
        return tuple(answers)

    return run
