"""Load a network from what a user names or hands over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
from torch import nn

from quantbench.errors import NetworkError
from quantbench.samples.records import Array, Samples
from quantbench.tasks.network import Network, TensorSpec
from quantbench.tasks.source_module import network_of

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

    `example` gives shapes and dtypes of the inputs, which a module doesn't know.
    Raises NetworkError, or ArtifactError for a damaged file.
    """
    if isinstance(source, nn.Module):
        if weights is not None:
            raise NetworkError("a module in memory has its weights; load others into it before")
        return network_of(source, _arrays(example, type(source).__name__), name)
    raise NetworkError(f"{source} is no network that can be loaded")


def describe_source(network: Network) -> str:
    """One line for the head of a report: where a network came from, its inputs and outputs."""
    kind = "quantized already" if network.quantized else ""
    batch = f"batches of {network.fixed_batch} only" if network.fixed_batch else ""
    flow = f"{_listed(network.inputs)} -> {_listed(network.outputs)}"
    return ", ".join(part for part in (network.origin or network.name, kind, batch, flow) if part)


def _listed(specs: Sequence[TensorSpec]) -> str:
    return ", ".join(f"{spec.name} {spec.dtype} {list(spec.shape)}" for spec in specs)


def _arrays(example: Example | None, what: str) -> Sequence[Array] | Mapping[str, Array]:
    """The first samples of an example, an array for each input. Raises NetworkError for None."""
    if example is None:
        raise NetworkError(
            f"{what} doesn't say which inputs it takes; give samples, such as calibration data"
        )
    if isinstance(example, Samples):
        return example.inputs(0, _SAMPLES)
    if isinstance(example, np.ndarray):
        return (example[:_SAMPLES],)
    if isinstance(example, Mapping):
        return {key: array[:_SAMPLES] for key, array in example.items()}
    return tuple(array[:_SAMPLES] for array in example)
