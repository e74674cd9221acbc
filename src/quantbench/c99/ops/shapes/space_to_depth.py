"""SpaceToDepth: makes channels of blocks of height and width."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from quantbench.c99.frontend.context import Context
from quantbench.c99.frontend.reader import OnnxNode
from quantbench.c99.frontend.rearranging import rearranged
from quantbench.c99.frontend.values import Value
from quantbench.errors import CompileError

NAME = "SpaceToDepth"
INPUTS = (1, 1)
ATTRIBUTES = frozenset({"blocksize"})


def from_onnx(context: Context, node: OnnxNode) -> Value:
    size = node.whole("blocksize", 0)

    def choose(values: NDArray[Any]) -> NDArray[Any]:
        if values.ndim != 4 or size < 1 or any(side % size for side in values.shape[2:]):
            raise CompileError(
                f"{node.where}: {[*values.shape[1:]]} in blocks of {size}; [C, H, W] whose height "
                "and width the block divides is supported"
            )
        n, channels, height, width = values.shape
        parts = values.reshape(n, channels, height // size, size, width // size, size)
        moved = parts.transpose(0, 3, 5, 1, 2, 4)
        return moved.reshape(n, channels * size**2, height // size, width // size)

    return rearranged(context, node, choose)
