"""ExecuTorch's static quantization: torchao's PT2E with the quantizer for XNNPACK.

Each layer's inputs and output are observed on calibration samples, the logits too. XNNPACK
multiplies int8 with int8 and adds in 32 bits on every CPU, so no range is ever reduced.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import cast

from quantbench.contracts import Files, QuantizeJob
from quantbench.export import pt2e, to_executorch
from quantbench.export.calibration import CalibrationSettings, calibration_batches
from quantbench.export.leave_float import LeaveFloatSettings
from quantbench.export.needs import xnnpack as unavailable  # noqa: F401 - the contract's
from quantbench.export.pt2e_graph import layer_of
from quantbench.system.silence import silenced

FORMATS = ("executorch",)
QUANTIZES = ("Conv1d", "Conv2d", "ConvTranspose1d", "Linear")
LIBRARIES = ("torch", "torchao", "executorch")
_NOT_TAKEN = "XNNPACK doesn't take it: a portable kernel runs it in float32"


class XnnpackSettings(LeaveFloatSettings, CalibrationSettings):
    """The settings of static quantization for XNNPACK; `per_channel`: scales of weights."""

    per_channel: bool = True


SETTINGS = XnnpackSettings


def quantize(job: QuantizeJob[XnnpackSettings]) -> Files:
    network = job.network
    left = pt2e.left_modules(network, job.settings)
    quantizer = _quantizer(job.settings, left)
    graph = pt2e.observed(network.module(), network, quantizer, train=False)
    pt2e.require_eval(graph, "preparation")
    batches = calibration_batches(job)
    pt2e.calibrate(graph, batches, job.progress)
    converted = pt2e.converted(graph)
    outside = to_executorch.lower(converted, network, job.folder / to_executorch.MODEL)
    return Files(
        notes=(f"calibrated on {batches.samples} samples", *to_executorch.note(outside)),
        why_float=_why_float,
        left_float=dict.fromkeys(outside.values(), _NOT_TAKEN),
        graph=converted,
    )


def _why_float(kind: str) -> str:
    return "XNNPACKQuantizer passes it over"


def _quantizer(settings: XnnpackSettings, left: Collection[str]) -> object:
    """The quantizer, which passes the modules `left` over."""
    with silenced():
        from executorch.backends.xnnpack.quantizer.xnnpack_quantizer import (
            XNNPACKQuantizer,
            get_symmetric_quantization_config,
        )

        config = get_symmetric_quantization_config(is_per_channel=settings.per_channel)
        quantizer = XNNPACKQuantizer().set_global(config)
        quantizer.set_filter_function(lambda node: layer_of(node) not in left)
    return cast(object, quantizer)
