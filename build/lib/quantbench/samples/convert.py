"""Turn what users hold (NumPy arrays, tensors, nested lists) into arrays that a network takes.

Inputs have the dtype that the network asks for, where that is known. Else floating numbers become
float32, int32 and int64 stay, uint32 and uint64 become int64, and all smaller integers (uint8
images, int16 sound, bool) become float32 of the same value. Values that the dtype can't hold are
refused, never rounded to other integers or to infinity.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantbench.errors import SamplesError, cause
from quantbench.samples.records import Array, Arrays, Prepare, as_stored

_BLOCK = 64 * 2**20
"""Bytes that are looked at or copied at a time."""
_REFUSED = {
    "O": "holds Python objects",
    "c": "holds complex numbers",
    "U": "holds text",
    "S": "holds byte strings",
    "M": "holds dates",
    "m": "holds durations",
    "V": "holds records",
}


@dataclass(frozen=True)
class Cast:
    """A preparation that gives each array the dtype of its input, slice by slice."""

    dtypes: tuple[str, ...]

    def __call__(self, arrays: Arrays) -> Arrays:
        """The same values in `dtypes`."""
        return tuple(
            array.astype(dtype, order="C", copy=False)
            for array, dtype in zip(arrays, self.dtypes, strict=True)
        )


def preparation(stored: Sequence[np.dtype[Any]], wanted: Sequence[str]) -> Prepare:
    """The preparation from stored dtypes to wanted ones; `as_stored` where they are the same."""
    same = all(dtype == np.dtype(want) for dtype, want in zip(stored, wanted, strict=True))
    return as_stored if same else Cast(tuple(wanted))


def as_array(value: object, what: str) -> Array:
    """One array of numbers [N, ...], N > 0, from an array, a tensor or nested lists.

    Nothing is copied where `value` is an array already. `what` names it in errors. Raises
    SamplesError.
    """
    torch = sys.modules.get("torch")  # who holds a tensor has imported it
    if torch is not None and isinstance(value, torch.Tensor):
        value = _from_tensor(value, what)
    try:
        array = np.asarray(value)
    except Exception as error:  # a foreign object's __array__ may raise anything
        raise SamplesError(f"{what} is no array of numbers ({cause(error)})") from error
    if array.ndim == 0:
        raise SamplesError(
            f"{what} is a single {type(value).__name__}; give an array [N, ...] of N samples"
        )
    if len(array) == 0:
        raise SamplesError(f"{what} holds no sample: its shape is {shown(array.shape)}")
    return array


def require_numbers(array: Array, what: str) -> Array:
    """Return `array` where it holds bool, integers or floating numbers; else raise SamplesError."""
    if fault := _REFUSED.get(array.dtype.kind):
        raise SamplesError(f"{what} {fault} (dtype {array.dtype}); give numbers")
    return array


def input_dtype(dtype: np.dtype[Any]) -> str:
    """The dtype of a network's input for stored values of `dtype`, where the network is unknown."""
    if dtype.kind == "f" or dtype.itemsize < 4:
        return "float32"
    return "int32" if dtype.kind == "i" and dtype.itemsize == 4 else "int64"


def as_targets(
    value: object, what: str, classes: Sequence[str] = ()
) -> tuple[Array, tuple[str, ...]]:
    """Targets [N, ...] and the names of their classes.

    Integers and bool become int64, floating numbers float32. Names of classes, [N] of text, become
    their positions in `classes`, else in their own sorted list. Raises SamplesError.
    """
    array = as_array(value, what)
    if array.dtype.kind == "U" and array.ndim == 1:
        return class_indices(array, what, classes)
    require_numbers(array, what)
    dtype = "float32" if array.dtype.kind == "f" else "int64"
    require_castable(array, dtype, what)
    return read_only(array.astype(dtype, copy=False)), tuple(classes)


def class_indices(
    names: NDArray[np.str_], what: str, classes: Sequence[str] = ()
) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """The position of each name in `classes` (else in the sorted names), and the classes."""
    known = tuple(classes) or tuple(str(name) for name in np.unique(names))
    position = {name: index for index, name in enumerate(known)}
    unknown = next((str(name) for name in names if str(name) not in position), None)
    if unknown is not None:
        raise SamplesError(f"{what} names the class '{unknown}', which isn't among the classes")
    return np.array([position[str(name)] for name in names], np.int64), known


def require_castable(array: Array, dtype: str, what: str) -> None:
    """Check, block by block, that `dtype` holds every value of `array`. Raises SamplesError.

    float64 may lose digits on its way to float32; every other value has to stay what it is.
    """
    wanted = np.dtype(dtype)
    if np.can_cast(array.dtype, wanted, "safe"):
        return
    for start, block in blocks(array):
        bad = _changed(block, wanted)
        if bad.any():
            place = np.unravel_index(int(bad.argmax()), bad.shape)
            raise SamplesError(
                f"{what} holds {block[place]} in sample {start + int(place[0])}, which "
                f"{dtype} can't hold"
            )


def blocks(array: Array) -> Iterator[tuple[int, Array]]:
    """Yield parts of an array, of bounded size, each with the index of its first sample."""
    size = array.dtype.itemsize * int(np.prod(array.shape[1:], dtype=np.int64))
    step = max(1, _BLOCK // max(size, 1))
    for start in range(0, len(array), step):
        yield start, np.asarray(array[start : start + step])


def read_only(array: Array) -> Array:
    """A view of `array` that can't be written through."""
    view = array.view()
    view.setflags(write=False)
    return view


def shown(shape: Sequence[int]) -> str:
    """A shape as text: "[3, 32, 32]"."""
    return f"[{', '.join(map(str, shape))}]"


def _changed(block: Array, wanted: np.dtype[Any]) -> NDArray[np.bool_]:
    """The places where a cast to `wanted` would change a value into another one."""
    with np.errstate(over="ignore", invalid="ignore"):
        cast = block.astype(wanted)
        if block.dtype.kind == wanted.kind == "f":
            lost: NDArray[np.bool_] = np.isfinite(block) & ~np.isfinite(cast)
            return lost
        # The sign is compared too: uint64 to int64 and back wraps around to the same value.
        changed: NDArray[np.bool_] = cast.astype(block.dtype) != block
        flipped: NDArray[np.bool_] = (cast < 0) != (block < 0)
        return np.logical_or(changed, flipped)


def _from_tensor(tensor: Any, what: str) -> object:
    """A dense tensor of the CPU as an array; it shares memory where it can."""
    import torch

    if tensor.layout != torch.strided or tensor.is_quantized:
        raise SamplesError(f"{what} is a sparse or quantized tensor; give a dense one")
    plain = tensor.detach().cpu().resolve_neg()
    return (plain.float() if plain.dtype == torch.bfloat16 else plain).numpy(force=True)
