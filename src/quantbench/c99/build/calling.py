"""Calls of a built library with float32: pointers kept ready, a thread for each part of a batch.

Nothing here needs the network's graph, or a library that reads one.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.build.direct import direct
from quantbench.c99.build.team import team
from quantbench.contracts import Predict
from quantbench.errors import CompileError
from quantbench.system.machine import cores
from quantbench.system.record import Record

_ALIGNMENT = 64
Array = NDArray[np.float32] | NDArray[np.uint8]


class Sizes(Record):
    """The shapes of a sample and its answer, and the bytes of memory that a call needs.

    `scratch` are those of the network alone; `call` adds the integers of its samples and answers.
    `parts`: the threads that compute one image together. `brief`: that takes some microseconds.
    """

    input: tuple[int, ...]
    output: tuple[int, ...]
    scratch: int
    call: int
    parts: int = 1
    brief: bool = True


@dataclass(frozen=True)
class Calls:
    """Functions of convert.c. `image` keeps Python's lock where it takes microseconds."""

    image: Callable[[object, object], None]
    batch: Callable[[object], None]
    library: ctypes.CDLL


def opened(path: Path, sizes: Sizes) -> Calls:
    """Open a library whose bytes were just checked, and run its golden vectors.

    Raises CompileError where one of them fails.
    """
    keeping, freeing = ctypes.PyDLL(str(path)), ctypes.CDLL(str(path))
    freeing.model_batch.restype = None
    freeing.model_golden.restype = ctypes.c_size_t
    scratch = memory(sizes.scratch)
    if vector := freeing.model_golden(ctypes.c_void_p(scratch.ctypes.data)):
        raise CompileError(
            f"the compiled network fails golden vector {vector} as it is loaded, which it passed "
            f"as it was built; remove {path.parent} and run again"
        )
    image = keeping.model_image if sizes.brief else freeing.model_image
    image.restype = None
    return Calls(image, freeing.model_batch, freeing)


def caller(calls: Calls, sizes: Sizes, threads: int, call: Path | None = None) -> Predict:
    """The network as a function float32 [N, *input] -> float32 [N, *output], in ONNX's order.

    Parts of one image, or images of a batch, are computed by at most `threads` threads at a time.
    `call`: the library of direct.py, where there is one. Raises CompileError where parts give other
    bits than the whole.
    """
    many = _many(calls.batch, sizes, threads)
    if 1 < sizes.parts <= min(threads, cores()):
        started = team(calls.library, memory(sizes.scratch))
        if started:
            return _with_one(started.image, sizes, many, None)
    return _with_one(calls.image, sizes, many, call if sizes.brief else None)


class Batch(ctypes.Structure):
    """The structure `batch` of convert.c: one pointer takes less time to pass than its fields."""

    _fields_ = (
        ("images", ctypes.c_void_p),
        ("answers", ctypes.c_void_p),
        ("count", ctypes.c_size_t),
        ("memory", ctypes.c_void_p),
    )


def batch(images: Array, answers: Array, memory: Array) -> Batch:
    """The arguments of a call; the arrays must outlive it."""
    first, second, third = (array.ctypes.data for array in (images, answers, memory))
    return Batch(first, second, len(images), third)


def up(size: int) -> int:
    """The next multiple of the alignment."""
    return -(-size // _ALIGNMENT) * _ALIGNMENT


def memory(size: int) -> NDArray[np.uint8]:
    """A buffer of `size` bytes, aligned to 64; the C code works with any alignment."""
    whole = np.zeros(size + _ALIGNMENT, np.uint8)
    begin = -whole.ctypes.data % _ALIGNMENT
    return whole[begin : begin + size]


def _with_one(
    run: Callable[[object, object], None], sizes: Sizes, many: Predict, call: Path | None
) -> Predict:
    """A function that passes one image as a copy: looking up an array's address takes longer.

    `call` passes its address.
    """
    shape = sizes.input
    image, answer = np.zeros((1, *shape), np.float32), np.zeros((1, *sizes.output), np.float32)
    own = memory(sizes.call)
    one = batch(image, answer, own)
    kept = (ctypes.c_void_p(ctypes.addressof(one)), one, own)
    image_bytes = image.nbytes

    def predict(inputs: NDArray[np.float32]) -> Any:
        if inputs.nbytes == image_bytes:
            run(inputs.tobytes(), kept[0])
            return answer.copy()
        if inputs.shape[1:] != shape:
            raise ValueError(f"inputs are {list(inputs.shape[1:])}, not {list(shape)}")
        return many(inputs)

    return direct(call, run, kept[0], image_bytes, answer.copy, predict) if call else predict


def _many(run: Callable[[object], None], sizes: Sizes, threads: int) -> Predict:
    """A function that gives each thread a part of the batch; C code doesn't hold Python's lock."""
    memories = [memory(sizes.call) for _ in range(threads)]
    pool = ThreadPoolExecutor(threads) if threads > 1 else None

    def part(inputs: NDArray[np.float32], answers: NDArray[np.float32], worker: int) -> None:
        run(ctypes.byref(batch(inputs, answers, memories[worker])))

    def predict(inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        inputs = np.ascontiguousarray(inputs, np.float32)
        answers = np.empty((len(inputs), *sizes.output), np.float32)
        if pool is None:
            part(inputs, answers, 0)
            return answers
        ends = [len(inputs) * worker // threads for worker in range(threads + 1)]
        jobs = [
            pool.submit(part, inputs[begin:end], answers[begin:end], worker)
            for worker, (begin, end) in enumerate(pairwise(ends))
        ]
        for job in jobs:
            job.result()
        return answers

    return predict
