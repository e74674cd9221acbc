"""Number formats that tests build rows and layers from."""

from __future__ import annotations

from quantbench.numerics.formats import NumberFormat, Numerics

INT8_CHANNEL = NumberFormat(bits=8, granularity="channel", axis=0, symmetric=True, used_bits=8)
INT8_CHANNEL_7 = INT8_CHANNEL.model_copy(update={"used_bits": 7})
INT8_TENSOR = NumberFormat(bits=8, symmetric=True, used_bits=8)
UINT8_CHANNEL = NumberFormat(bits=8, signed=False, granularity="channel", axis=1, used_bits=8)
UINT8_TENSOR = NumberFormat(bits=8, signed=False, used_bits=8)
INT4_GROUP = NumberFormat(bits=4, granularity="group", group=32, axis=1)
INT8 = NumberFormat(bits=8)
UINT8 = NumberFormat(bits=8, signed=False)
UINT8_STATED = NumberFormat(bits=8, signed=False, symmetric=False, used_bits=8)
UINT8_7 = NumberFormat(bits=8, signed=False, symmetric=False, used_bits=7)
UINT8_DYNAMIC = NumberFormat(bits=8, signed=False, scaling="dynamic")
UINT8_UNIT = NumberFormat(bits=8, signed=False, symmetric=True, scaling="unit")


def numerics(
    weights: NumberFormat | tuple[NumberFormat, ...],
    activations: NumberFormat | tuple[NumberFormat, ...],
) -> Numerics:
    return Numerics(
        weights=weights if isinstance(weights, tuple) else (weights,),
        activations=activations if isinstance(activations, tuple) else (activations,),
    )
