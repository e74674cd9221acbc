"""PyTorch's static quantization as it is meant to be used: fused, calibrated, per channel.

Every layer's output range is observed on calibration images, so activations stay integers
from the first layer to the last.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Literal, cast

import torch
from torch import Tensor, nn
from torch.ao.quantization import (
    HistogramObserver,
    MinMaxObserver,
    MovingAverageMinMaxObserver,
    PerChannelMinMaxObserver,
    QConfig,
    convert,
    prepare,
)

from quantbench.artifacts.state_file import STATE, write_state
from quantbench.errors import CalibrationError
from quantbench.export.calibration import (
    BATCH,
    CalibrationSettings,
    calibration_inputs,
    refuse_output,
)
from quantbench.export.eager import (
    SEVEN_BIT,
    EagerSettings,
    layer_numerics,
    passed_over,
    set_qconfig,
    silenced,
    using_engine,
    wrapped,
)
from quantbench.numerics.coverage import Quantized
from quantbench.system.progress import Progress
from quantbench.tasks.layers import CONVOLUTIONS
from quantbench.tasks.task import Task
from quantbench.training.checkpoint import Checkpoint, float_model

FORMATS = ("torch",)
LIBRARIES = ("torch",)
_OBSERVERS = {
    "minmax": MinMaxObserver,
    "moving_average": MovingAverageMinMaxObserver,
    "histogram": HistogramObserver,
}


class StaticSettings(EagerSettings, CalibrationSettings):
    observer: Literal["minmax", "moving_average", "histogram"] = "histogram"


SETTINGS = StaticSettings


def unavailable() -> str | None:
    return None


def quantize(
    task: Task,
    checkpoint: Checkpoint,
    settings: StaticSettings,
    format: str,
    folder: Path,
    progress: Progress,
) -> Quantized:
    model = float_model(task, checkpoint)
    with silenced(), using_engine(settings.engine):
        prepared = _prepared(model, settings)
        inputs = torch.from_numpy(calibration_inputs(task, settings))
        _calibrate(prepared, inputs, progress)
        converted = convert(prepared)
        write_state(folder / STATE, converted.state_dict())
        structure = str(converted)
    bits = "7 of 8 bits" if settings.engine in SEVEN_BIT else "8 bits"
    return Quantized(
        numerics=f"weights int8 per channel, activations uint8 ({bits})",
        structure=structure,
        layers=layer_numerics(
            model,
            converted,
            task.input_shape,
            prefix="module.",
            weights="int8 per channel",
            activations=f"uint8 ({bits})",
            why_float=passed_over,
        ),
        notes=(f"calibrated on {len(inputs)} images, observer {settings.observer}",),
    )


def skeleton(float_model: nn.Module, settings: StaticSettings) -> nn.Module:
    with silenced(), using_engine(settings.engine):
        return cast(nn.Module, convert(_prepared(float_model, settings)))


def _prepared(model: nn.Module, settings: StaticSettings) -> nn.Module:
    most = 127 if settings.engine in SEVEN_BIT else 255
    module = wrapped(model, fuse=True)
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
    )
    return cast(nn.Module, prepare(module))


def _calibrate(prepared: nn.Module, inputs: Tensor, progress: Progress) -> None:
    """Raises CalibrationError at a value that isn't finite, or an observer that saw none."""
    modules = dict(prepared.named_modules())
    hooks = [
        module.register_forward_hook(partial(refuse_output, _float_name(name, modules)))
        for name, module in modules.items()
        if isinstance(module, (*CONVOLUTIONS, nn.Linear))
    ]
    batches = inputs.split(BATCH)
    with torch.inference_mode():
        for batch in progress.each(batches, "calibrating", len(batches)):
            prepared(batch)
    for hook in hooks:
        hook.remove()
    for name, module in modules.items():
        if not isinstance(module, HistogramObserver | MinMaxObserver):
            continue
        if module.min_val.isinf().any():
            raise CalibrationError(f"'{name}' saw no calibration data: no image reached it")


def _float_name(name: str, modules: dict[str, nn.Module]) -> str:
    """A layer's name in the float network: fusing puts it into one of its own name, as "0"."""
    parent = name.rpartition(".")[0]
    fused = type(modules[parent]).__module__.startswith("torch.ao.nn.intrinsic")
    return (parent if fused else name).removeprefix("module.")
