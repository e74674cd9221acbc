"""Write each step of a float32 network as a call of a portable kernel."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.emit.c_syntax import array, real, structure
from quantbench.c99.emit.scalar import (
    NO_POOLING,
    Code,
    concat,
    frame,
    permute,
    pooling_fields,
    window_fields,
)
from quantbench.c99.ir.float32 import (
    Activate,
    Add,
    Clamp,
    Conv,
    Dense,
    Pad,
    Pool,
)
from quantbench.c99.ir.graph import Concat
from quantbench.c99.passes.float32_layout import FloatStep
from quantbench.c99.passes.layout import Arrange

_LANES = 16
"""Output channels that are summed side by side, the same as in model_together() of products.h."""

_KERNELS = {
    "conv": ("clamp", "products", "lanewise", "conv"),
    "dense": ("clamp", "products", "dense"),
}


def code(step: FloatStep) -> Code:
    match step.work:
        case Conv():
            return _conv(step, step.work)
        case Dense():
            fields = {"inputs": step.inputs[0].size, "outputs": step.output.size}
            return _layer(step, step.work, "dense", blocks(step.work.weights), fields)
        case Pool():
            return _pool(step, step.work)
        case Add() | Activate():
            return _clamped(step, step.work)
        case Concat():
            return concat(step.inputs, step.output)
        case Pad():
            return frame(step.inputs[0], step.output, step.work.pads, real(step.work.value))
        case Arrange():
            return permute(step.identifier, step.work, step.inputs[0], step.output)


def blocks(weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """Weights [O, taps] as block after block of outputs, each [taps, lanes]."""
    firsts = range(0, len(weights), _LANES)
    return np.concatenate([weights[first : first + _LANES].T.ravel() for first in firsts])


def _conv(step: FloatStep, node: Conv) -> Code:
    pooling = node.pooling or NO_POOLING
    (channels, height, width), (out_c, out_h, out_w) = step.inputs[0].shape, step.output.shape
    depthwise = node.groups > 1 and node.groups == channels == out_c
    groups = 1 if depthwise else node.groups
    fields = {
        "height": height,
        "width": width,
        "channels": channels,
        "out_height": out_h,
        "out_width": out_w,
        "out_channels": out_c,
        "groups": groups,
        "group_in": channels // node.groups,
        "group_out": out_c // groups,
        "depthwise": int(depthwise),
        **window_fields(node.window),
        **pooling_fields(pooling),
        "pool_max": int(pooling.kind == "max"),
    }
    by_group = np.split(node.weights.reshape(out_c, -1), groups)
    weights = np.concatenate([blocks(group) for group in by_group])
    return _layer(step, node, "conv", weights, fields)


def _layer(
    step: FloatStep,
    node: Conv | Dense,
    kind: str,
    weights: NDArray[np.float32],
    fields: dict[str, int],
) -> Code:
    """A weighted layer: its constants, its structure, its call."""
    name = step.identifier
    constants = array("float", f"{name}_weights", weights) + array(
        "float", f"{name}_bias", node.bias
    )
    pointers = {"weights": f"{name}_weights", "bias": f"{name}_bias"}
    limits = {"clamp": _limits(node.clamp)}
    return Code(
        constants + structure(f"model_{kind}_layer", name, {**pointers, **limits, **fields}),
        (f"model_{kind}(&{name}, {step.inputs[0].at}, {step.output.at});",),
        _KERNELS[kind],
        weights.nbytes,
        node.bias.nbytes,
    )


def _pool(step: FloatStep, node: Pool) -> Code:
    channels, height, width = step.inputs[0].shape
    _, out_h, out_w = step.output.shape
    fields = {
        "height": height,
        "width": width,
        "channels": channels,
        "out_height": out_h,
        "out_width": out_w,
        **window_fields(node.window),
        "max": int(node.kind == "max"),
        "count_pads": int(node.count_pads),
    }
    name = step.identifier
    call = f"model_pool(&{name}, {step.inputs[0].at}, {step.output.at});"
    return Code(structure("model_pool_layer", name, fields), (call,), ("pool",), 0, 0)


def _clamped(step: FloatStep, node: Add | Activate) -> Code:
    name, kind = step.identifier, "add" if isinstance(node, Add) else "activate"
    places = ", ".join(place.at for place in (*step.inputs, step.output))
    call = f"model_{kind}(&{name}, {places}, {step.output.size});"
    constant = f"static const model_limits {name} = {_limits(node.clamp)};\n"
    return Code(constant, (call,), ("clamp", kind), 0, 0)


def _limits(clamp: Clamp) -> str:
    low, high = (real(limit or 0.0) for limit in (clamp.low, clamp.high))
    on = f"{int(clamp.low is not None)}, {int(clamp.high is not None)}"
    return f"{{{low}, {high}, {on}}}"
