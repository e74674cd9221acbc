"""Checks of the module as the user handed it over."""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd

from quantbench.tasks.checks.evidence import Evidence
from quantbench.tasks.records import Diagnostic


def train_mode(evidence: Evidence) -> Iterator[Diagnostic]:
    """The module was in train mode, and has layers that act otherwise then."""
    if evidence.handed is None:
        return
    kinds = sorted({_kind(part) for part in evidence.handed.modules() if _acts_otherwise(part)})
    if kinds:
        yield Diagnostic(
            code="train-mode",
            sentence=f"the network was handed over in train mode, in which {' and '.join(kinds)} "
            "act otherwise; a copy in eval mode is measured",
            remedy="call model.eval() before, to see the same answers yourself",
        )


def _acts_otherwise(part: nn.Module) -> bool:
    return part.training and isinstance(part, _BatchNorm | _DropoutNd)


def _kind(part: nn.Module) -> str:
    return type(part).__name__
