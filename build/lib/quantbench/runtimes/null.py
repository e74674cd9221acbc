"""A runtime of fixed outputs, delays and faults, with which the harness is tested.

No method writes its format; tests and benchmarks do, with `save_null`.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, JsonValue, ValidationError

from quantbench.artifacts.artifact import KIND, Artifact
from quantbench.artifacts.records import ArtifactBody
from quantbench.contracts import Predict
from quantbench.errors import ArtifactError
from quantbench.numerics.coverage import LayerNumerics, Quantized
from quantbench.numerics.formats import NumberFormat
from quantbench.samples.records import Array
from quantbench.system.record import Record
from quantbench.system.store import path_for, save

ACCEPTS = frozenset({"null"})
LIBRARIES = ("quantbench",)
DEFAULT = False
FILE = "null.json"
CLASSES = 10

Fault = Literal["crash", "killed", "hang", "raise", "nan", "infinity", "shape", "rows", "dtype"]


class Null(Record):
    """The behaviour of the runtime: how long each call takes, and at which call it fails."""

    call_us: float = Field(default=0.0, ge=0, description="microseconds a call takes at least")
    image_us: float = Field(default=0.0, ge=0, description="microseconds more for each image")
    fault: Fault | None = None
    after: int = Field(default=0, ge=0, description="calls that go well first")


def load(artifact: Artifact, threads: int) -> Predict:
    """Load a runtime that answers class 0 to every image.

    Raises ArtifactError for a file that isn't a null artifact's.
    """
    path = artifact.folder / FILE
    try:
        null = Null.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise ArtifactError(f"{path} isn't what the null runtime reads") from error
    calls = 0

    def predict(*inputs: Array) -> NDArray[np.float32]:
        nonlocal calls
        samples = len(inputs[0])
        until = time.perf_counter_ns() + 1e3 * (null.call_us + null.image_us * samples)
        logits = np.zeros((samples, CLASSES), np.float32)
        logits[:, 0] = 1
        calls += 1
        if null.fault is not None and calls > null.after:
            return _FAULTS[null.fault](logits)
        while time.perf_counter_ns() < until:  # sleeping would overshoot by 50 us
            pass
        return logits

    return predict


def save_null(parent: Path, method: str, null: Null) -> Artifact:
    """Store a null artifact in `parent`, as if `method` had written it."""
    layer = LayerNumerics.in_float32("null", "Null", 1, "it holds no numbers")
    if method != "float32":
        int8 = NumberFormat(bits=8)
        layer = LayerNumerics(
            name="null", kind="Null", macs=1, integer=True, weights=(int8,), activations=(int8,)
        )

    def fill(folder: Path) -> ArtifactBody:
        (folder / FILE).write_text(null.model_dump_json(), encoding="utf-8")
        return ArtifactBody(
            model="null",
            data="null",
            method=method,
            format="null",
            settings={},
            network_sha256="",
            quantized=Quantized(
                layers=(layer,),
                structure="",
                kind="real" if layer.integer else "float",
            ),
        )

    inputs: dict[str, JsonValue] = {"method": method, "null": null.model_dump(mode="json")}
    return save(path_for(parent, f"{method}-null", inputs), KIND, inputs, fill)


def _crash(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    os.kill(os.getpid(), signal.SIGSEGV)
    return _hang(logits)  # until the signal arrives


def _killed(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Die as when Linux ends a process because memory runs out."""
    os.kill(os.getpid(), signal.SIGKILL)
    return _hang(logits)


def _hang(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    while True:
        time.sleep(3600)


def _raise(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    raise RuntimeError("the null runtime was told to fail")


def _last(value: float) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    def spoilt(logits: NDArray[np.float32]) -> NDArray[np.float32]:
        logits[-1, -1] = value
        return logits

    return spoilt


_FAULTS: dict[str, Callable[[NDArray[np.float32]], NDArray[np.float32]]] = {
    "crash": _crash,
    "killed": _killed,
    "hang": _hang,
    "raise": _raise,
    "nan": _last(float("nan")),
    "infinity": _last(float("inf")),
    "shape": lambda logits: logits[:, :-1],
    "rows": lambda logits: logits[:-1],
    "dtype": lambda logits: logits.astype(np.float64),
}
