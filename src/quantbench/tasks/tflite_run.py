"""Run an interpreter of LiteRT on real numbers, whatever integers its inputs and outputs are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from quantbench.samples.records import Array, Arrays


@dataclass(frozen=True)
class Port:
    """An input or output of an interpreter; `scale` is 0 where its numbers are as they are."""

    index: int
    name: str
    shape: tuple[int, ...]
    open_batch: bool
    """Whether the file leaves the first size open."""
    stored: np.dtype[Any]
    scale: float
    zero_point: int

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype that a caller sees: integers with a scale stand for float32."""
        return np.dtype(np.float32) if self.scale else self.stored


def inputs_of(interpreter: Any) -> tuple[Port, ...]:
    """The inputs of an interpreter, in the file's order."""
    return tuple(map(_port, interpreter.get_input_details()))


def outputs_of(interpreter: Any) -> tuple[Port, ...]:
    """The outputs of an interpreter, in the file's order."""
    return tuple(map(_port, interpreter.get_output_details()))


def runner(interpreter: Any) -> Callable[[Arrays], Arrays]:
    """A function of arrays [N, ...] for each input; N is the batch that tensors are allocated for.

    It raises RuntimeError where an operator fails, ValueError where an array doesn't fit.
    """
    inputs, outputs = inputs_of(interpreter), outputs_of(interpreter)

    def run(arrays: Arrays) -> Arrays:
        for port, array in zip(inputs, arrays, strict=True):
            interpreter.set_tensor(port.index, _stored(port, array))
        interpreter.invoke()
        return tuple(_real(port, interpreter.get_tensor(port.index)) for port in outputs)

    return run


def resized(interpreter: Any, batch: int) -> None:
    """Allocate an interpreter for another batch. Raises RuntimeError where it takes no other."""
    for port in inputs_of(interpreter):
        interpreter.resize_tensor_input(port.index, [batch, *port.shape[1:]])
    interpreter.allocate_tensors()


def _stored(port: Port, array: Array) -> Array:
    """The numbers that the interpreter takes for those of a caller."""
    if not port.scale:
        return array
    limits = np.iinfo(port.stored)
    steps = np.rint(array * np.float32(1 / port.scale)) + port.zero_point
    stored: Array = np.clip(steps, limits.min, limits.max).astype(port.stored)
    return stored


def _real(port: Port, array: Array) -> Array:
    if not port.scale:
        return array
    return (array.astype(np.float32) - port.zero_point) * np.float32(port.scale)


def _port(details: dict[str, Any]) -> Port:
    scale, zero_point = details["quantization"]
    stored = np.dtype(details["dtype"])
    signature = details["shape_signature"]
    return Port(
        index=int(details["index"]),
        name=str(details["name"]),
        shape=tuple(int(size) for size in details["shape"]),
        open_batch=bool(len(signature) and signature[0] == -1),
        stored=stored,
        scale=float(scale) if stored.kind in "iu" else 0.0,
        zero_point=int(zero_point),
    )
