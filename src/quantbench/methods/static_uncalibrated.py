"""The source report's static quantization: prepare, then convert, with no calibration between.

No image passes the observers, so every activation gets scale 1 and zero point 0. The method is for
comparison, not for use.
"""

from __future__ import annotations

from torch import nn
from torch.ao.quantization import get_default_qconfig, prepare

from quantbench.artifacts.state_file import STATE, write_state
from quantbench.contracts import Files, QuantizeJob, Skeleton
from quantbench.export.eager import converted, passed_over, set_qconfig, wrapped
from quantbench.export.engine import EagerSettings, using_engine
from quantbench.system.silence import silenced

FORMATS = ("state_dict",)
LIBRARIES = ("torch",)
SETTINGS = EagerSettings


def quantize(job: QuantizeJob[EagerSettings]) -> Files:
    write_state(job.folder / STATE, skeleton(job.network(), job.settings).module.state_dict())
    return Files(
        notes=("not calibrated: every activation is rounded to a whole number from 0 to 255",),
        why_float=passed_over,
    )


def skeleton(float_model: nn.Module, settings: EagerSettings) -> Skeleton:
    with silenced(), using_engine(settings.engine):
        module = wrapped(float_model, fuse=False)
        set_qconfig(module, get_default_qconfig(settings.engine))
        return converted(prepare(module))
