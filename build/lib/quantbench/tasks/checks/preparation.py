"""Checks whether inputs are prepared as the network was trained on them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from quantbench.samples.records import Array, Arrays
from quantbench.tasks.checks.evidence import Evidence, is_numeric
from quantbench.tasks.records import Diagnostic

_RATIO = 4.0
"""Standard deviations at a batch norm, now to those of its training: more is no chance."""
_AWAY = 3.0
"""Means at a batch norm, in standard deviations of its training."""
_BYTE_MAX = 255
_BRIGHT = 64
"""Pixels of 8 bits reach this in any picture; normalised ones never do."""
_SAMPLES = 64


@dataclass(frozen=True)
class _Drift:
    """The median over a batch norm's channels of how its input differs from its training's."""

    layer: str
    ratio: float
    """Standard deviation now, to that of the training."""
    away: float
    """Distance of the means in standard deviations of the training."""


def inputs_unlike_training(evidence: Evidence) -> Iterator[Diagnostic]:
    """The first batch norm sees other means and deviations than it kept from its training."""
    drift = _first_drift(evidence)
    if drift is None:
        return
    if max(drift.ratio, 1 / drift.ratio) > _RATIO:
        change = f"spread {drift.ratio:.3g} times as wide as in its training"
    elif drift.away > _AWAY:
        change = f"{drift.away:.3g} standard deviations away from those of its training"
    else:
        return
    yield Diagnostic(
        code="inputs-unlike-training",
        sentence=f"the values at '{drift.layer}', the first batch norm, are {change}",
        remedy="prepare inputs as in training: its scaling, mean, deviation and order of channels",
    )


def inputs_of_bytes(evidence: Evidence) -> Iterator[Diagnostic]:
    """Pictures hold whole numbers up to 255 as floats, and no batch norm says if that is right."""
    if _first_drift(evidence) is not None:
        return
    for spec, array in zip(evidence.network.inputs, evidence.test_inputs, strict=True):
        if array.ndim >= 4 and is_numeric(array) and _holds_bytes(array):
            yield Diagnostic(
                code="inputs-of-bytes",
                sentence=f"input '{spec.name}' holds whole numbers from {array.min():.0f} to "
                f"{array.max():.0f}: pictures that aren't normalised",
                remedy="divide by 255 and normalise as in training; where the network was trained "
                "on such numbers or does it itself, all is well",
            )


def _holds_bytes(array: Array) -> bool:
    if not np.isfinite(array).all() or array.min() < 0:
        return False
    return bool(_BRIGHT <= array.max() <= _BYTE_MAX and (array == np.round(array)).all())


def _first_drift(evidence: Evidence) -> _Drift | None:
    """The drift at the first batch norm that kept statistics of a training; None without one."""
    module = evidence.module
    if module is None:
        return None
    norms = {part: name for name, part in module.named_modules() if _is_trained(part)}
    seen: list[tuple[nn.Module, Tensor]] = []

    def watch(part: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        if not seen:
            seen.append((part, inputs[0]))

    hooks = [part.register_forward_pre_hook(watch) for part in norms]
    try:
        with torch.no_grad():
            module(*_tensors(evidence.test_inputs, evidence.network.fixed_batch or _SAMPLES))
    finally:
        for hook in hooks:
            hook.remove()
    if not seen:
        return None
    norm, values = seen[0]
    assert isinstance(norm, _BatchNorm)
    return _drift(norms[norm], norm, values)


def _is_trained(part: nn.Module) -> bool:
    """Whether a module is a batch norm whose statistics are no longer those that it began with."""
    if not isinstance(part, _BatchNorm) or part.running_mean is None or part.running_var is None:
        return False
    return bool((part.running_mean != 0).any() or (part.running_var != 1).any())


def _drift(name: str, norm: _BatchNorm, values: Tensor) -> _Drift | None:
    assert norm.running_mean is not None
    assert norm.running_var is not None
    channels = values.double().transpose(0, 1).flatten(1)  # [C, N * places]
    if channels.shape[1] < 2:
        return None
    trained = (norm.running_var.double() + norm.eps).sqrt()
    away = (channels.mean(1) - norm.running_mean.double()).abs() / trained
    ratio = (channels.var(1) + norm.eps).sqrt() / trained
    return _Drift(name, float(ratio.median()), float(away.median()))


def _tensors(inputs: Arrays, count: int) -> list[Tensor]:
    return [torch.from_numpy(array[:count]) for array in inputs]
