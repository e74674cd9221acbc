"""The layers of a float module and of the one that PyTorch's eager quantization made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import takewhile

import numpy as np
import torch
from torch import Tensor, nn
from torch.ao.quantization import QuantWrapper

from quantbench.explain.error.output_format import OutputFormat
from quantbench.export.eager import float_name
from quantbench.tasks.layers import ACTIVATIONS, chains

INPUT = "input"
_MOVES = (
    nn.Identity, nn.Flatten, nn.Unflatten, nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d,
    nn.PixelShuffle, nn.PixelUnshuffle, nn.ChannelShuffle, nn.Dropout, nn.Dropout1d, nn.Dropout2d,
    nn.Dropout3d, nn.AlphaDropout,
)  # fmt: skip


@dataclass(frozen=True)
class ModulePoint:
    """A layer in both modules: it begins with `first`, and what is folded into it ends with `last`.

    `quantized` is its name in the converted module. The names are those of modules; `first` is ""
    for the rounding of the network's input.
    """

    layer: str
    kind: str
    first: str
    last: str
    quantized: str


def module_points(float32: nn.Module, quantized: nn.Module) -> tuple[ModulePoint, ...]:
    """The layers that both modules have, in the order in which the float module names them.

    Batch norms and activations that were folded into the layer before them belong to it, and
    layers that only move numbers are left out, as are activations that follow a layer.
    """
    leaves = {name: part for name, part in float32.named_modules() if not any(part.children())}
    names = _counterparts(float32, quantized)
    parts = dict(quantized.named_modules())
    folded = {
        name
        for name, part in leaves.items()
        if name in names
        and isinstance(parts[names[name]], nn.Identity)
        and not isinstance(part, nn.Identity)
    }
    ends, following = dict[str, str](), set[str]()
    for layer, *behind in _chains(float32):
        tail = [*takewhile(folded.__contains__, behind)]
        ends[layer] = (tail or [layer])[-1]
        following.update(name for name in behind if isinstance(leaves.get(name), ACTIVATIONS))
    points = [
        ModulePoint(name, type(part).__name__, name, ends.get(name, name), names[name])
        for name, part in leaves.items()
        if name in names
        and name not in folded
        and name not in following
        and not isinstance(part, _MOVES)
    ]
    if isinstance(quantized, QuantWrapper):
        points.insert(0, ModulePoint(INPUT, "Input", "", "", "quant"))
    return tuple(points)


def tensor_format(tensor: Tensor) -> OutputFormat | None:
    """The format of a tensor of PyTorch's quantized types; None for a float one."""
    if not tensor.is_quantized:
        return None
    info = torch.iinfo(tensor.int_repr().dtype)
    if tensor.qscheme() in (torch.per_tensor_affine, torch.per_tensor_symmetric):
        scale, zero = np.array([tensor.q_scale()]), np.array([float(tensor.q_zero_point())])
        return OutputFormat(scale, zero, info.min, info.max)
    return OutputFormat(
        tensor.q_per_channel_scales().numpy().astype(np.float64),
        tensor.q_per_channel_zero_points().numpy().astype(np.float64),
        info.min,
        info.max,
        tensor.q_per_channel_axis(),
    )


def _counterparts(float32: nn.Module, quantized: nn.Module) -> Mapping[str, str]:
    """Name in the float module -> in the converted one; of a wrapped layer, what is inside."""
    known = {name for name, _ in float32.named_modules()}
    found: dict[str, str] = {}
    for name, part in quantized.named_modules():
        if name and not isinstance(part, QuantWrapper):
            found.setdefault(float_name(name, quantized), name)  # before the parts inside of it
    return {name: part for name, part in found.items() if name in known}


def _chains(float32: nn.Module) -> list[list[str]]:
    try:
        return chains(float32)
    except Exception:  # noqa: BLE001 - torch.fx runs the network's own code: nothing is fused then
        return []
