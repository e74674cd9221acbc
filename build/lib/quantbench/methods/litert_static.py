"""LiteRT's static quantization (AI Edge Quantizer) of a float TensorFlow Lite file."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

import numpy as np

from quantbench.artifacts.tflite_file import MODEL, checked, reference_interpreter
from quantbench.contracts import Files, QuantizeJob
from quantbench.errors import CalibrationError, UnavailableError
from quantbench.export.calibration import Batches, CalibrationSettings, calibration_batches
from quantbench.export.needs import litert_quantizer as unavailable  # noqa: F401 - the contract's
from quantbench.export.refusal import refusing
from quantbench.export.to_tflite import given
from quantbench.samples.records import Array
from quantbench.system.progress import Progress
from quantbench.system.silence import silenced, silenced_natively
from quantbench.tasks.tflite_run import inputs_of

FORMATS = ("tflite",)
QUANTIZES = ("CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV", "FULLY_CONNECTED", "BATCH_MATMUL")
LIBRARIES = ("ai-edge-litert", "ai-edge-quantizer")
_AT_ONCE = 50
"""Batches that are held in memory: the quantizer makes a list of all that it is given."""


class LitertSettings(CalibrationSettings):
    """The settings of static quantization for LiteRT.

    `activations`: beside weights of 8 bits, which have a scale for each output channel. `ranges`:
    of what the samples gave; LiteRT's own are averaged over them, which clips. `ends`: the dtype of
    inputs and outputs; microcontrollers and accelerators need them as the activations are.
    """

    activations: Literal["int8", "int16"] = "int8"
    ranges: Literal["widest", "mean"] = "widest"
    ends: Literal["float32", "integer"] = "float32"


SETTINGS = LitertSettings


def quantize(job: QuantizeJob[LitertSettings]) -> Files:
    source = given(job.network)
    key, names = _signature(source)
    batches = calibration_batches(job)
    _require_finite(batches)
    with (
        silenced(),
        silenced_natively(),
        contextlib.redirect_stderr(io.StringIO()),
        refusing("LiteRT's quantizer can't take the network"),
    ):
        model = _quantized(job, checked(source), key, _parts(batches, names, job.progress))
    (job.folder / MODEL).write_bytes(model)
    return Files(
        notes=(f"calibrated on {batches.samples} samples, {job.settings.ranges} ranges",),
        why_float=_why_float,
    )


def _quantized(
    job: QuantizeJob[LitertSettings],
    data: bytes,
    key: str,
    parts: Iterable[list[dict[str, Array]]],
) -> bytes:
    from ai_edge_quantizer import calibrator, qtyping, quantizer, recipe, recipe_manager
    from ai_edge_quantizer.algorithm_manager import AlgorithmName
    from ai_edge_quantizer.utils import qsv_utils

    recipes = {"int8": recipe.static_wi8_ai8, "int16": recipe.static_wi8_ai16}
    updates = {"widest": qsv_utils.min_max_update, "mean": qsv_utils.moving_average_update}
    manager = recipe_manager.RecipeManager()
    manager.load_quantization_recipe(recipes[job.settings.activations]())
    if job.settings.ends == "float32":
        for end in (qtyping.TFLOperationName.INPUT, qtyping.TFLOperationName.OUTPUT):
            manager.add_quantization_config(".*", end, algorithm_key=AlgorithmName.NO_QUANTIZE)
    observer = calibrator.Calibrator(
        data, num_threads=1, qsv_update_func=updates[job.settings.ranges]
    )
    for part in parts:
        observer.calibrate({key: part}, manager)
    work = quantizer.Quantizer(data)
    work.load_quantization_recipe(manager.get_quantization_recipe())
    made = work.quantize(
        observer.get_model_qsvs(), enable_progress_bar=False, enable_progress_report=False
    )
    return bytes(made.quantized_model)


def _why_float(kind: str) -> str:
    return "LiteRT's quantizer passes it over"


def _signature(path: Path) -> tuple[str, tuple[str, ...]]:
    """The key of the only signature, and its names for the inputs in the file's order.

    Raises UnavailableError for a file without signatures, or with several.
    """
    interpreter = reference_interpreter(checked(path), path)
    keys = list(interpreter.get_signature_list())
    if len(keys) != 1:
        raise UnavailableError(
            f"{path.name} has {len(keys)} signatures, and LiteRT's quantizer calibrates by one; "
            "convert the network with a single one"
        )
    details = interpreter.get_signature_runner(keys[0]).get_input_details()
    by_index = {int(detail["index"]): name for name, detail in details.items()}
    return keys[0], tuple(by_index[port.index] for port in inputs_of(interpreter))


def _parts(
    batches: Batches, names: tuple[str, ...], progress: Progress
) -> Iterator[list[dict[str, Array]]]:
    """The calibration batches by the signature's names, a few at a time: all would fill memory."""
    part: list[dict[str, Array]] = []
    for arrays in progress.each(batches, "calibrating", len(batches)):
        part.append(dict(zip(names, arrays, strict=True)))
        if len(part) == _AT_ONCE:
            yield part
            part = []
    if part:
        yield part


def _require_finite(batches: Batches) -> None:
    """Raise CalibrationError where a sample holds NaN or infinity, which would become a range."""
    for arrays in batches:
        if not all(np.isfinite(array).all() for array in arrays if array.dtype.kind == "f"):
            raise CalibrationError("a calibration sample holds a value that isn't finite")
