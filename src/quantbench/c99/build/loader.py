"""A built network, called with float32: conversion, threads, and pointers kept ready."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.build.library import library
from quantbench.c99.build.several import several
from quantbench.c99.emit.kernels import kernel
from quantbench.c99.emit.library import Emitted
from quantbench.c99.ir.graph import Place, ends
from quantbench.c99.ir.probabilities import answers
from quantbench.contracts import Predict
from quantbench.errors import CompileError, UnavailableError
from quantbench.numerics.reciprocal import reciprocal

_ALIGNMENT = 64
Array = NDArray[np.float32] | NDArray[np.uint8]


def loaded(emitted: Emitted, threads: int) -> Predict:
    """The network as a function float32 [N, *shape] -> float32 [N, *shape], in ONNX's order.

    One of several inputs takes an array for each; one of several outputs gives a tuple.

    It takes one call at a time. Raises UnavailableError, CompileError or StorageError.
    """
    if emitted.plan.graph.several:
        return several(emitted, threads)
    return _predict(emitted, _calls(emitted), threads)


def _predict(emitted: Emitted, calls: _Calls, threads: int) -> Predict:
    plan, size = emitted.plan, _call_bytes(emitted)
    many = _many(calls.batch, plan.output.shape, size, threads)
    predict = _with_one(calls.image, plan.input.shape, plan.output.shape, size, many)
    graph = plan.graph
    return (lambda inputs: answers(predict(inputs), graph)) if graph.final else predict


@dataclass(frozen=True)
class Counted:
    """A built network that times its layers: emitted with `Options.counters`, on one thread."""

    predict: Predict
    ticks: Callable[[], tuple[int, ...]]
    """The ticks of each layer since it was loaded, and behind them those of the conversions."""
    now: Callable[[], int]
    """The clock that they are counted by."""


def counted(emitted: Emitted) -> Counted:
    """The network with the counters of its layers.

    Raises like `loaded`, and UnavailableError for several inputs or outputs.
    """
    if emitted.plan.graph.several:
        raise UnavailableError("layers are timed in networks of one input and one output")
    calls = _calls(emitted, counters=True)
    ticks = (ctypes.c_uint64 * (len(emitted.codes) + 1)).in_dll(calls.library, "model_ticks")
    now = calls.library.model_now
    now.restype = ctypes.c_uint64
    return Counted(_predict(emitted, calls, threads=1), lambda: tuple(ticks), now)


class Bound:
    """A built network with input and output arrays bound in advance, as a C program would call it.

    Raises like `loaded`.
    """

    def __init__(self, emitted: Emitted) -> None:
        self._plan = emitted.plan
        self._run = _calls(emitted).batch
        self._memory = _memory(_call_bytes(emitted))

    def bind(self, inputs: NDArray[np.float32], answers: NDArray[np.float32]) -> Callable[[], None]:
        """The call that reads `inputs` [N, *shape] and writes `answers` [N, *shape].

        Both arrays must be contiguous. Raises ValueError for another shape or layout.
        """
        shapes = (self._plan.input.shape, self._plan.output.shape)
        wanted = tuple((len(inputs), *shape) for shape in shapes)
        if (inputs.shape, answers.shape) != wanted:
            raise ValueError(f"arrays are {inputs.shape} and {answers.shape}, not {wanted}")
        if not (inputs.flags.c_contiguous and answers.flags.c_contiguous):
            raise ValueError("arrays must be contiguous")
        batch = _batch(inputs, answers, self._memory)
        kept = (ctypes.c_void_p(ctypes.addressof(batch)), batch, inputs, answers)
        return lambda: self._run(kept[0])


@dataclass(frozen=True)
class _Calls:
    """Functions of convert.c. `image` keeps Python's lock: it takes microseconds."""

    image: Callable[[object, object], None]
    batch: Callable[[object], None]
    library: ctypes.CDLL


def _calls(emitted: Emitted, *, counters: bool = False) -> _Calls:
    """The functions of the library, once its golden vectors have passed in this process."""
    convert = _convert(emitted)
    if counters:
        renames = (f"#define model_{call} uncounted_{call}\n" for call in ("batch", "image"))
        convert = "".join(renames) + convert + kernel("counted_convert")
    with library({**_sources(emitted), "convert.c": convert}) as path:
        keeping, freeing = ctypes.PyDLL(str(path)), ctypes.CDLL(str(path))
    keeping.model_image.restype = freeing.model_batch.restype = None
    freeing.model_golden.restype = ctypes.c_size_t
    scratch = _memory(_scratch(emitted))
    if vector := freeing.model_golden(ctypes.c_void_p(scratch.ctypes.data)):
        raise CompileError(
            f"the compiled network fails golden vector {vector} as it is loaded, which it passed "
            f"as it was built; remove {path.parent} and run again"
        )
    return _Calls(keeping.model_image, freeing.model_batch, freeing)


class _Batch(ctypes.Structure):
    """The structure `batch` of convert.c: one pointer takes less time to pass than its fields."""

    _fields_ = (
        ("images", ctypes.c_void_p),
        ("answers", ctypes.c_void_p),
        ("count", ctypes.c_size_t),
        ("memory", ctypes.c_void_p),
    )


def _batch(images: Array, answers: Array, memory: Array) -> _Batch:
    addresses = (array.ctypes.data for array in (images, answers, memory))
    first, second, third = addresses
    return _Batch(first, second, len(images), third)


def _with_one(
    run: Callable[[object, object], None],
    shape: tuple[int, ...],
    outputs: tuple[int, ...],
    size: int,
    many: Predict,
) -> Predict:
    """A function that passes one image as a copy: looking up an array's address takes longer."""
    image, answer = np.zeros((1, *shape), np.float32), np.zeros((1, *outputs), np.float32)
    memory = _memory(size)
    batch = _batch(image, answer, memory)
    kept = (ctypes.c_void_p(ctypes.addressof(batch)), batch, memory)
    image_bytes = image.nbytes

    def predict(inputs: NDArray[np.float32]) -> Any:
        if inputs.nbytes == image_bytes:
            run(inputs.tobytes(), kept[0])
            return answer.copy()
        if inputs.shape[1:] != shape:
            raise ValueError(f"inputs are {list(inputs.shape[1:])}, not {list(shape)}")
        return many(inputs)

    return predict


def _many(
    run: Callable[[object], None], outputs: tuple[int, ...], size: int, threads: int
) -> Predict:
    """A function that gives each thread a part of the batch; C code doesn't hold Python's lock."""
    memories = [_memory(size) for _ in range(threads)]
    pool = ThreadPoolExecutor(threads) if threads > 1 else None

    def part(inputs: NDArray[np.float32], answers: NDArray[np.float32], worker: int) -> None:
        run(ctypes.byref(_batch(inputs, answers, memories[worker])))

    def predict(inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        inputs = np.ascontiguousarray(inputs, np.float32)
        answers = np.empty((len(inputs), *outputs), np.float32)
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


def _sources(emitted: Emitted) -> dict[str, str]:
    """The network's files, and those of the same network for several samples at once."""
    if emitted.together is None:
        return emitted.files
    name = emitted.together.name
    more = {file: emitted.together.files[file] for file in (f"{name}.h", f"{name}.c")}
    return {**emitted.files, **more}


def _convert(emitted: Emitted) -> str:
    """The text of convert.c; its head says what the ends are in float32, and where they lie."""
    plan = emitted.plan
    input_, output = ends(plan.graph)
    scales = ", ".join(f"{float(np.float32(scale))!r}" for scale in output.scale)
    numbers = {
        **_image("", plan.input),
        **_image("OUT_", plan.output),
        "SAMPLES": emitted.samples,
        "SCRATCH_AT": _scratch_at(emitted),
        "OUTPUT_AT": _output_at(emitted),
    }
    if plan.input.type != "float32":
        numbers |= {
            "SCALE": repr(float(np.float32(input_.scale[0]))),
            "ZERO": input_.zero_point,
            "OUT_SCALES": f"{{{scales}}}",
            "OUT_SCALE_COUNT": len(output.scale),
            "OUT_ZERO": output.zero_point,
        }
        factor = reciprocal(float(np.float32(input_.scale[0])), input_.zero_point)
        if factor is not None:
            numbers["RECIPROCAL"] = repr(factor)
    head = "".join(f"#define {name} {value}\n" for name, value in numbers.items())
    folder = "float32/" if plan.input.type == "float32" else ""
    return head + kernel(f"{folder}convert") + kernel(f"{folder}golden_check")


def _image(end: str, place: Place) -> dict[str, int | str]:
    """The shape as [C, H, W]; a vector is one channel."""
    channels = place.shape[0] if len(place.shape) > 1 else 1
    return {f"{end}CHANNELS": channels, f"{end}PIXELS": place.size // channels}


def _scratch_at(emitted: Emitted) -> int:
    return _up(emitted.samples * emitted.plan.input.bytes)


def _output_at(emitted: Emitted) -> int:
    return _scratch_at(emitted) + _up(_scratch(emitted))


def _scratch(emitted: Emitted) -> int:
    return max(emitted.scratch, emitted.together.scratch if emitted.together else 0)


def _call_bytes(emitted: Emitted) -> int:
    """Bytes of the memory of a call: the integers of its images, the scratch and the outputs."""
    return _output_at(emitted) + emitted.samples * emitted.plan.output.bytes


def _up(size: int) -> int:
    return -(-size // _ALIGNMENT) * _ALIGNMENT


def _memory(size: int) -> NDArray[np.uint8]:
    """A buffer of `size` bytes, aligned to 64; the C code works with any alignment."""
    whole = np.zeros(size + _ALIGNMENT, np.uint8)
    begin = -whole.ctypes.data % _ALIGNMENT
    return whole[begin : begin + size]
