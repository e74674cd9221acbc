"""A built network of several inputs or outputs, called with float32: NumPy converts the numbers."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.build.library import library
from quantbench.c99.emit.instances import kernel
from quantbench.c99.emit.library import Emitted
from quantbench.c99.ir.graph import BYTES, Place, Plan
from quantbench.c99.ir.interpreter import dequantized, quantized
from quantbench.contracts import Predict
from quantbench.errors import CompileError

Array = NDArray[Any]
Run = Callable[[Array, Array], None]
"""Maps inputs [N, all inputs] to outputs [N, all outputs], both as the C code has them."""
_TYPES = {"uint8": np.uint8, "int32": np.int32, "float32": np.float32}


def several(emitted: Emitted, threads: int) -> Predict:
    """The network as a function of float32 arrays [N, *shape], one for each input.

    It gives an array, or a tuple of several, in ONNX's order, and takes one call at a time. Raises
    UnavailableError, CompileError or StorageError.
    """
    plan, run = emitted.plan, _threaded(_batch(emitted), emitted, threads)

    def predict(*inputs: NDArray[np.float32]) -> Any:
        packed = _given(plan, inputs)
        type = _TYPES[plan.output.type]
        outputs = np.empty((len(packed), sum(place.size for place in plan.outputs)), type)
        run(packed, outputs)
        answers = tuple(_answers(plan, outputs))
        return answers if len(answers) > 1 else answers[0]

    return predict


def _batch(emitted: Emitted) -> Callable[..., None]:
    """The function of convert.c, once the golden vectors have passed in this process."""
    folder = "float32/" if emitted.plan.graph.is_float32 else ""
    types = ("float", "float") if folder else ("uint8_t", "model_output")
    head = '#include "model.h"\n' + "".join(
        f"#define {name} {type}\n" for name, type in zip(("NUMBER", "ANSWER"), types, strict=True)
    )
    text = head + kernel(f"{folder}golden_check") + kernel("several")
    with library({**emitted.all_files, "convert.c": text}) as path:
        built = ctypes.CDLL(str(path))
    built.model_golden.restype = ctypes.c_size_t
    built.model_several.restype = None
    scratch = _scratch(emitted)
    if vector := built.model_golden(_pointer(scratch)):
        raise CompileError(
            f"the compiled network fails golden vector {vector} as it is loaded, which it passed "
            f"as it was built; remove {path.parent} and run again"
        )
    run: Callable[..., None] = built.model_several
    return run


def _threaded(batch: Callable[..., None], emitted: Emitted, threads: int) -> Run:
    """A function that gives each thread a part of the batch; C code doesn't hold Python's lock."""
    scratches = [_scratch(emitted) for _ in range(threads)]
    pool = ThreadPoolExecutor(threads) if threads > 1 else None

    def part(inputs: Array, outputs: Array, worker: int) -> None:
        count = ctypes.c_size_t(len(inputs))
        batch(_pointer(inputs), _pointer(outputs), count, _pointer(scratches[worker]))

    def run(inputs: Array, outputs: Array) -> None:
        if pool is None:
            part(inputs, outputs, 0)
            return
        ends = [len(inputs) * worker // threads for worker in range(threads + 1)]
        jobs = [
            pool.submit(part, inputs[begin:end], outputs[begin:end], worker)
            for worker, (begin, end) in enumerate(pairwise(ends))
        ]
        for job in jobs:
            job.result()

    return run


def _given(plan: Plan, inputs: Sequence[NDArray[np.float32]]) -> Array:
    """The inputs as the C code reads them. Raises ValueError for other shapes."""
    shapes = [array.shape[1:] for array in inputs]
    if shapes != [place.shape for place in plan.inputs]:
        wanted = ", ".join(str([*place.shape]) for place in plan.inputs)
        raise ValueError(f"inputs are {', '.join(str([*shape]) for shape in shapes)}, not {wanted}")
    if not plan.graph.is_float32:
        tensors = (plan.graph.tensors[name] for name in plan.graph.inputs)
        inputs = [
            quantized(array, tensor).astype(np.uint8)
            for array, tensor in zip(inputs, tensors, strict=True)
        ]
    laid = [np.moveaxis(array, 1, -1).reshape(len(array), -1) for array in inputs]
    return np.ascontiguousarray(np.concatenate(laid, axis=1))


def _answers(plan: Plan, outputs: Array) -> Sequence[NDArray[np.float32]]:
    """The outputs as real numbers, in ONNX's order."""
    ends = np.cumsum([place.size for place in plan.outputs])[:-1]
    parts = np.split(outputs, ends, axis=1)
    values = [_images(part, place) for part, place in zip(parts, plan.outputs, strict=True)]
    if plan.graph.is_float32:
        return values
    tensors = (plan.graph.tensors[name] for name in plan.graph.outputs)
    return [
        dequantized(each.astype(np.int64), tensor)
        for each, tensor in zip(values, tensors, strict=True)
    ]


def _images(flat: Array, place: Place) -> Array:
    channels, *sides = place.shape
    return np.ascontiguousarray(np.moveaxis(flat.reshape(len(flat), *sides, channels), -1, 1))


def _pointer(array: Array) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)


def _scratch(emitted: Emitted) -> Array:
    return np.empty(max(emitted.scratch, 1) + BYTES["float32"], np.uint8)
