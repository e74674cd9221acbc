"""Random small float32 networks over all supported operators, as ONNX."""

from __future__ import annotations

import numpy as np
import onnx
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.c99.networks import Draw, Maker, choices
from tests.c99.spelling import At


class FloatMaker(Maker):
    """The same networks with nothing rounded. A scale is only how large numbers are."""

    def pair(
        self,
        name: str,
        shape: tuple[int, ...],
        scale: float,
        like: At | None = None,  # noqa: ARG002
    ) -> At:
        return At(name, shape, scale, 0, "float32")

    def weights(self, shape: tuple[int, ...], axis: int) -> tuple[str, NDArray[np.float32]]:
        scale = np.float32(self.rng.uniform(0.002, 0.02))
        values = self.rng.normal(0, 74 * scale, shape)
        if self.one_of(True, False, False):  # a dead channel
            np.moveaxis(values, axis, 0)[0] = 0
        return self.constant(values, "float32"), scale

    def bias(self, size: int, scale: NDArray[np.float32]) -> list[str]:  # noqa: ARG002
        if self.one_of(True, False):
            return []
        return [self.constant(self.rng.normal(0, 0.3, size), "float32")]


@st.composite
def networks(draw: Draw, images: int = 3) -> tuple[onnx.ModelProto, NDArray[np.float32]]:
    """A network and float32 inputs [images, C, H, W]."""
    return FloatMaker(choices(draw)).model(images)
