"""ONNX Runtime's dynamic quantization, convolutions included (ConvInteger).

Weights are 8-bit integers; activations are quantized at the input of each layer, with a scale
computed from the current batch, and the layer's sums are converted back to float32.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, Literal

from onnxruntime.quantization import QuantType, quantize_dynamic
from pydantic import Field

from quantbench.contracts import Files, QuantizeJob
from quantbench.export.calibration import first_batch
from quantbench.export.ort_quantizer import (
    finished,
    float_onnx,
    require_finite,
    saturates_here,
)
from quantbench.export.refusal import refusing
from quantbench.system.record import Settings
from quantbench.system.silence import silenced

FORMATS = ("onnx",)
QUANTIZES = ("Conv1d", "Conv2d", "Conv3d", "Linear", "Conv", "Gemm", "MatMul")
TAKES_ONNX = True
LIBRARIES = ("torch", "onnx", "onnxscript", "onnxruntime")
_TYPES = {"uint8": QuantType.QUInt8, "int8": QuantType.QInt8}


def _reduced(data: dict[str, Any]) -> bool:
    return saturates_here(data["weights"])


class DynamicSettings(Settings):
    """The settings of ONNX Runtime's dynamic quantization.

    `per_channel` affects fully connected layers only, as ConvInteger takes a single scale.
    """

    weights: Literal["uint8", "int8"] = "uint8"
    per_channel: bool = True
    reduce_range: bool = Field(default_factory=_reduced, description="weights of 7 bits")


SETTINGS = DynamicSettings


def quantize(job: QuantizeJob[DynamicSettings]) -> Files:
    with tempfile.TemporaryDirectory(dir=job.folder) as scratch:
        source, written = Path(scratch) / "float.onnx", Path(scratch) / "quantized.onnx"
        float_onnx(job.network, source)
        require_finite(job.network, source, first_batch(job))
        with silenced(), refusing("ONNX Runtime can't quantize the network"):
            quantize_dynamic(
                source,
                written,
                op_types_to_quantize=["Conv", "MatMul", "Gemm"],
                weight_type=_TYPES[job.settings.weights],
                per_channel=job.settings.per_channel,
                reduce_range=job.settings.reduce_range,
            )
        return finished(job, written)
