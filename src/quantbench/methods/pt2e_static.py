"""torchao's static quantization of an exported graph (PT2E), as Inductor's int8 kernels want it.

Each layer's inputs are observed on calibration samples. The graph is written for torch.compile
as a .pt2 file, and as ONNX with quantizing and dequantizing nodes (QDQ) for other runtimes.
"""

from __future__ import annotations

from quantbench.contracts import Files, QuantizeJob
from quantbench.export import pt2e
from quantbench.export.calibration import CalibrationSettings, calibration_batches, refuse_nonfinite
from quantbench.export.needs import torchao as unavailable  # noqa: F401 - the contract's
from quantbench.export.pt2e import PT2ESettings

FORMATS = pt2e.FORMATS
QUANTIZES = ("Conv1d", "Conv2d", "Linear")
LIBRARIES = pt2e.LIBRARIES


class PT2EStaticSettings(PT2ESettings, CalibrationSettings):
    """The settings of static quantization by PT2E: the samples, and the range of activations."""


SETTINGS = PT2EStaticSettings


def quantize(job: QuantizeJob[PT2EStaticSettings]) -> Files:
    model = job.network.module()
    batches = calibration_batches(job)
    refuse_nonfinite(model, batches)
    graph = pt2e.prepared(model, job.network, job.settings, train=False)
    pt2e.require_eval(graph, "preparation")
    pt2e.calibrate(graph, batches, job.progress)
    notes = (f"calibrated on {batches.samples} samples, observer histogram",)
    return pt2e.written(pt2e.converted(graph), job, notes)
