"""Example inputs with which a network is traced, and the sizes that a trace leaves open."""

from __future__ import annotations

import inspect

import torch
from torch import Tensor, nn
from torch.export import Dim

from quantbench.tasks.network import Network

BATCH = 2
"""Samples of an example: PyTorch takes a size of 1 as fixed."""


def example(network: Network, batch: int = BATCH) -> tuple[Tensor, ...]:
    """Zeros for each input, [batch, *shape]; a fixed batch of the network comes first."""
    samples = network.fixed_batch or batch
    return tuple(torch.from_numpy(spec.zeros(samples)) for spec in network.inputs)


def any_batch(
    network: Network, model: nn.Module, most: int | None = None
) -> tuple[object, ...] | None:
    """The `dynamic_shapes` of torch.export: every input's first axis is one batch of any size.

    `most`: the largest batch. None where the network fixes its batch.
    """
    if network.fixed_batch is not None:
        return None
    batch = Dim("batch") if most is None else Dim("batch", min=1, max=most)
    sizes = tuple({0: batch} for _ in network.inputs)
    kinds = [parameter.kind for parameter in inspect.signature(model.forward).parameters.values()]
    variadic = inspect.Parameter.VAR_POSITIONAL in kinds
    return _nested(sizes, kinds) if variadic else sizes


def _nested(sizes: tuple[object, ...], kinds: list[inspect._ParameterKind]) -> tuple[object, ...]:
    """The sizes with those of `*inputs` in a tuple of their own, as torch.export pairs them."""
    before = kinds.index(inspect.Parameter.VAR_POSITIONAL)
    return (*sizes[:before], sizes[before:])
