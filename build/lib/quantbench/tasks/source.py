"""Load a network from what a user names or hands over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
from torch import nn

from quantbench.artifacts.file_kind import require_kind
from quantbench.errors import NetworkError
from quantbench.samples.records import Array, Samples
from quantbench.tasks.network import Network, TensorSpec
from quantbench.tasks.source_module import network_of
from quantbench.tasks.source_python import build_module, is_python
from quantbench.tasks.weights import load_weights

Example: TypeAlias = Samples | Array | Sequence[Array] | Mapping[str, Array]
"""A few samples: [N, ...], one array for each input of the network, in order or by name."""
_SAMPLES = 2
"""A network is probed with so many samples at most."""


def load_network(
    source: nn.Module | str | Path,
    weights: str | Path | None = None,
    example: Example | None = None,
    name: str | None = None,
) -> Network:
    """Load a network, and run it on a few samples to know its inputs and outputs.

    `source` is a module in memory, "pkg.module:callable" or "FILE.py:callable" (with `weights`, a
    file), or a file of the kind .pt2, .onnx or .tflite. `example` gives the shapes and dtypes of
    inputs, which a module doesn't know. Raises NetworkError, or ArtifactError for a damaged file.
    """
    if isinstance(source, nn.Module):
        if weights is not None:
            raise NetworkError("a module in memory has its weights; load others into it before")
        return network_of(source, _known(example, type(source).__name__), name)
    text = str(source)
    if is_python(text):
        return _from_python(text, weights, example, name)
    if weights is not None:
        raise NetworkError(f"{text} holds its own weights; leave --weights out")
    return _from_file(Path(source), example, name)


def describe_source(network: Network) -> str:
    """One line for the head of a report: where a network came from, its inputs and outputs."""
    kind = "quantized already" if network.quantized else ""
    batch = f"batches of {network.fixed_batch} only" if network.fixed_batch else ""
    flow = f"{_listed(network.inputs)} -> {_listed(network.outputs)}"
    return ", ".join(part for part in (network.origin or network.name, kind, batch, flow) if part)


def _listed(specs: Sequence[TensorSpec]) -> str:
    return ", ".join(f"{spec.name} {spec.dtype} {list(spec.shape)}" for spec in specs)


def _from_python(
    source: str, weights: str | Path | None, example: Example | None, name: str | None
) -> Network:
    if source.endswith(".py"):
        raise NetworkError(
            f"{source} names no network in it; give {source}:callable, of a function that returns "
            "the nn.Module"
        )
    arrays = _known(example, source)
    module = build_module(source)
    if weights is None:
        notes: tuple[str, ...] = (f"no weights were given: measured as {source} returns it",)
        origin = source
    else:
        notes = load_weights(module, Path(weights))
        origin = f"{source} with {Path(weights).name}"
    return network_of(module, arrays, name, origin, notes)


def _from_file(path: Path, example: Example | None, name: str | None) -> Network:
    kind = require_kind(path)
    arrays = None if example is None else _arrays(example)
    if kind == "ONNX":
        from quantbench.tasks.source_onnx import onnx_network  # ONNX Runtime takes long to import

        return onnx_network(path, arrays, name)
    if kind == "exported program":
        from quantbench.tasks.source_program import program_network

        return program_network(path, arrays, name)
    if kind == "TensorFlow Lite":
        from quantbench.tasks.source_tflite import tflite_network

        return tflite_network(path, arrays, name)
    raise NetworkError(f"{path} {_why_not(kind)}")


def _why_not(kind: str) -> str:
    """The reason why a file of this kind is no network that is measured, and what to do."""
    if kind in ("state_dict", "safetensors", "pickle"):
        return (
            f"holds weights without their network ({kind}); give it with --weights, beside "
            "pkg.module:callable that builds the nn.Module"
        )
    if kind == "TorchScript":
        return (
            "is TorchScript, which can't be quantized; give pkg.module:callable that builds the "
            "nn.Module, or save torch.export.export(...) as a .pt2 file"
        )
    return (
        f"is no network that can be loaded ({kind}); give an .onnx, .pt2 or .tflite file, or "
        "pkg.module:callable"
    )


def _known(example: Example | None, what: str) -> Sequence[Array] | Mapping[str, Array]:
    """The arrays of an example. Raises NetworkError where there is none."""
    if example is None:
        raise NetworkError(
            f"{what} doesn't say which inputs it takes; give samples, such as calibration data"
        )
    return _arrays(example)


def _arrays(example: Example) -> Sequence[Array] | Mapping[str, Array]:
    """The first samples of an example, an array for each input."""
    if isinstance(example, Samples):
        return example.inputs(0, _SAMPLES)
    if isinstance(example, np.ndarray):
        return (example[:_SAMPLES],)
    if isinstance(example, Mapping):
        return {key: array[:_SAMPLES] for key, array in example.items()}
    return tuple(array[:_SAMPLES] for array in example)
