"""The answers of a float network, in this process: what every artifact is set against."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch

from quantbench.samples.records import Arrays, Samples
from quantbench.tasks.layers import tensors
from quantbench.tasks.network import Network

Forward = Callable[[Arrays], Arrays]


def float_outputs(network: Network, samples: Samples, batch: int) -> Arrays:
    """The outputs of the float network for all samples: one array [N, ...] each.

    `batch` samples are computed at a time, or as many as the network alone takes.
    """
    size = network.fixed_batch or batch
    forward = _forward(network)
    parts = [*_answers(forward, samples, size, pad=network.fixed_batch is not None)]
    return tuple(np.concatenate(arrays) for arrays in zip(*parts, strict=True))


def _answers(forward: Forward, samples: Samples, size: int, *, pad: bool) -> Iterator[Arrays]:
    for inputs in samples.batches(size):
        count = len(inputs[0])
        if pad and count < size:
            chosen = np.minimum(np.arange(size), count - 1)
            inputs = tuple(array[chosen] for array in inputs)
        yield tuple(array[:count] for array in forward(inputs))


def _forward(network: Network) -> Forward:
    if network.tflite is not None:
        return _of_tflite(network.tflite)
    return _of_module(network) if network.onnx is None else _of_onnx(network)


def _of_tflite(path: Path) -> Forward:
    """LiteRT's reference kernels compute the file as TensorFlow Lite defines it."""
    from quantbench.artifacts.tflite_file import checked, reference_interpreter
    from quantbench.tasks.tflite_run import inputs_of, resized, runner

    interpreter = reference_interpreter(checked(path), path)
    run = runner(interpreter)

    def forward(inputs: Arrays) -> Arrays:
        if inputs_of(interpreter)[0].shape[0] != len(inputs[0]):
            resized(interpreter, len(inputs[0]))
        return run(inputs)

    return forward


def _of_module(network: Network) -> Forward:
    module = network.module()

    def forward(inputs: Arrays) -> Arrays:
        with torch.inference_mode():
            answer = module(*(torch.from_numpy(np.array(array)) for array in inputs))
        return tuple(tensor.numpy() for tensor in tensors(answer))

    return forward


def _of_onnx(network: Network) -> Forward:
    """ONNX Runtime without optimizations computes the file as the standard says."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    assert network.onnx is not None
    session = ort.InferenceSession(network.onnx, options, providers=["CPUExecutionProvider"])
    names = [spec.name for spec in network.inputs]

    def forward(inputs: Arrays) -> Arrays:
        return tuple(session.run(None, dict(zip(names, inputs, strict=True))))

    return forward
