"""Networks as programs of torch.export."""

from __future__ import annotations

import torch
from torch import nn
from torch.export import Dim, ExportedProgram

from quantbench.system.silence import silenced

MODEL = "model.pt2"


def exported(model: nn.Module, input_shape: tuple[int, ...]) -> ExportedProgram:
    """`model` as one graph of operators for any number of inputs [batch, *input_shape]."""
    with silenced(), torch.no_grad():
        return torch.export.export(
            model, (torch.zeros(2, *input_shape),), dynamic_shapes=({0: Dim("batch")},)
        )
