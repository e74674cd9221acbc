"""Each step of a float32 network as a call of a portable kernel."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.emit.c_syntax import array, real, structure
from quantbench.c99.emit.scalar import (
    Code,
    arrange,
    concat,
    frame,
    window_fields,
)
from quantbench.c99.ir.graph import Pooling, Step, Window
from quantbench.c99.nodes.clamp import Clamp
from quantbench.c99.nodes.conv import Conv
from quantbench.c99.nodes.dense import Dense
from quantbench.c99.nodes.permute import Permute
from quantbench.c99.nodes.pool import Pool
from quantbench.c99.ops.add import Add
from quantbench.c99.ops.concat import Concat
from quantbench.c99.ops.pad import Pad

_ONE = Pooling("average", Window((1, 1)))
_LANES = 16
"""Of output channels that are summed side by side, as together() of products.h has them."""

_KERNELS = {
    "conv": ("clamp", "products", "lanewise", "conv"),
    "dense": ("clamp", "products", "dense"),
}


def code(step: Step) -> Code:
    match step.work:
        case Conv():
            return _conv(step, step.work)
        case Dense():
            fields = {"inputs": step.inputs[0].size, "outputs": step.output.size}
            return _layer(step, step.work, "dense", blocks(step.work.weights), fields)
        case Pool():
            return _pool(step, step.work)
        case Add() | Clamp():
            return _clamped(step, step.work)
        case Concat():
            return concat(step.inputs, step.output)
        case Pad():
            return frame(step.inputs[0], step.output, step.work.pads, real(step.work.value))
        case Permute():
            return arrange(step.identifier, step.work, step.inputs[0], step.output)
        case _:
            raise TypeError(f"{step.work.name}: no C of float32")


def blocks(weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """Of [O, taps]: block after block of outputs, each [taps, lanes]."""
    found = [weights[at : at + _LANES].T.ravel() for at in range(0, len(weights), _LANES)]
    return np.concatenate(found)


def _conv(step: Step, node: Conv) -> Code:
    pooling = node.pooling or _ONE
    (channels, height, width), (out_c, out_h, out_w) = step.inputs[0].shape, step.output.shape
    depthwise = node.groups > 1 and node.groups == channels == out_c
    groups = 1 if depthwise else node.groups
    fields = {
        "height": height, "width": width, "channels": channels,
        "out_height": out_h, "out_width": out_w, "out_channels": out_c,
        "groups": groups, "group_in": channels // node.groups, "group_out": out_c // groups,
        "depthwise": int(depthwise),
        **window_fields(node.window),
        "pool_h": pooling.window.kernel[0], "pool_w": pooling.window.kernel[1],
        "pool_stride_h": pooling.window.strides[0], "pool_stride_w": pooling.window.strides[1],
        "pool_max": int(pooling.kind == "max"),
    }  # fmt: skip
    each = np.split(node.weights.reshape(out_c, -1), groups)
    return _layer(step, node, "conv", np.concatenate([blocks(one) for one in each]), fields)


def _layer(
    step: Step,
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
    limits = {"clamp": _limits(*_scalars(node))}
    return Code(
        constants + structure(f"{kind}_layer", name, {**pointers, **limits, **fields}),
        (f"{kind}(&{name}, {step.inputs[0].at}, {step.output.at});",),
        _KERNELS[kind],
        weights.nbytes,
        node.bias.nbytes,
    )


def _pool(step: Step, node: Pool) -> Code:
    channels, height, width = step.inputs[0].shape
    _, out_h, out_w = step.output.shape
    fields = {
        "height": height, "width": width, "channels": channels,
        "out_height": out_h, "out_width": out_w,
        **window_fields(node.window),
        "max": int(node.kind == "max"), "count_pads": int(node.count_pads),
    }  # fmt: skip
    name = step.identifier
    call = f"pool(&{name}, {step.inputs[0].at}, {step.output.at});"
    return Code(structure("pool_layer", name, fields), (call,), ("pool",), 0, 0)


def _clamped(step: Step, node: Add | Clamp) -> Code:
    name, kind = step.identifier, "add" if isinstance(node, Add) else "activate"
    places = ", ".join([*(one.at for one in step.inputs), step.output.at])
    call = f"{kind}(&{name}, {places}, {step.output.size});"
    constant = f"static const limits {name} = {_limits(node.low, node.high)};\n"
    return Code(constant, (call,), ("clamp", kind), 0, 0)


def _scalars(node: Conv | Dense) -> tuple[float | None, float | None]:
    """The limits, which all channels of float32 have alike."""
    low, high = (None if limit is None else float(limit[0]) for limit in (node.low, node.high))
    return low, high


def _limits(low: float | None, high: float | None) -> str:
    numbers = ", ".join(real(limit or 0.0) for limit in (low, high))
    return f"{{{numbers}, {int(low is not None)}, {int(high is not None)}}}"
