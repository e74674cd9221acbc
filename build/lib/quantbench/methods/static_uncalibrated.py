"""The source report's static quantization: prepare, then convert, with no calibration between.

No sample passes the observers, so every activation gets scale 1 and zero point 0. The method is for
comparison, not for use.
"""

from __future__ import annotations

from collections.abc import Collection

from torch import nn
from torch.ao.quantization import get_default_qconfig, prepare

from quantbench.artifacts.state_file import STATE, write_state
from quantbench.contracts import Files, QuantizeJob, Skeleton
from quantbench.export.calibration import first_batch
from quantbench.export.eager import (
    Scope,
    converted,
    passed_over,
    scope_of,
    scope_that_works,
    set_qconfig,
    wrapped,
)
from quantbench.export.engine import EagerSettings, using_engine
from quantbench.export.rebuild import written_module
from quantbench.system.silence import silenced

FORMATS = ("state_dict",)
QUANTIZES = ("Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "Linear", "LSTM")
LIBRARIES = ("torch",)
SETTINGS = EagerSettings


def quantize(job: QuantizeJob[EagerSettings]) -> Files:
    module = written_module(job)

    def quantized(scope: Scope) -> nn.Module:
        return _converted(module, job.settings, scope).module

    with silenced(), using_engine(job.settings.engine):
        scope, notes = scope_that_works(quantized, first_batch(job))
    write_state(job.folder / STATE, quantized(scope).state_dict())
    return Files(
        notes=(
            "not calibrated: every activation is rounded to a whole number from 0 to 255",
            *notes,
        ),
        why_float=passed_over,
    )


def skeleton(float_model: nn.Module, settings: EagerSettings, stored: Collection[str]) -> Skeleton:
    return _converted(float_model, settings, scope_of(stored))


def _converted(float_model: nn.Module, settings: EagerSettings, scope: Scope) -> Skeleton:
    with silenced(), using_engine(settings.engine):
        module = wrapped(float_model, fuse=False, scope=scope)
        set_qconfig(module, get_default_qconfig(settings.engine), scope)
        return converted(prepare(module))
