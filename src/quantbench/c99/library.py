"""A built network, called with float32: conversion, threads, and pointers kept ready."""

from __future__ import annotations

import ctypes
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.build import library
from quantbench.c99.emit import Emitted
from quantbench.c99.text import kernel
from quantbench.contracts import Predict

_ALIGNMENT = 64


def loaded(emitted: Emitted, threads: int) -> Predict:
    """float32 [N, *shape] -> float32 [N, K]. Raises UnavailableError, CompileError, StorageError.

    A call uses memory of its own in the library, so calls don't overlap.
    """
    made = emitted.plan
    built = library({**emitted.files, "convert.c": _convert(emitted)})
    run = ctypes.CDLL(str(built)).model_batch
    run.restype = None
    run.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p]
    outputs = made.output.size
    memories = [_memory(_scratch_at(emitted) + emitted.scratch) for _ in range(threads)]
    ready = [(ctypes.c_void_p(memory.ctypes.data), memory) for memory in memories]
    pool = ThreadPoolExecutor(threads) if threads > 1 else None
    softmax = made.graph.softmax

    def part(inputs: NDArray[np.float32], answers: NDArray[np.float32], worker: int) -> None:
        run(inputs.ctypes.data, answers.ctypes.data, len(inputs), ready[worker][0])

    def predict(inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        assert inputs.dtype == np.float32, inputs.dtype
        inputs = np.ascontiguousarray(inputs)
        answers = np.empty((len(inputs), outputs), np.float32)
        if pool is None or len(inputs) < 2:
            part(inputs, answers, 0)
        else:
            ends = [len(inputs) * worker // threads for worker in range(threads + 1)]
            jobs = [
                pool.submit(part, inputs[begin:end], answers[begin:end], worker)
                for worker, (begin, end) in enumerate(zip(ends, ends[1:], strict=False))
            ]
            for job in jobs:
                job.result()
        return _softmax(answers) if softmax else answers

    return predict


def _softmax(values: NDArray[np.float32]) -> NDArray[np.float32]:
    powers = np.exp(values - values.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float32)


def _convert(emitted: Emitted) -> str:
    place = emitted.plan.input
    channels = place.shape[0] if len(place.shape) == 3 else 1
    head = (
        f"#define CHANNELS {channels}\n#define PIXELS {place.size // channels}\n"
        f"#define SCRATCH_AT {_scratch_at(emitted)}\n"
    )
    return head + kernel("convert")


def _scratch_at(emitted: Emitted) -> int:
    return -(-emitted.plan.input.size // _ALIGNMENT) * _ALIGNMENT


def _memory(size: int) -> NDArray[np.uint8]:
    """Aligned as wide registers like it; the C code needs no alignment."""
    whole = np.zeros(size + _ALIGNMENT, np.uint8)
    return whole[-whole.ctypes.data % _ALIGNMENT :]
