"""The layers of a float module and of the one that PyTorch's eager quantization made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import takewhile

import numpy as np
import torch
from torch import Tensor, nn
from torch.ao.quantization import DeQuantStub, QuantStub, QuantWrapper

from quantbench.explain.error.output_format import OutputFormat
from quantbench.export.eager import float_name
from quantbench.tasks.layers import ACTIVATIONS, chains_and_calls

INPUT, INPUT_KIND = "input", "Input"
_MOVES = (
    DeQuantStub, nn.Identity, nn.Flatten, nn.Unflatten, nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d,
    nn.PixelShuffle, nn.PixelUnshuffle, nn.ChannelShuffle, nn.Dropout, nn.Dropout1d, nn.Dropout2d,
    nn.Dropout3d, nn.AlphaDropout,
)  # fmt: skip


@dataclass(frozen=True)
class ModulePoint:
    """A layer in both modules, with the batch norm and the activation that follow it alone.

    In the float module it is all from `first` to `last`; `first` is "" for the rounding of the
    network's input. `parts` are the converted module's, one behind the other.
    """

    layer: str
    kind: str
    first: str
    last: str
    parts: tuple[str, ...]
    normed: bool = False
    """A batch norm was folded into its weights."""


def module_points(float32: nn.Module, quantized: nn.Module) -> tuple[ModulePoint, ...]:
    """The layers that both modules have, in the order in which the float module names them.

    Layers that only move numbers are left out.
    """
    leaves = {name: part for name, part in float32.named_modules() if not any(part.children())}
    names, parts = _counterparts(float32, quantized), dict(quantized.named_modules())
    tails = {
        layer: _tail(layer, behind, names, parts)
        for layer, *behind in _chains(float32)
        if {layer, *behind} <= names.keys()
    }
    following = {name for tail in tails.values() for name in tail}
    points = [
        _point(name, part, tails.get(name, []), names, parts, leaves)
        for name, part in leaves.items()
        if name in names
        and name not in following
        and not isinstance(part, _MOVES)
        and not isinstance(parts[names[name]], QuantStub)
    ]
    if isinstance(quantized, QuantWrapper):
        points.insert(0, ModulePoint(INPUT, INPUT_KIND, "", "", ("quant",)))
    return tuple(points)


def _point(
    name: str,
    part: nn.Module,
    tail: list[str],
    names: Mapping[str, str],
    parts: Mapping[str, nn.Module],
    leaves: Mapping[str, nn.Module],
) -> ModulePoint:
    folded = [follower for follower in tail if _folded(parts[names[follower]])]
    return ModulePoint(
        layer=name,
        kind=INPUT_KIND if isinstance(part, QuantStub) else type(part).__name__,
        first=name,
        last=[name, *tail][-1],
        parts=tuple(names[each] for each in (name, *tail) if each not in folded),
        normed=any(not isinstance(leaves[each], ACTIVATIONS) for each in folded),
    )


def _tail(
    layer: str, behind: list[str], names: Mapping[str, str], parts: Mapping[str, nn.Module]
) -> list[str]:
    """A layer's modules: all that follow it, or what was folded into one wrapped alone.

    Behind a wrapped layer its output is float again.
    """
    wrapper = names[layer].rpartition(".")[0]
    if wrapper and isinstance(parts[wrapper], QuantWrapper) and names[layer].endswith(".module"):
        return [*takewhile(lambda name: _folded(parts[names[name]]), behind)]
    return behind


def _folded(part: nn.Module) -> bool:
    return isinstance(part, nn.Identity)


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
    """Each layer with what follows it alone; a module that is called elsewhere, too, isn't its."""
    traced, uses = chains_and_calls(float32)
    modules = dict(float32.named_modules())
    return [
        [layer, *takewhile(lambda name: uses[modules[name]] == 1, behind)]
        for layer, *behind in traced
    ]
