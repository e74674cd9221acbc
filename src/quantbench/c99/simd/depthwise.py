"""SIMD code of integer depthwise convolutions, for any kernel, stride, dilation and padding.

Channels lie in lanes, four taps of each in 32 bits (simd/depthwise_plan.py). Packs undo the
interleaving. No padded image is made: rows above and below the image are one row of zero points.
"""

from __future__ import annotations

from quantbench.c99.emit.fragments import WORKSPACE
from quantbench.c99.emit.translation_unit import SimdCode
from quantbench.c99.ir.graph import Step
from quantbench.c99.nodes.conv import Conv
from quantbench.c99.simd import depthwise_one_pass, depthwise_two_pass
from quantbench.c99.simd.depthwise_layer import DepthwiseLayer, tables
from quantbench.c99.simd.depthwise_plan import best_plan
from quantbench.c99.target.isa import AVX2, AVX512VBMI, AVX512VNNI, AVXVNNI, SSE2, Isa

_KERNELS = {
    AVX512VBMI: "quads_512",
    AVX512VNNI: "quads_512",
    AVXVNNI: "quads_avxvnni",
    AVX2: "quads_avx2",
    SSE2: "quads_sse2",
}


def fits(step: Step, node: Conv, isa: Isa) -> bool:
    """Whether the layer is depthwise, with no pooling behind it, for these registers."""
    return isa in _KERNELS and node.pooling is None and node.groups == step.inputs[0].shape[0]


def code(step: Step, node: Conv, isa: Isa) -> SimdCode:
    """The SIMD code of a depthwise convolution that `fits`.

    Where there are several filters for each channel, the image is repeated first.
    """
    layer, image = _layer(step, node, isa), step.inputs[0]
    way = depthwise_one_pass if depthwise_one_pass.fits(layer.plan, isa) else depthwise_two_pass
    times = step.output.shape[0] // node.groups
    source, calls, repeated = image.at, [], 0
    if times > 1:
        source, repeated = WORKSPACE, image.size * times
        calls.append(f"model_repeat({image.at}, {source}, {image.size}, {times});")
    to = step.output.at if node.requantize else f"(uint8_t *)(void *)({step.output.at})"
    calls.append(f"{layer.function}({source}, {to}, {WORKSPACE} + {repeated});")
    kernels = (_KERNELS[isa], *(["depthwise/repeat"] if times > 1 else []))
    workspace = repeated + way.memory(layer)
    return SimdCode(tables(layer), way.function(layer), tuple(calls), workspace, kernels)


def _layer(step: Step, node: Conv, isa: Isa) -> DepthwiseLayer:
    _, height, width = step.inputs[0].shape
    channels, out_height, out_width = step.output.shape
    plan = best_plan(isa.bits[0] // 8, channels, node.window, out_height, out_width)
    sides = height, width, out_height, out_width
    return DepthwiseLayer(step.identifier, node, node.requantize, isa, plan, *sides)
