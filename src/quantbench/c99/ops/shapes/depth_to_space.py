"""DepthToSpace: makes blocks of height and width of channels."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from quantbench.c99.frontend.context import Context
from quantbench.c99.frontend.reader import OnnxNode
from quantbench.c99.frontend.rearranging import rearranged
from quantbench.c99.frontend.values import Value
from quantbench.errors import CompileError

NAME = "DepthToSpace"
INPUTS = (1, 1)
ATTRIBUTES = frozenset({"blocksize", "mode"})


def from_onnx(context: Context, node: OnnxNode) -> Value:
    size, mode = node.whole("blocksize", 0), node.text("mode", "DCR")

    def choose(values: NDArray[Any]) -> NDArray[Any]:
        if values.ndim != 4 or size < 1 or values.shape[1] % (size * size):
            raise CompileError(
                f"{node.where}: {[*values.shape[1:]]} in blocks of {size}; [C, H, W] whose "
                "channels the block divides is supported"
            )
        n, channels, height, width = values.shape
        count = channels // size**2
        split = (size, size, count) if mode == "DCR" else (count, size, size)
        order = (0, 3, 4, 1, 5, 2) if mode == "DCR" else (0, 1, 4, 2, 5, 3)
        parts = values.reshape(n, *split, height, width).transpose(order)
        return parts.reshape(n, count, height * size, width * size)

    if mode not in ("DCR", "CRD"):
        raise CompileError(f"{node.where}: mode DCR and CRD are supported")
    return rearranged(context, node, choose)
