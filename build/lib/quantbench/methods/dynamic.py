"""PyTorch's dynamic quantization, requested for every Conv2d and Linear, as the report did.

Weights are int8; activations are quantized at the input of each layer, with a scale computed from
the current batch. PyTorch has such a layer for Linear only.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import cast

import torch
from torch import nn
from torch.ao.quantization import quantize_dynamic

from quantbench.artifacts.state_file import STATE, write_state
from quantbench.contracts import Files, QuantizeJob, Skeleton
from quantbench.export.calibration import first_batch
from quantbench.export.eager import require_quantized, require_runs
from quantbench.export.engine import EagerSettings, using_engine
from quantbench.export.rebuild import written_module
from quantbench.export.refusal import refusing
from quantbench.system.silence import silenced

FORMATS = ("state_dict",)
QUANTIZES = ("Linear",)
LIBRARIES = ("torch",)
SETTINGS = EagerSettings
ASKED = (nn.Conv2d, nn.Linear)


def quantize(job: QuantizeJob[EagerSettings]) -> Files:
    module = skeleton(written_module(job), job.settings, ()).module
    require_quantized(module)
    with using_engine(job.settings.engine):
        require_runs(module, first_batch(job))
    write_state(job.folder / STATE, module.state_dict())
    return Files(why_float=_why_float)


def _why_float(kind: str) -> str:
    asked = [module.__name__ for module in ASKED]
    if kind in asked:
        return (
            f"PyTorch has no dynamically quantized {kind}: "
            "quantize_dynamic passes it over without a word"
        )
    return f"quantize_dynamic was asked for {' and '.join(asked)} alone, as in the source report"


def skeleton(float_model: nn.Module, settings: EagerSettings, stored: Collection[str]) -> Skeleton:
    with silenced(), refusing("PyTorch can't quantize the network"), using_engine(settings.engine):
        module = quantize_dynamic(float_model.eval(), set(ASKED), dtype=torch.qint8)
    return Skeleton(cast(nn.Module, module))
