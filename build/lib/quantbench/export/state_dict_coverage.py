"""Coverage of a stored state_dict, read from the converted module that it fills."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

import torch
from torch import Tensor, nn

from quantbench.artifacts.state_file import STATE, fill, read_state
from quantbench.contracts import (
    Files,
    MethodModule,
    QuantizeJob,
    Skeleton,
    StateDictMethodModule,
)
from quantbench.export.engine import EagerSettings, using_engine
from quantbench.export.quantized_modules import is_of, is_quantized
from quantbench.export.rebuild import read_back
from quantbench.numerics.coverage import LayerNumerics, Reading
from quantbench.numerics.formats import NumberFormat, bits_of_range
from quantbench.system.record import Settings
from quantbench.system.silence import silenced
from quantbench.tasks.network_layers import network_layers
from quantbench.tasks.records import Layer

_DYNAMIC = "torch.ao.nn.quantized.dynamic"
_PER_CHANNEL = (torch.per_channel_affine, torch.per_channel_symmetric)


def read(job: QuantizeJob[Settings], files: Files, method: MethodModule) -> Reading:
    """Fill the method's skeleton from the stored state, and read the formats of its modules.

    Raises ArtifactError if the state doesn't fit.
    """
    engine = (
        job.settings.engine
        if isinstance(job.settings, EagerSettings)
        else torch.backends.quantized.engine
    )
    with silenced(), using_engine(engine):
        state = read_state(job.folder / STATE)
        skeleton = cast(StateDictMethodModule, method).skeleton(
            read_back(job.network, job.folder), job.settings, state.keys()
        )
        module = fill(skeleton.module, job.folder / STATE, "the network that it was written for")
        modules = dict(module.named_modules())
        read_layers = tuple(
            _layer(layer, _place(layer.name, modules), modules, skeleton, files)
            for layer in network_layers(job.network)
            if layer.macs
        )
        return Reading(read_layers, str(module))


def _place(name: str, modules: Mapping[str, nn.Module]) -> str:
    """The place of a layer in the converted network, inside of what it was wrapped in."""
    place = f"module.{name}" if is_of(modules[""], "QuantWrapper") else name
    layer = modules.get(place)
    return f"{place}.module" if layer is not None and is_of(layer, "QuantWrapper") else place


def _layer(
    layer: Layer, name: str, modules: Mapping[str, nn.Module], skeleton: Skeleton, files: Files
) -> LayerNumerics:
    module = modules.get(name)
    if module is None:  # FUNCTIONAL: eager quantization replaces modules, and nothing else
        reason = "it is computed by functions, outside of any module"
        return LayerNumerics.in_float32(layer.name, layer.kind, layer.macs, reason)
    weights = [
        cast("Callable[[], Tensor]", part.weight)()
        for part in module.modules()
        if is_quantized(part)
    ]
    if not weights:
        reason = files.why_float(layer.kind) if files.why_float else "its weights are float32"
        return LayerNumerics.in_float32(layer.name, layer.kind, layer.macs, reason)
    if is_of(module, "MultiheadAttention"):  # it dequantizes queries, keys and values
        reason = "its products of activations are float32"
        return LayerNumerics.in_float32(layer.name, layer.kind, layer.macs, reason)
    scale, zero_point = _output(module)
    scales = [value for key, value in module.state_dict().items() if key.endswith("scale")]
    never_observed = bool(scales) and all(float(value) == 1 for value in scales)
    return LayerNumerics(
        name=layer.name,
        kind=layer.kind,
        macs=layer.macs,
        integer=True,
        weights=tuple(dict.fromkeys(map(_weights, weights))),
        activations=(_activations(module, name, skeleton, never_observed),),
        scale=scale,
        zero_point=zero_point,
    )


def _weights(tensor: Tensor) -> NumberFormat:
    per_channel = tensor.qscheme() in _PER_CHANNEL
    zero_points = tensor.q_per_channel_zero_points() if per_channel else tensor.q_zero_point()
    stored = tensor.int_repr()
    signed = tensor.dtype == torch.qint8
    return NumberFormat(
        bits=8 * stored.element_size(),
        signed=signed,
        granularity="channel" if per_channel else "tensor",
        axis=tensor.q_per_channel_axis() if per_channel else None,
        symmetric=not torch.as_tensor(zero_points).any(),
        used_bits=bits_of_range(int(stored.min()), int(stored.max()), signed=signed),
    )


def _activations(
    module: nn.Module, name: str, skeleton: Skeleton, never_observed: bool
) -> NumberFormat:
    """The number format of a layer's input: uint8 with a zero point in every eager engine.

    All observers of a network share one range, which is meaningless for a scale that none set.
    """
    if type(module).__module__.startswith(_DYNAMIC):
        return NumberFormat(bits=8, signed=False, symmetric=False, scaling="dynamic")
    if never_observed:
        return NumberFormat(bits=8, signed=False, symmetric=True, scaling="unit")
    within = (r for observer, r in skeleton.ranges.items() if observer.startswith(f"{name}."))
    observed = next(within, None)
    return NumberFormat(
        bits=8,
        signed=False,
        symmetric=False,
        used_bits=bits_of_range(*observed, signed=False) if observed else None,
    )


def _output(module: nn.Module) -> tuple[float | None, int | None]:
    """The scale and zero point of a module's output; None where it is float or has several."""
    state = module.state_dict()
    if type(module).__module__.startswith(_DYNAMIC) or "scale" not in state:
        return None, None
    return float(cast(Tensor, state["scale"])), int(cast(Tensor, state["zero_point"]))
