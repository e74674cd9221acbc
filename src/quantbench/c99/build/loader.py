"""A built network, called with float32: the source of its conversions, and its calls."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.build.calling import Calls, Sizes, batch, caller, memory, opened, up
from quantbench.c99.build.library import library
from quantbench.c99.build.several import several
from quantbench.c99.emit.instances import kernel
from quantbench.c99.emit.library import Emitted
from quantbench.c99.golden import GOLDEN_FILES
from quantbench.c99.ir.graph import Place, ends
from quantbench.c99.ir.probabilities import answers
from quantbench.contracts import Predict
from quantbench.errors import UnavailableError
from quantbench.numerics.reciprocal import reciprocal

_BRIEF = 1_000_000
"""Multiply-adds of an image that take some microseconds, for which Python's lock is kept."""


def loaded(emitted: Emitted, threads: int) -> Predict:
    """The network as a function float32 [N, *shape] -> float32 [N, *shape], in ONNX's order.

    One of several inputs takes an array for each; one of several outputs gives a tuple.

    It takes one call at a time. Raises UnavailableError, CompileError or StorageError.
    """
    if emitted.plan.graph.several:
        return several(emitted, threads)
    return _predict(emitted, _calls(emitted), threads)


def _predict(emitted: Emitted, calls: Calls, threads: int) -> Predict:
    predict, graph = caller(calls, sizes_of(emitted), threads), emitted.plan.graph
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
        self._sizes = sizes_of(emitted)
        self._run = _calls(emitted).batch
        self._memory = memory(self._sizes.call)

    def bind(self, inputs: NDArray[np.float32], answers: NDArray[np.float32]) -> Callable[[], None]:
        """The call that reads `inputs` [N, *shape] and writes `answers` [N, *shape].

        Both arrays must be contiguous. Raises ValueError for another shape or layout.
        """
        shapes = (self._sizes.input, self._sizes.output)
        wanted = tuple((len(inputs), *shape) for shape in shapes)
        if (inputs.shape, answers.shape) != wanted:
            raise ValueError(f"arrays are {inputs.shape} and {answers.shape}, not {wanted}")
        if not (inputs.flags.c_contiguous and answers.flags.c_contiguous):
            raise ValueError("arrays must be contiguous")
        call = batch(inputs, answers, self._memory)
        kept = (ctypes.c_void_p(ctypes.addressof(call)), call, inputs, answers)
        return lambda: self._run(kept[0])


def _calls(emitted: Emitted, *, counters: bool = False) -> Calls:
    """The functions of the library, once its golden vectors have passed in this process."""
    with library(sources(emitted, counters=counters)) as path:
        return opened(path, sizes_of(emitted))


def sources(emitted: Emitted, *, counters: bool = False) -> dict[str, str | bytes]:
    """The network's files, those of the same network for several samples at once, and convert.c."""
    convert = _convert(emitted)
    if counters:
        renames = (f"#define model_{call} uncounted_{call}\n" for call in ("batch", "image"))
        convert = "".join(renames) + convert + kernel("counted_convert")
    more: dict[str, str | bytes] = {}
    if emitted.together is not None:
        checks = (*GOLDEN_FILES, "main.c")
        together = emitted.together.all_files
        more = {name: each for name, each in together.items() if name not in checks}
    if emitted.parts is not None:
        more |= emitted.parts.all_files
    return {**emitted.all_files, **more, "convert.c": convert}


def sizes_of(emitted: Emitted) -> Sizes:
    """The shapes and the bytes that a call of the built network needs to know."""
    plan = emitted.plan
    return Sizes(
        input=plan.input.shape,
        output=plan.output.shape,
        scratch=_scratch(emitted),
        call=_output_at(emitted) + emitted.samples * plan.output.bytes,
        parts=emitted.parts.count if emitted.parts else 1,
        brief=sum(map(plan.macs, plan.steps)) < _BRIEF,
    )


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
    text = head + kernel(f"{folder}convert") + kernel(f"{folder}golden_check")
    if emitted.parts is None:
        return text
    return "#define _POSIX_C_SOURCE 200809L\n" + text + kernel("threads")


def _image(end: str, place: Place) -> dict[str, int | str]:
    """The shape as [C, H, W]; a vector is one channel."""
    channels = place.shape[0] if len(place.shape) > 1 else 1
    return {f"{end}CHANNELS": channels, f"{end}PIXELS": place.size // channels}


def _scratch_at(emitted: Emitted) -> int:
    return up(emitted.samples * emitted.plan.input.bytes)


def _output_at(emitted: Emitted) -> int:
    return _scratch_at(emitted) + up(_scratch(emitted))


def _scratch(emitted: Emitted) -> int:
    more = (emitted.together, emitted.parts)
    return max(emitted.scratch, *(other.scratch if other else 0 for other in more))
