"""Networks as programs of torch.export."""

from __future__ import annotations

import contextlib
import io

import torch
from torch import nn
from torch.export import ExportedProgram

from quantbench.errors import UnavailableError, cause
from quantbench.export.example import any_batch, example
from quantbench.export.refusal import failing_layer
from quantbench.system.silence import silenced
from quantbench.tasks.network import Network

MODEL = "model.pt2"


def exported(
    model: nn.Module, network: Network, batch: int | None = None, most: int | None = None
) -> ExportedProgram:
    """`model`, a form of `network`, as one graph of operators for any batch that `network` takes.

    `batch`: samples of the example that it is traced with; `most`: the largest batch. Raises
    UnavailableError, which names the layer, where torch.export can't trace it.
    """
    inputs = example(network, batch) if batch else example(network)
    shapes = any_batch(network, model, most)

    def trace() -> ExportedProgram:
        return torch.export.export(model, inputs, dynamic_shapes=shapes)

    with silenced(), contextlib.redirect_stderr(io.StringIO()), torch.no_grad():
        try:
            return trace()
        except Exception as error:  # tracing runs the network's own code
            where = failing_layer(model, trace)
            raise UnavailableError(
                f"torch.export can't trace network '{network.name}'{where}: {cause(error)}"
            ) from error
