"""Packed weights of a layer, before it is decided in which form C gets them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_BYTES = {"int8_t": "i1", "int16_t": "<i2", "float": "<f4"}


@dataclass(frozen=True, eq=False)
class PackedWeights:
    """Packed weights, of any shape, of the C type `type`, which C calls `name`.

    `simd`: read by wide registers, which only GNU compilers write code for: aligned to 64 bytes.
    """

    type: str
    name: str
    values: NDArray[Any]
    simd: bool = True

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, PackedWeights)
            and (self.type, self.name) == (other.type, other.name)
            and (self.values is other.values or np.array_equal(self.values, other.values))
        )

    def __hash__(self) -> int:
        return hash((self.type, self.name))

    @property
    def any_byte_order(self) -> bool:
        """Whether `data` is right for every processor that reads these weights.

        Kernels for wide registers are for little-endian ones alone.
        """
        return self.simd or self.type == "int8_t"

    def data(self) -> bytes:
        """The bytes, of each number the lowest first."""
        return self.values.astype(_BYTES[self.type]).tobytes()


Constants = Mapping[str, str | PackedWeights]
"""Constants by name: finished C, or weights."""
