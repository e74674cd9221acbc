"""PyTorch's static quantization as it is meant to be used: fused, calibrated, per channel.

Every layer's output range is observed on calibration samples, so activations stay integers
from the first layer to the last.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial
from typing import Literal, cast

import torch
from torch import nn
from torch.ao.nn.quantizable import MultiheadAttention
from torch.ao.quantization import (
    HistogramObserver,
    MinMaxObserver,
    MovingAverageMinMaxObserver,
    PerChannelMinMaxObserver,
    QConfig,
    prepare,
)

from quantbench.artifacts.state_file import STATE, write_state
from quantbench.contracts import Files, QuantizeJob, Skeleton
from quantbench.errors import CalibrationError
from quantbench.export.calibration import (
    Batches,
    CalibrationSettings,
    calibration_batches,
    first_batch,
    refuse_output,
)
from quantbench.export.eager import (
    Scope,
    converted,
    float_name,
    passed_over,
    scope_of,
    scope_that_works,
    set_qconfig,
    wrapped,
)
from quantbench.export.engine import SEVEN_BIT, EagerSettings, using_engine
from quantbench.export.leave_float import LeaveFloatSettings, modules_left_by
from quantbench.export.rebuild import written_module
from quantbench.system.progress import NO_PROGRESS, Progress
from quantbench.system.silence import silenced
from quantbench.tasks.layers import CONVOLUTIONS
from quantbench.tasks.network_layers import network_layers

FORMATS = ("state_dict",)
QUANTIZES = ("Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "Linear", "LSTM")
LIBRARIES = ("torch",)
_OBSERVERS = {
    "minmax": MinMaxObserver,
    "moving_average": MovingAverageMinMaxObserver,
    "histogram": HistogramObserver,
}


class StaticSettings(EagerSettings, LeaveFloatSettings, CalibrationSettings):
    """The settings of eager static quantization; `observer` finds the ranges of activations."""

    observer: Literal["minmax", "moving_average", "histogram"] = "histogram"


SETTINGS = StaticSettings


def quantize(job: QuantizeJob[StaticSettings]) -> Files:
    settings, batches, few = job.settings, calibration_batches(job), first_batch(job)

    module = written_module(job)
    if settings.leave_float:
        modules_left_by(settings.leave_float, network_layers(job.network))

    def calibrated(scope: Scope, batches: Batches, progress: Progress) -> nn.Module:
        prepared = _prepared(module, settings, scope)
        _calibrate(prepared, batches, progress)
        return converted(prepared).module

    with silenced(), using_engine(settings.engine):
        scope, notes = scope_that_works(partial(calibrated, batches=few, progress=NO_PROGRESS), few)
        quantized = calibrated(scope, batches, job.progress)
        write_state(job.folder / STATE, quantized.state_dict())
    return Files(
        notes=(
            f"calibrated on {batches.samples} samples, observer {settings.observer}",
            *notes,
        ),
        why_float=passed_over,
    )


def skeleton(float_model: nn.Module, settings: StaticSettings, stored: Collection[str]) -> Skeleton:
    with silenced(), using_engine(settings.engine):
        return converted(_prepared(float_model, settings, scope_of(stored)))


def _prepared(model: nn.Module, settings: StaticSettings, scope: Scope) -> nn.Module:
    most = 127 if settings.engine in SEVEN_BIT else 255
    left = settings.leave_float
    module = wrapped(model, fuse=True, scope=scope, leave_float=left)
    set_qconfig(
        module,
        QConfig(
            activation=partial(
                _OBSERVERS[settings.observer], dtype=torch.quint8, quant_min=0, quant_max=most
            ),
            weight=partial(
                PerChannelMinMaxObserver, dtype=torch.qint8, qscheme=torch.per_channel_symmetric
            ),
        ),
        scope,
        left,
    )
    return cast(nn.Module, prepare(module))


def _calibrate(prepared: nn.Module, batches: Batches, progress: Progress) -> None:
    """Run the network on the batches, so that its observers see every range.

    Raises CalibrationError at a value that isn't finite, or an observer that saw none.
    """
    modules = dict(prepared.named_modules())
    hooks = [
        module.register_forward_hook(partial(refuse_output, float_name(name, prepared)))
        for name, module in modules.items()
        if isinstance(module, (*CONVOLUTIONS, nn.Linear))
    ]
    with torch.inference_mode():
        for inputs in progress.each(batches.tensors(), "calibrating", len(batches)):
            prepared(*inputs)
    for hook in hooks:
        hook.remove()
    for name, module in modules.items():
        if not isinstance(module, HistogramObserver | MinMaxObserver):
            continue
        if module.min_val.isinf().any() and not _scales_queries(name, modules):
            raise CalibrationError(f"'{name}' saw no calibration data: no sample reached it")


def _scales_queries(observer: str, modules: Mapping[str, nn.Module]) -> bool:
    """Whether an observer is that of attention's scaled queries, which PyTorch never lets see one.

    They are multiplied by a number, for which no scale has to be observed.
    """
    attention, _, inner = observer.partition(".q_scaling_product.")
    return bool(inner) and isinstance(modules[attention], MultiheadAttention)
