"""Samples from arrays in memory or memory-mapped: NumPy arrays, tensors, nested lists."""

from __future__ import annotations

from collections.abc import Sequence

from quantbench.errors import SamplesError
from quantbench.samples.convert import (
    as_array,
    as_targets,
    input_dtype,
    preparation,
    read_only,
    require_castable,
    require_numbers,
    shown,
)
from quantbench.samples.records import Array, Samples
from quantbench.samples.structure import is_structure


def from_arrays(
    name: str,
    inputs: object,
    targets: object = None,
    *,
    dtypes: Sequence[str] = (),
    classes: Sequence[str] = (),
) -> Samples:
    """Samples of arrays: `inputs` is one array [N, ...], or a tuple with one for each input.

    Arrays may be NumPy's, tensors or nested lists; none is copied before a slice of it is used.
    `dtypes` are those of the network's inputs; where they aren't given, convert.py's rule holds.
    `targets` are numbers [N, ...], or the names of classes [N]. Raises SamplesError for lengths
    that differ, no samples, objects, and values that the dtype can't hold.
    """
    parts = tuple(inputs) if is_structure(inputs) else (inputs,)
    if dtypes and len(dtypes) != len(parts):
        raise SamplesError(f"{name} has {len(parts)} inputs, the network {len(dtypes)}")
    labels = _labels(name, len(parts))
    stored = tuple(
        require_numbers(as_array(part, label), label)
        for part, label in zip(parts, labels, strict=True)
    )
    wanted = tuple(dtypes) or tuple(input_dtype(array.dtype) for array in stored)
    for array, dtype, label in zip(stored, wanted, labels, strict=True):
        if len(array) != len(stored[0]):
            raise SamplesError(f"{label} has {len(array)} samples, {labels[0]} {len(stored[0])}")
        require_castable(array, dtype, label)
    values, named = _targets(name, targets, stored[0], labels[0], classes)
    return Samples(
        name,
        tuple(map(read_only, stored)),
        values,
        preparation([array.dtype for array in stored], wanted),
        named,
    )


def _labels(name: str, count: int) -> list[str]:
    return [f"{name}: x{number}" if count > 1 else f"{name}: x" for number in range(1, count + 1)]


def _targets(
    name: str, targets: object, inputs: Array, label: str, classes: Sequence[str]
) -> tuple[Array | None, tuple[str, ...]]:
    if targets is None:
        return None, tuple(classes)
    if is_structure(targets) and not isinstance(targets, list):
        raise SamplesError(f"{name}: y is a tuple; give one array of targets [N, ...]")
    values, named = as_targets(targets, f"{name}: y", classes)
    if len(values) != len(inputs):
        raise SamplesError(
            f"{name}: y has {len(values)} targets for {len(inputs)} samples ({label} is "
            f"{shown(inputs.shape)}, y {shown(values.shape)})"
        )
    return values, named
